"""What a values file amounts to, in a few lines that an admin can check against what was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lumihub.settings.models import Settings
    from lumihub.settings.models.auth import Auth
    from lumihub.settings.models.data import Data
    from lumihub.settings.models.proxy import Proxy
    from lumihub.settings.models.singleuser import Singleuser

_SIGNUP = {
    "approval": "students ask for an account at the login page, an admin ({admins}) approves",
    "open": "whoever reaches the login page makes an account and is in",
    "closed": "./deploy.py users add makes the students' accounts",
}
_LOGINS = {
    "oidc": "students log in at your institution, admins are {admins}",
    "github": "students log in with their account of GitHub, admins are {admins}",
    "google": "students log in with their account of Google, admins are {admins}",
    "lti13": "students come from the learning platform, admins are {admins}",
}
_SERVICES = {
    "LoadBalancer": "an address that the cluster's load balancer gives",
    "NodePort": "a port of every node",
    "ClusterIP": "an address inside the cluster alone",
}
_MODES = {
    "stream": "each read goes to {url}",
    "cache": "read from {url}, up to {size} kept on disk",
    "mirror": "only what ./deploy.py data fetch brought from {url}",
}


def build_summary(settings: Settings) -> dict[str, str]:
    """Subject -> what holds, one line each, in the order of interest."""
    if not settings.hub.enabled:
        served = ", ".join(settings.cache.allowed_namespaces) or "no namespace (cache.allowedNamespaces)"
        return {
            "runs on": _describe_place(settings),
            "parts": f"the data cache alone, for pods of {served}",
            "data": _describe_data(settings.data),
        }
    return {
        "runs on": _describe_place(settings),
        "listens": _describe_service(settings) if settings.kubernetes.context else _describe_proxy(settings.proxy),
        "accounts": _describe_accounts(settings.auth),
        "a server": _describe_server(settings.singleuser, settings.cull.timeout if settings.cull.enabled else None),
        "data": _describe_data(settings.data),
    }


def _describe_place(settings: Settings) -> str:
    if settings.kubernetes.context is not None:
        return f"the cluster {settings.kubernetes.context}, in namespace {settings.kubernetes.namespace}"
    return "this machine" if settings.local.folder is None else f"this machine, in {settings.local.folder}"


def _describe_proxy(proxy: Proxy) -> str:
    scheme = "https" if proxy.https.enabled else "http"
    own = {"0.0.0.0": "the whole network", "::": "the whole network", "127.0.0.1": "this machine alone"}  # noqa: S104
    return f"{scheme} on port {proxy.port}, for {own.get(proxy.address, f'those who reach {proxy.address}')}"


def _describe_service(settings: Settings) -> str:
    routes = {"an Ingress": settings.ingress.enabled, "a Gateway": settings.http_route.enabled}
    before = " and ".join(name for name, enabled in routes.items() if enabled)
    if before:
        return f"behind {before}"
    scheme = "https" if settings.proxy.https.enabled else "http"
    return f"{scheme} at {_SERVICES[settings.proxy.service.type]}"


def _describe_accounts(auth: Auth) -> str:
    if auth.type != "native":
        return _LOGINS[auth.type].format(admins=", ".join(auth.admins))
    return _SIGNUP[auth.native.signup].format(admins=", ".join(auth.admins))


def _describe_server(server: Singleuser, timeout: int | None) -> str:
    memory = f"at most {server.memory.limit} of memory" if server.memory.limit else "memory without limit"
    cores = f"{server.cpu.limit:g} cores" if server.cpu.limit else "cores without limit"
    idle = "never ended when idle" if timeout is None else f"ended after {timeout / 60:g} idle minutes"
    return f"{memory}, {cores}, {idle}"


def _describe_data(data: Data) -> str:
    # The cache speaks root:// alone; `up` streams from any other origin.
    mode = "stream" if data.mode == "cache" and not data.origin.url.startswith("root://") else data.mode
    how = _MODES[mode].format(url=data.origin.url, size=data.cache.size)
    return f"release {data.release}, {how}"
