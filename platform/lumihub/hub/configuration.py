"""What a backend tells the hub: one JSON file, whose path is in the environment of the hub's process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lumihub.errors import LumiHubError

VARIABLE = "LUMIHUB_HUB_CONFIGURATION"
TOOL = "lumihub-tool"


class HubConfiguration(BaseModel):
    """The hub as a backend wants it. The file is readable by the hub's account alone.

    Attributes:
        admins: names of the administrators' accounts.
        signup: who may make an account at the login page.
        minimum_password_length: in characters.
        tool_token_file: file with the API token of the command line.
        cull: whether idle servers are ended, and when (seconds).
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
    signup: Literal["approval", "open", "closed"]
    minimum_password_length: int
    tool_token_file: Path
    cull_enabled: bool
    cull_timeout: int
    cull_every: int
    cull_max_age: int
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
    def current(cls) -> HubConfiguration:
        """The configuration of the hub that is starting in this process.

        Raises:
            LumiHubError: nobody said where it is.
        """
        path = os.environ.get(VARIABLE)
        if not path:
            raise LumiHubError(f"{VARIABLE} is not set", fix="start the hub with: lumihub up")
        return cls.model_validate_json(Path(path).read_bytes())
