"""What a backend tells the hub: one JSON file, whose path is in the environment of the hub's process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lumihub.errors import LumiHubError
from lumihub.settings.quantities import parse_memory

if TYPE_CHECKING:
    from lumihub.data.access import DataAccess
    from lumihub.settings import Settings

VARIABLE = "LUMIHUB_HUB_CONFIGURATION"
TOOL = "lumihub-tool"


class HubConfiguration(BaseModel):
    """The hub as a backend wants it. The file is readable by the hub's account alone.

    Attributes:
        admins: names of the administrators' accounts.
        login: class of the authenticator where accounts live elsewhere; empty where the hub keeps them itself.
        signup: who may make an account at the login page.
        minimum_password_length: in characters.
        tool_token_file: file with the API token of the command line.
        proxy_token_file: file with the secret of the proxy's API, which keys of students' servers are made from too.
        gateway_token_file: file with the API token of the Dask gateway; None where there is none.
        cull: whether idle servers are ended, and when (seconds).
        api_url: where the culler finds the hub's API; empty for the address that students' servers use.
        concurrent_spawn_limit: servers that may be starting at once.
        active_server_limit: servers that may run at once; 0 for no limit.
        default_url: where a student lands.
        memory_limit: bytes of one server, None for no limit.
        cpu_limit: cores of one server, None for no limit.
        environment: variables of every student's server.
        command: what a student's server runs.
        classes: options by class and name that belong to the backend: addresses, proxy, spawner.
        overrides: `hub.config` of the settings; applied last.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    admins: tuple[str, ...]
    login: str = ""
    signup: Literal["approval", "open", "closed"]
    minimum_password_length: int
    tool_token_file: Path
    proxy_token_file: Path
    gateway_token_file: Path | None = None
    cull_enabled: bool
    cull_timeout: int
    cull_every: int
    cull_max_age: int
    api_url: str = ""
    concurrent_spawn_limit: int
    active_server_limit: int
    default_url: str
    memory_limit: int | None
    cpu_limit: float | None
    environment: dict[str, str] = Field(default_factory=dict)
    command: tuple[str, ...]
    classes: dict[str, dict[str, Any]] = Field(default_factory=dict)
    overrides: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @classmethod
    def from_settings(cls, settings: Settings, **own: Any) -> HubConfiguration:
        """What the settings say on every backend, and what a backend adds of its own."""
        server = settings.singleuser
        common: dict[str, Any] = {
            "admins": settings.auth.admins,
            "signup": settings.auth.native.signup,
            "minimum_password_length": settings.auth.native.minimum_password_length,
            "cull_enabled": settings.cull.enabled,
            "cull_timeout": settings.cull.timeout,
            "cull_every": settings.cull.every,
            "cull_max_age": settings.cull.max_age,
            "concurrent_spawn_limit": settings.hub.concurrent_spawn_limit,
            "active_server_limit": settings.hub.active_server_limit,
            "default_url": server.default_url,
            "memory_limit": parse_memory(server.memory.limit) if server.memory.limit else None,
            "cpu_limit": server.cpu.limit,
            "overrides": settings.hub.config,
        }
        return cls.model_validate(common | own)

    @classmethod
    def current(cls) -> HubConfiguration:
        """The configuration of the hub that is starting in this process.

        Raises:
            LumiHubError: nobody said where it is.
        """
        path = os.environ.get(VARIABLE)
        if not path:
            raise LumiHubError(f"{VARIABLE} is not set", fix="start the hub with: ./deploy.py up")
        return cls.model_validate_json(Path(path).read_bytes())


def build_server_environment(
    settings: Settings, access: DataAccess, gateway: str = "", demo: str = ""
) -> dict[str, str]:
    """The variables of every student's server: Dask's limits, the way to the data, and the admin's own.

    Args:
        settings: the values file.
        access: how the data is read.
        gateway: address of the Dask gateway, empty where there is none.
        demo: host of the scheduler that a class may be shown, empty where it may not.
    """
    dask: dict[str, Any] = {"enabled": settings.dask.enabled, "maxWorkers": settings.dask.max_workers}
    dask |= {name: place for name, place in (("gateway", gateway), ("demo", demo)) if place}
    return {"LUMIHUB_DASK": json.dumps(dask), **access.environment(), **settings.singleuser.extra_env}
