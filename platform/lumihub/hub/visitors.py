"""The accounts API where people log in elsewhere: the hub knows who came, and keeps no passwords."""

from __future__ import annotations

import json
from typing import Any

from jupyterhub import orm
from jupyterhub.apihandlers.users import APIHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from lumihub.hub.accounts import AccountHandler, describe_account


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
