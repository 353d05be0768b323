"""The parts as they should run under the given settings: pure, so that asking twice gives the same."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lumihub.analysis.selection import plan_nightly
from lumihub.data.cache import (
    CACHE_ENVIRONMENT,
    build_cache_command,
    build_cache_config,
    build_cache_rules,
    build_trust,
)
from lumihub.data.origins import CLIENT_ENVIRONMENT
from lumihub.hub.configuration import VARIABLE, HubConfiguration, build_server_environment
from lumihub.lab.lessons import VARIABLE as LESSONS
from lumihub.local.daemons import Daemon
from lumihub.local.nightly import name_cache
from lumihub.settings.certificates import load_pem
from lumihub.settings.quantities import parse_memory

if TYPE_CHECKING:
    from lumihub.data.access import DataAccess
    from lumihub.data.cache import CacheFolders
    from lumihub.local.environment import Environment
    from lumihub.local.folder import StateFolder
    from lumihub.settings import Settings

# A large notebook over a slow link may take minutes to arrive.
_UPLOAD_TIMEOUT = "600s"


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports on the loopback address, for the parts among themselves.

    Attributes:
        hub: the hub; students' servers know it, so it stays.
        proxy_api: the proxy's API, behind a password.
    """

    hub: int
    proxy_api: int


@dataclass(frozen=True, slots=True)
class Installation:
    """All that the parts are made from.

    Attributes:
        settings: the values file.
        folder: where everything lives.
        environment: the Python that the hub and students' servers run from.
        ports: between the parts.
        access: how students get at the data.
        separate_accounts: each student has an account of this machine.
        proxy_password: of the proxy's API.
    """

    settings: Settings
    folder: StateFolder
    environment: Environment
    ports: Ports
    access: DataAccess
    separate_accounts: bool
    proxy_password: str


def build_proxy(installation: Installation) -> Daemon:
    """Traefik. It reads students' routes from a file that the hub writes, so both may restart without the other."""
    settings, folder = installation.settings, installation.folder
    scheme = "https" if settings.proxy.https.enabled else "http"
    entrance: dict[str, Any] = {
        "address": f"{bracketed(settings.proxy.address)}:{settings.proxy.port}",
        "transport": {"respondingTimeouts": {"readTimeout": _UPLOAD_TIMEOUT}},
    }
    if settings.proxy.https.enabled:
        entrance["http"] = {"tls": {}}
    configuration = {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "api": {},
        "log": {"level": "WARN", "noColor": True},
        "entryPoints": {scheme: entrance, "auth_api": {"address": f"127.0.0.1:{installation.ports.proxy_api}"}},
        "providers": {
            "providersThrottleDuration": "0s",
            "file": {"filename": str(routes_file(folder)), "watch": True},
        },
    }
    path = folder.proxy / "traefik.yaml"
    return Daemon(
        name="proxy",
        command=(str(Path(sys.prefix) / "bin" / "traefik"), "--configfile", str(path)),
        environment=_basic_environment(),
        files={path: json.dumps(configuration, indent=1)},  # JSON is YAML
    )


def build_hub(installation: Installation) -> Daemon:
    """JupyterHub, with all that it needs in one private file."""
    folder = installation.folder
    path = folder.hub / "configuration.json"
    configuration = _build_hub_configuration(installation)
    return Daemon(
        name="hub",
        command=(str(installation.environment.python), "-P", "-m", "lumihub.local.hub"),
        environment={
            **_basic_environment(installation.environment.prefix),
            VARIABLE: str(path),
            "LUMIHUB_LOGS": str(folder.logs),
            # Restarts the hub when the code changed in place; what is built for students has it in its path.
            "LUMIHUB_VERSION": installation.environment.key,
        },
        files={path: configuration.model_dump_json(indent=1)},
        stop_seconds=20,
    )


def build_cache(installation: Installation, xrootd: Path, folders: CacheFolders, user: str | None) -> Daemon:
    """The data cache, under an account that owns nothing else."""
    data = installation.settings.data
    path, rules, authority = (installation.folder.cache / name for name in ("cache.cfg", "authdb", "ca.pem"))
    text = build_cache_config(
        origin=data.origin.url,
        folders=folders,
        rules=rules,
        port=data.cache.port,
        size=parse_memory(data.cache.size),
    )
    environment = {**_basic_environment(), **CACHE_ENVIRONMENT}
    files = {path: text, rules: build_cache_rules(data.origin.url)}
    if data.ca_bundle:
        files[authority] = load_pem("data.caBundle", data.ca_bundle)
        environment |= build_trust(authority)
    return Daemon(
        name="cache",
        command=tuple(build_cache_command(xrootd, path, Path("-"))),
        environment=environment,
        files=files,
        user=user,
    )


