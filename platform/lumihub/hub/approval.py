"""The administrator's answers to those who signed up: by POST with a token, so that no link can give them unseen."""

from __future__ import annotations

from jupyterhub.scopes import needs_scope
from nativeauthenticator.handlers import AuthorizationAreaHandler, LocalBase
from nativeauthenticator.orm import UserInfo
from tornado import web


class ApprovalsHandler(AuthorizationAreaHandler):
    """`/hub/authorize`: who waits for approval. Who did not log in yet does so first, and then comes back."""

    @web.authenticated
    async def get(self) -> None:
        """Show the page; only administrators see it."""
        await super().get()


class ApproveHandler(LocalBase):
    """`POST /hub/authorize/NAME`: let somebody in, or no longer."""

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def post(self, name: str) -> None:
        """Change it to the other, as NativeAuthenticator does."""
        if self.authenticator.get_user(name):
            UserInfo.change_authorization(self.db, self.authenticator.normalize_username(name))
        self.redirect(f"{self.hub.base_url}authorize")


class DiscardHandler(LocalBase):
    """`POST /hub/discard/NAME`: forget somebody who signed up and was never let in."""

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def post(self, name: str) -> None:
        """Forget the request; accounts that were let in stay."""
        account = self.authenticator.get_user(name)
        if account and not account.is_authorized:
            self.db.delete(account)
            self.db.commit()
        self.redirect(f"{self.hub.base_url}authorize")
