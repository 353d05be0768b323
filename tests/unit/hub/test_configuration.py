from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from traitlets.config import Config

from lumihub.errors import LumiHubError
from lumihub.hub.application import configure
from lumihub.hub.configuration import VARIABLE, HubConfiguration

if TYPE_CHECKING:
    from pathlib import Path


def build(tmp_path: Path, **changes: Any) -> HubConfiguration:
    token = tmp_path / "token"
    token.write_text("random\n")
    values: dict[str, Any] = {
        "admins": ["admin"],
        "signup": "approval",
        "minimum_password_length": 8,
        "tool_token_file": token,
        "proxy_token_file": token,
        "cull_enabled": True,
        "cull_timeout": 3600,
        "cull_every": 300,
        "cull_max_age": 0,
        "concurrent_spawn_limit": 64,
        "active_server_limit": 0,
        "default_url": "/lab",
        "memory_limit": 2**31,
        "cpu_limit": 2.0,
        "command": ["python", "-m", "lumihub.lab"],
    }
    return HubConfiguration.model_validate(values | changes)


def configured(tmp_path: Path, **changes: Any) -> Config:
    c = Config()
    configure(c, build(tmp_path, **changes))
    return c


def test_a_hub_without_its_file_says_how_to_start_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(LumiHubError) as caught:
        HubConfiguration.current()
    assert str(caught.value) == f"error: {VARIABLE} is not set\n  fix: start the hub with: ./deploy.py up"


def test_file_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "configuration.json"
    path.write_text(build(tmp_path).model_dump_json())
    monkeypatch.setenv(VARIABLE, str(path))
    assert HubConfiguration.current() == build(tmp_path)


def test_servers_and_routes_outlive_the_hub(tmp_path: Path) -> None:
    c = configured(tmp_path)
    assert c.JupyterHub.cleanup_servers is False
    assert c.JupyterHub.cleanup_proxy is False


@pytest.mark.parametrize(
    ("signup", "enabled", "opened"), [("approval", True, False), ("open", True, True), ("closed", False, False)]
)
def test_signup(tmp_path: Path, signup: str, enabled: bool, opened: bool) -> None:
    c = configured(tmp_path, signup=signup)
    assert (c.Authenticator.enable_signup, c.Authenticator.open_signup) == (enabled, opened)


def test_services_have_the_least_rights(tmp_path: Path) -> None:
    c = configured(tmp_path)
    assert {role["name"]: role["scopes"] for role in c.JupyterHub.load_roles} == {
        "lumihub-tool": ["admin:users", "admin:servers"],
        "idle-culler": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
    assert [service["name"] for service in configured(tmp_path, cull_enabled=False).JupyterHub.services] == [
        "lumihub-tool"
    ]


def test_hub_config_of_the_settings_wins(tmp_path: Path) -> None:
    c = configured(
        tmp_path, overrides={"JupyterHub": {"concurrent_spawn_limit": 3}}, classes={"JupyterHub": {"port": 1}}
    )
    assert (c.JupyterHub.concurrent_spawn_limit, c.JupyterHub.port) == (3, 1)