def build_warmer(installation: Installation, user: str | None) -> Daemon | None:
    """What fills the cache at night, under the account of the cache; None where the settings name nothing."""
    work = plan_nightly(installation.settings, name_cache(installation.settings))
    if work is None:
        return None
    folder = installation.folder
    return Daemon(
        name="warmer",
        command=(
            str(installation.environment.python),
            "-P",
            "-m",
            "lumihub.local.warmer",
            str(folder.nightly_work),
            str(folder.nightly_outcome),
        ),
        environment={
            **_basic_environment(installation.environment.prefix),
            **CLIENT_ENVIRONMENT,
            "LUMIHUB_VERSION": installation.environment.key,
        },
        files={folder.nightly_work: work.model_dump_json(indent=1)},
        user=user,
    )


def routes_file(folder: StateFolder) -> Path:
    """Students' routes: written by the hub, read by the proxy."""
    return folder.proxy / "routes.toml"


def bracketed(address: str) -> str:
    """An address as URLs take it."""
    return f"[{address}]" if ":" in address else address


def _build_hub_configuration(installation: Installation) -> HubConfiguration:
    settings = installation.settings
    return HubConfiguration.from_settings(
        settings,
        tool_token_file=installation.folder.secrets / "tool_token",
        proxy_token_file=installation.folder.secrets / "proxy_password",
        environment=_build_environment(installation),
        # -P: a file random.py in a student's home must not take the place of Python's own.
        command=(str(installation.environment.python), "-P", "-m", "lumihub.lab"),
        classes=_build_classes(installation),
    )


def _build_environment(installation: Installation) -> dict[str, str]:
    settings = installation.settings
    lessons = [str(installation.environment.lessons(settings.lessons.language))]
    if settings.lessons.folder:
        lessons.append(str(settings.lessons.folder.expanduser().absolute()))
    own = build_server_environment(settings, installation.access)
    return {LESSONS: os.pathsep.join(lessons), **own}


def _build_classes(installation: Installation) -> dict[str, dict[str, Any]]:
    settings, folder, ports = installation.settings, installation.folder, installation.ports
    https = settings.proxy.https
    hub: dict[str, Any] = {
        "bind_url": f"{'https' if https.enabled else 'http'}://{bracketed(settings.proxy.address)}:{settings.proxy.port}/",
        "hub_bind_url": f"http://127.0.0.1:{ports.hub}",
        "db_url": f"sqlite:///{folder.hub / 'jupyterhub.sqlite'}",
        "cookie_secret_file": str(folder.secrets / "cookie_secret"),
        "spawner_class": "lumihub.local.spawner.LocalSpawner",
        "proxy_class": "lumihub.local.routes.GatedProxy",
    }
    if https.enabled and https.manual:
        hub |= {"ssl_key": str(https.manual.key.absolute()), "ssl_cert": str(https.manual.cert.absolute())}
    return {
        "JupyterHub": hub,
        "GatedProxy": {
            "should_start": False,
            "dynamic_config_file": str(routes_file(folder)),
            "traefik_api_url": f"http://127.0.0.1:{ports.proxy_api}",
            "traefik_api_username": "hub",
            "traefik_api_password": installation.proxy_password,
            "traefik_api_hashed_password": hash_password(installation.proxy_password),
        },
        "LocalSpawner": {
            "separate_accounts": installation.separate_accounts,
            "account_prefix": settings.local.account_prefix,
            "homes": str(folder.homes),
            "register": str(folder.hub / "accounts.json"),
            "logs": str(folder.logs / "students"),
            "identity": folder.identity,
        },
    }


def hash_password(password: str) -> str:
    """As htpasswd's {SHA}: quick, and right for 256 random bits that are checked at each of the hub's requests."""
    return "{SHA}" + base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()  # noqa: S324


def _basic_environment(prefix: Path | None = None) -> dict[str, str]:
    kept = ["HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"]
    kept += [name for word in ("http_proxy", "https_proxy", "no_proxy") for name in (word, word.upper())]
    path = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    if prefix:
        path.insert(0, str(prefix / "bin"))
    return {**{name: os.environ[name] for name in kept if name in os.environ}, "PATH": os.pathsep.join(path)}
