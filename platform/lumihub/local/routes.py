"""The proxy's routes on one machine: a student's server is reached with its key, or with a token."""

from __future__ import annotations

from typing import Any

from jupyterhub_traefik_proxy.fileprovider import TraefikFileProviderProxy

from lumihub.hub.server_keys import BROWSER_COOKIE, build_cookie_name, build_key

# A browser that opens a link sends none of these. JupyterLab's pages do with what they ask for, but must get the key
# too: their websockets come without.
_TOKEN = "HeaderRegexp(`Authorization`, `(?i)^(token|bearer)\\s+\\S`)"  # noqa: S105

# Browsers say so when they ask for the script of a service worker.
_WORKER = "HeaderRegexp(`Service-Worker`, `.`)"


class GatedProxy(TraefikFileProviderProxy):
    """Traefik that lets nobody through to a student's server who does not carry its key; the hub has them then.

    No page of a student's server gets a service worker either: it would stay in the browser, and may stand between the
    next person there and the hub.

    The key stands in the rule that chooses the server, so that no way of writing an address leads past it.
    """

    async def _setup_traefik_dynamic_config(self) -> None:
        await super()._setup_traefik_dynamic_config()
        # The file outlives the hub: servers that run may have rules of an older version, or of another scheme.
        for route in list(self.dynamic_config["jupyterhub"]["routes"].values()):
            rules = self._dynamic_config_for_route(route["routespec"], route["target"], route["data"])
            await self._apply_dynamic_config(*rules)

    def _dynamic_config_for_route(
        self, routespec: str, target: str, data: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        traefik, jupyterhub = super()._dynamic_config_for_route(routespec, target, data)
        if "user" in data:
            cookie = build_cookie_name("https" if self.is_https else "http")
            condition = build_condition(cookie, build_key(self.traefik_api_password, data["user"]))
            for router in traefik["http"]["routers"].values():
                router["rule"] = f"( {router['rule']} ) && ( {condition} ) && !{_WORKER}"
        return traefik, jupyterhub


def build_condition(cookie: str, key: str) -> str:
    """What a request must have: this key, in the only cookie of that name, or a token and no browser's cookie."""
    begins = rf"(^|;\s*){cookie}="
    one = f"HeaderRegexp(`Cookie`, `{begins}{key}\\s*(;|$)`)"
    more = rf"HeaderRegexp(`Cookie`, `{begins}.*;\s*{cookie}=`)"
    browser = rf"HeaderRegexp(`Cookie`, `(^|;\s*){BROWSER_COOKIE}=`)"
    return f"( {one} && !{more} ) || ( {_TOKEN} && !{browser} )"
