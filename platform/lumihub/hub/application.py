"""Turns our configuration into JupyterHub's options: accounts, roles, services, limits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nativeauthenticator

from lumihub.hub.appointments import Appointments
from lumihub.hub.authenticator import LumiHubAuthenticator
from lumihub.hub.configuration import TOOL
from lumihub.labels import GATEWAY

if TYPE_CHECKING:
    from lumihub.hub.configuration import HubConfiguration

CULLER = "idle-culler"
TEMPLATES = Path(__file__).parent / "templates"
# Enough for a student who mistypes, too few for a dictionary.
FAILED_LOGINS = 10
SECONDS_LOCKED = 300
# A whole class that logs in at once on a small machine takes its time.
START_SECONDS = 180


def configure(c: Any, configuration: HubConfiguration) -> None:
    """Set all options of the hub.

    Args:
        c: JupyterHub's configuration object.
        configuration: what the backend wants.
    """
    _configure_hub(c, configuration)
    _configure_accounts(c, configuration)
    _configure_services(c, configuration)
    _configure_servers(c, configuration)
    for options in (configuration.classes, configuration.overrides):
        for name, values in options.items():
            c[name].update(values)


def _configure_hub(c: Any, configuration: HubConfiguration) -> None:
    # Students' servers and their routes outlive the hub: a restart must cost nobody a kernel.
    c.JupyterHub.cleanup_servers = False
    c.JupyterHub.cleanup_proxy = False
    c.JupyterHub.upgrade_db = True  # makes a copy of the database first
    c.JupyterHub.concurrent_spawn_limit = configuration.concurrent_spawn_limit
    c.JupyterHub.active_server_limit = configuration.active_server_limit
    c.JupyterHub.template_paths = [str(TEMPLATES), str(Path(nativeauthenticator.__file__).parent / "templates")]
    c.JupyterHub.logo_file = str(TEMPLATES / "logo.svg")
    c.JupyterHub.template_vars = {"minimum_password_length": configuration.minimum_password_length}
    c.JupyterHub.tornado_settings = {
        "slow_spawn_timeout": 0,
        # JupyterHub has an option of this name, and forgot to let it be set.
        "spawn_throttle_retry_range": Appointments(),
    }
    # One student whose server fails must not stop the hub of all.
    c.Spawner.consecutive_failure_limit = 0


def _configure_accounts(c: Any, configuration: HubConfiguration) -> None:
    # On the base class, so that whatever class `hub.config` names wins over it.
    authenticator = c.Authenticator
    authenticator.admin_users = set(configuration.admins)
    c.JupyterHub.authenticator_class = configuration.login or LumiHubAuthenticator
    if configuration.login:
        return
    authenticator.allow_all = True  # whoever has an account that an admin (or open sign-up) approved
    authenticator.enable_signup = configuration.signup != "closed"
    authenticator.open_signup = configuration.signup == "open"
    authenticator.minimum_password_length = configuration.minimum_password_length
    authenticator.check_common_password = True
    authenticator.allowed_failed_logins = FAILED_LOGINS
    authenticator.seconds_before_next_try = SECONDS_LOCKED
    authenticator.delete_invalid_users = False


def _configure_services(c: Any, configuration: HubConfiguration) -> None:
    services: list[dict[str, Any]] = [{"name": TOOL, "api_token": configuration.tool_token_file.read_text().strip()}]
    roles = [{"name": TOOL, "services": [TOOL], "scopes": ["admin:users", "admin:servers"]}]
    if configuration.cull_enabled:
        words = ["--timeout", configuration.cull_timeout, "--cull-every", configuration.cull_every]
        words += ["--max-age", configuration.cull_max_age]
        words += ["--url", configuration.api_url] if configuration.api_url else []
        command = [sys.executable, "-m", "lumihub.hub.culler", *map(str, words)]
        services.append({"name": CULLER, "command": command})
        scopes = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
        roles.append({"name": CULLER, "services": [CULLER], "scopes": scopes})
    if configuration.gateway_token_file:
        services.append({"name": GATEWAY, "api_token": configuration.gateway_token_file.read_text().strip()})
        roles += _build_gateway_roles()
    c.JupyterHub.services = services
    c.JupyterHub.load_roles = roles


def _build_gateway_roles() -> list[dict[str, Any]]:
    """The gateway sees who has a server; students, by the token of their server, may use it."""
    may_use = f"access:services!service={GATEWAY}"
    return [
        {"name": GATEWAY, "services": [GATEWAY], "scopes": ["read:users:name", "read:servers"]},
        {"name": "user", "scopes": ["self", may_use]},
        {"name": "server", "scopes": ["users:activity!user", "access:servers!server", may_use]},
    ]


def _configure_servers(c: Any, configuration: HubConfiguration) -> None:
    c.Spawner.cmd = list(configuration.command)
    c.Spawner.default_url = configuration.default_url
    c.Spawner.environment = dict(configuration.environment)
    c.Spawner.http_timeout = START_SECONDS
    c.Spawner.start_timeout = START_SECONDS
    c.Spawner.mem_limit = configuration.memory_limit
    c.Spawner.cpu_limit = configuration.cpu_limit
