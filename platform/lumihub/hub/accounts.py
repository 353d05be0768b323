"""The accounts API, for the command line: `users` and `check` work through it alike on every backend."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from jupyterhub.apihandlers.users import APIHandler
from jupyterhub.roles import assign_default_roles
from jupyterhub.scopes import needs_scope
from jupyterhub.utils import maybe_future, new_token
from nativeauthenticator.orm import UserInfo
from tornado import web

from lumihub.hub.names import NAME_RULE

if TYPE_CHECKING:
    from jupyterhub.user import User

STOP_SECONDS = 40


class AccountsHandler(APIHandler):
    """`/hub/api/lumihub/accounts`."""

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """All accounts: `[{name, admin, approved, running, created, lastActivity}]`, by name."""
        accounts = self.db.query(UserInfo).order_by(UserInfo.username)
        self.finish(json.dumps([self._describe(account) for account in accounts]))

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def post(self) -> None:
        """Make accounts: body `[{name, password}]`; answer `[{name, created}]`, where existing ones stay as they are.

        All names and passwords are looked at first: nothing is made when one of them may not be used.
        """
        wanted = _parse_accounts(self.get_json_body())
        faults = [fault for name, password in wanted if (fault := find_fault(self.authenticator, name, password))]
        if faults:
            raise web.HTTPError(400, "; ".join(faults))
        answer = []
        for name, password in wanted:
            created = self.authenticator.get_user(name) is None
            if created:
                await self.authenticator.set_account(name, password)
                await ensure_user(self, name)
            answer.append({"name": name, "created": created})
        self.finish(json.dumps(answer))

    def _describe(self, account: UserInfo) -> dict[str, Any]:
        return describe_account(self, account.username, approved=bool(account.is_authorized))


class AccountHandler(APIHandler):
    """`/hub/api/lumihub/accounts/NAME`."""

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def post(self, name: str) -> None:
        """Make an account for a check: body `{password}`; answer `{created, token}`.

        The token is empty where the password opens the login page, and nobody gets one of an account that was there.
        """
        password = str((self.get_json_body() or {}).get("password", ""))
        if fault := find_fault(self.authenticator, name, password):
            raise web.HTTPError(400, fault)
        created = self.authenticator.get_user(name) is None
        if created:
            await self.authenticator.set_account(name, password)
            await ensure_user(self, name)
        self.finish(json.dumps({"created": created, "token": ""}))

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def patch(self, name: str) -> None:
        """Body `{password}` gives a new password and ends all sessions, `{approved: true}` lets somebody in."""
        account = self._account(name)
        body = self.get_json_body() or {}
        if "password" in body:
            try:
                await self.authenticator.set_account(account.username, str(body["password"]))
            except ValueError as error:
                raise web.HTTPError(400, str(error)) from error
            await self._end_sessions(account.username)
        if "approved" in body:
            account.is_authorized = bool(body["approved"])
            self.db.commit()
        self.set_status(204)

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def delete(self, name: str) -> None:
        """Stop the student's server and remove the account; `?home=delete` deletes the home too."""
        known = self._known_name(name)
        if known in self.authenticator.admin_users:
            raise web.HTTPError(400, f"{name} is an administrator: take the name out of auth.admins first")
        user = self.find_user(known) or self.user_from_username(known)
        await self._stop_server(user)
        # After the stop, since that forgets the spawner.
        user.spawner.delete_home = self.get_query_argument("home", "") == "delete"
        await maybe_future(self.authenticator.delete_user(user))
        await user.delete_spawners()
        self.users.delete(user)
        self.set_status(204)

    async def _stop_server(self, user: User) -> None:
        """Wait until the server is really gone.

        JupyterHub refuses to stop one that is starting, and goes on stopping a slow one by itself and returns.
        """
        for _ in range(10 * STOP_SECONDS):
            if not user.active:
                return
            if user.spawner.ready:
                await self.stop_single_user(user)
            else:
                await asyncio.sleep(0.1)
        raise web.HTTPError(503, f"the server of {user.name} does not stop, so the account was not removed; try again")

    def _known_name(self, name: str) -> str:
        return str(self._account(name).username)

    def _account(self, name: str) -> UserInfo:
        account = self.authenticator.get_user(name)
        if account is None:
            raise web.HTTPError(404, f"there is no account {name}")
        return account

    async def _end_sessions(self, name: str) -> None:
        user = self.find_user(name)
        if user:
            user.orm_user.cookie_id = new_token()  # whoever holds a session with the old one is logged out
            self.db.commit()


async def ensure_user(handler: APIHandler, name: str) -> User:
    """The hub's own record of an account, with the rights that its name has in the settings."""
    user = handler.find_user(name) or handler.user_from_username(name)
    user.admin = name in handler.authenticator.admin_users
    assign_default_roles(handler.db, entity=user.orm_user)
    handler.db.commit()
    await maybe_future(handler.authenticator.add_user(user))
    return user


def find_fault(authenticator: Any, name: str, password: str) -> str | None:
    """Why an account of this name and password can't be, or None."""
    if not authenticator.validate_username(name):
        return f"{name!r} is not a user name: {NAME_RULE}"
    if not authenticator.is_password_strong(password):
        return f"the password for {name} is too common, too short or too long"
    return None


def describe_account(handler: APIHandler, name: str, *, approved: bool) -> dict[str, Any]:
    """What the command line is told about an account."""
    user = handler.find_user(name)
    activity = user.orm_user.last_activity if user else None
    created = user.orm_user.created if user else None
    return {
        "name": name,
        "admin": name in handler.authenticator.admin_users,
        "approved": approved,
        "running": bool(user and user.active),
        "created": f"{created.isoformat()}Z" if created else "",
        "lastActivity": f"{activity.isoformat()}Z" if activity else "",
    }


def _parse_accounts(body: Any) -> list[tuple[str, str]]:
    if not isinstance(body, list) or not all(isinstance(entry, dict) for entry in body):
        raise web.HTTPError(400, "the body should be a list of {name, password}")
    return [(str(entry.get("name", "")), str(entry.get("password", ""))) for entry in body]
