"""User names and passwords that the hub keeps itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import bcrypt
from jupyterhub.handlers.login import LoginHandler
from nativeauthenticator import NativeAuthenticator
from nativeauthenticator.orm import UserInfo
from tornado import web

from lumihub.hub.accounts import AccountHandler, AccountsHandler
from lumihub.hub.approval import ApprovalsHandler, ApproveHandler, DiscardHandler
from lumihub.hub.names import NAME, NAME_RULE

if TYPE_CHECKING:
    from jupyterhub.handlers import BaseHandler

# bcrypt looks at no more, and bcrypt 5 refuses longer ones.
LONGEST_PASSWORD_BYTES = 72


class LumiHubAuthenticator(NativeAuthenticator):
    """NativeAuthenticator, without the hub standing still for each password, and with an API for the command line."""

    def validate_username(self, username: str) -> bool:
        """Whether it is a name that every backend can make an account and a home for."""
        return NAME.fullmatch(username) is not None

    def is_password_strong(self, password: str) -> bool:
        """Whether it may be used: long enough, not too long for the hash, and not a common one."""
        return len(password.encode()) <= LONGEST_PASSWORD_BYTES and bool(super().is_password_strong(password))

    def create_user(self, username: str, password: str, **details: Any) -> UserInfo | None:
        """Sign-up at the login page. Administrators' names are not to be had there, not even before they exist."""
        if self.normalize_username(username) in self.admin_users:
            return None
        return super().create_user(username, password, **details)

    async def authenticate(self, handler: BaseHandler, data: dict[str, str]) -> str | None:  # noqa: ARG002
        """The name of who gave the right password, or None.

        Raises:
            tornado.web.HTTPError: a word is missing, too many were wrong in a row, or nobody let the account in yet.
        """
        # Our page sends both; a script, or a browser's extension that fills in forms, may not.
        name, password = self.normalize_username(data.get("username", "")), data.get("password", "")
        if not name or not password:
            raise web.HTTPError(400, "Type your user name and your password.")
        if self.is_blocked(name):
            minutes = self.seconds_before_next_try // 60
            raise web.HTTPError(403, f"Too many wrong passwords: try again in {minutes} minutes, or ask for a new one.")
        account = self.get_user(name)
        if account and await check_password(password, account.password):
            if not account.is_authorized:
                raise web.HTTPError(403, "Your account waits for approval: ask your teacher.")
            self.successful_login(name)
            return str(name)
        if account:
            if self.can_try_to_login_again(name):
                self.successful_login(name)  # the time of an old lock is over: count from nought
            self.add_login_attempt(name)
        return None

    def can_try_to_login_again(self, username: str) -> bool:
        """Whether the last wrong password is long enough ago."""
        return username in self.login_attempts and bool(super().can_try_to_login_again(username))

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        """NativeAuthenticator's pages, with approval by POST, and the accounts API."""
        ours = [
            (r"/login", LoginHandler),  # JupyterHub's own: NativeAuthenticator 1.3 has one for JupyterHub 5
            (r"/authorize", ApprovalsHandler),
            (r"/authorize/([^/]+)", ApproveHandler),
            (r"/discard/([^/]+)", DiscardHandler),
            (r"/api/lumihub/accounts", AccountsHandler),
            (r"/api/lumihub/accounts/([^/]+)", AccountHandler),
        ]
        paths = {r"/login", r"/authorize", r"/authorize/([^/]*)", r"/discard/([^/]*)", r"/confirm/([^/]*)"}
        return [*ours, *(route for route in super().get_handlers(app) if route[0] not in paths)]

    async def set_account(self, name: str, password: str, *, approved: bool = True) -> bool:
        """Make an account, or give an existing one a new password; True when it was made.

        Raises:
            ValueError: the name or the password may not be used, and why.
        """
        if not self.validate_username(name):
            raise ValueError(f"{name!r} is not a user name: {NAME_RULE}")
        if not self.is_password_strong(password):
            raise ValueError(
                f"the password for {name} is too common, or not {self.minimum_password_length} characters"
                f" to {LONGEST_PASSWORD_BYTES} bytes long"
            )
        hashed = await asyncio.to_thread(bcrypt.hashpw, password.encode(), bcrypt.gensalt())
        account = self.get_user(name)
        if account:
            account.password = hashed
        else:
            self.db.add(UserInfo(username=name, password=hashed, is_authorized=approved))
        self.db.commit()
        self.successful_login(name)
        return account is None


async def check_password(password: str, hashed: bytes) -> bool:
    """Compare in a thread: it takes a quarter of a second on purpose, and a class logs in all at once."""
    words = password.encode()
    if len(words) > LONGEST_PASSWORD_BYTES:
        return False
    return await asyncio.to_thread(bcrypt.checkpw, words, hashed)
