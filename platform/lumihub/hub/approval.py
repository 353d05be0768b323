"""The administrator's answers to those who signed up: by POST with a token, so that no link can give them unseen."""

from __future__ import annotations

from jupyterhub.scopes import needs_scope
from nativeauthenticator.handlers import LocalBase
from nativeauthenticator.orm import UserInfo


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
