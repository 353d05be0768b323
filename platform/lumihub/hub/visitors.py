"""The accounts API where people log in elsewhere: the hub knows who came, and keeps no passwords."""

from __future__ import annotations

import json
from typing import Any

from jupyterhub import orm
from jupyterhub.apihandlers.users import APIHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from lumihub.hub.accounts import AccountHandler, describe_account, ensure_user
from lumihub.hub.names import NAME, NAME_RULE

# No check takes longer.
CHECK_SECONDS = 900


class VisitorsHandler(APIHandler):
    """`/hub/api/lumihub/accounts`."""

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """All who ever logged in, in the same form as accounts that the hub keeps itself."""
        names = [name for (name,) in self.db.query(orm.User.name).order_by(orm.User.name)]
        self.finish(json.dumps([describe_account(self, name, approved=True) for name in names]))

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def post(self) -> None:
        """Refused: nobody gets a password here."""
        raise build_refusal(self.authenticator)


class VisitorHandler(AccountHandler):
    """`/hub/api/lumihub/accounts/NAME`."""

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def post(self, name: str) -> None:
        """Make an account for a check, which can't log in at somebody else's page: it gets a token instead."""
        if NAME.fullmatch(name) is None:
            raise web.HTTPError(400, f"{name!r} is not a user name: {NAME_RULE}")
        if self.find_user(name):
            self.finish(json.dumps({"created": False, "token": ""}))
            return
        user = await ensure_user(self, name)
        token = user.new_api_token(note="./deploy.py check", expires_in=CHECK_SECONDS)
        self.finish(json.dumps({"created": True, "token": token}))

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def patch(self, name: str) -> None:  # noqa: ARG002
        """Refused: there is no password to change and nobody to approve."""
        raise build_refusal(self.authenticator)

    def _known_name(self, name: str) -> str:
        user = self.find_user(name)
        if user is None:
            raise web.HTTPError(404, f"there is no account {name}")
        return str(user.name)


def build_refusal(authenticator: Any) -> web.HTTPError:
    """What the command line is told instead of an account."""
    return web.HTTPError(
        400,
        f"people log in with {authenticator.login_service or 'another service'}, which knows their passwords;"
        " who may come in is set by auth in the values file",
    )
