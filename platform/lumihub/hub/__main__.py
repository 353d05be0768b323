"""The hub on a cluster: `python -m lumihub.hub`, in its pod."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from lumihub.hub.configuration import VARIABLE
from lumihub.hub.database import ensure_readable
from lumihub.hub.database_copies import ensure_usable
from lumihub.hub.gate import GatedHub
from lumihub.hub.kubernetes import DATABASE, SECRETS, Place, build_configuration
from lumihub.hub.routes import RouteKeeper
from lumihub.hub.values import load_values

if TYPE_CHECKING:
    from lumihub.settings import Settings

_VALUES = Path("/etc/lumihub/values.json")
_CONFIGURATION = Path("/tmp/configuration.json")  # noqa: S108  (the pod's own)


class ClusterHub(GatedHub):
    """The hub beside a proxy that may be restarted by itself."""

    async def start(self) -> None:
        """Start the hub, then look after the proxy's routes."""
        await super().start()
        self._routes = RouteKeeper(self)
        await self._routes.start()


def main() -> None:
    """Run the hub until it is told to end."""
    settings = load_values(_VALUES)
    place = Place(
        namespace=os.environ["POD_NAMESPACE"],
        client_secret=_find_client_secret(settings),
        database=_find_database(settings),
    )
    said = (
        ensure_usable(place.database) if place.database else ensure_readable(Path(DATABASE.removeprefix("sqlite:///")))
    )
    if said:
        logging.getLogger("lumihub.hub").warning(said)
    _CONFIGURATION.touch(mode=0o600)
    _CONFIGURATION.write_text(build_configuration(settings, place).model_dump_json(indent=1), "utf-8")
    os.environ |= {
        VARIABLE: str(_CONFIGURATION),
        "CONFIGPROXY_AUTH_TOKEN": _read("proxy-token"),
        "JUPYTERHUB_CRYPT_KEY": _read("crypt-key"),
    }
    ClusterHub.launch_instance(["-f", str(Path(__file__).with_name("jupyterhub_config.py"))])


def _find_client_secret(settings: Settings) -> str:
    given = getattr(getattr(settings.auth, settings.auth.type), "client_secret", None)
    if given is not None:
        return str(given.get_secret_value())
    return _read("client-secret") if (SECRETS / "client-secret").exists() else ""


def _find_database(settings: Settings) -> str:
    database = settings.hub.db
    if database.type == "sqlite-pvc":
        return ""
    given = make_url(database.url.get_secret_value() if database.url else _read("db-url"))
    # The one driver that is here; without a name SQLAlchemy would look for another.
    return given.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _read(name: str) -> str:
    return (SECRETS / name).read_text("utf-8").strip()


if __name__ == "__main__":
    main()
