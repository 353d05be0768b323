from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from lumihub.data.access import DataAccess
from lumihub.hub.application import configure
from lumihub.hub.kubernetes import Place, build_access, build_configuration, build_spawner
from lumihub.settings import Settings

PLACE = Place("hub-space")
DEPLOYMENT = {"images": {"lab": "r/lab:1"}}


def build(**sections: Any) -> Settings:
    return Settings.model_validate({"kubernetes": {"context": "c"}, "deployment": DEPLOYMENT, **sections})


def test_addresses_of_the_hub() -> None:
    hub = build_configuration(build(), PLACE).classes["JupyterHub"]
    assert hub["hub_connect_url"] == "http://hub.hub-space.svc:8081"
    assert hub["db_url"] == "sqlite:////srv/lumihub/jupyterhub.sqlite"
    assert build_configuration(build(), Place("x", database="postgresql://d")).classes["JupyterHub"]["db_url"] == (
        "postgresql://d"
    )


@pytest.mark.parametrize(
    ("config", "api"),
    [
        ({}, "http://127.0.0.1:8081/hub/api"),
        ({"JupyterHub": {"base_url": "/physics/"}}, "http://127.0.0.1:8081/physics/hub/api"),
    ],
)
def test_the_culler_finds_the_hub_without_leaving_the_pod(tmp_path: Path, config: dict[str, Any], api: str) -> None:
    (tmp_path / "tool-token").write_text("random")
    c = Config()
    settings = build(hub={"config": config}, dask={"enabled": False})
    configure(c, build_configuration(settings, Place("n", secrets=tmp_path)))
    [_, culler] = c.JupyterHub.services
    assert culler["command"][-2:] == ["--url", api]


def test_json_in_the_environment_survives_kubespawner() -> None:
    environment = build_configuration(build(), PLACE).environment
    plain = {name: value.format() for name, value in environment.items()}
    assert json.loads(plain["LUMIHUB_DASK"]) == {
        "enabled": True,
        "maxWorkers": 4,
        "gateway": "http://gateway.hub-space.svc:8000",
        "demo": "demo-scheduler.hub-space-demo.svc",
    }
    assert DataAccess.current(plain) == DataAccess(
        release="2020",
        mode="cache",
        origin="root://eospublic.cern.ch//eos/opendata/atlas",
        cache="root://cache.hub-space.svc:1094",
    )


def test_the_gateway_is_a_service_that_students_may_use(tmp_path: Path) -> None:
    for name in ("tool-token", "gateway-token"):
        (tmp_path / name).write_text(f"{name}-value\n")
    c = Config()
    configure(c, build_configuration(build(), Place("n", secrets=tmp_path)))
    assert {"name": "gateway", "api_token": "gateway-token-value"} in c.JupyterHub.services
    roles = {role["name"]: role for role in c.JupyterHub.load_roles}
    assert roles["gateway"]["scopes"] == ["read:users:name", "read:servers"]
    for name in ("user", "server"):
        assert roles[name]["scopes"][-1] == "access:services!service=gateway"
    assert c.PodSpawner.gateway_url == "http://gateway.n.svc:8000"


@pytest.mark.parametrize("dask", [{"enabled": False}, {"gateway": {"enabled": False}}])
def test_without_a_gateway_nothing_speaks_of_it(tmp_path: Path, dask: dict[str, Any]) -> None:
    (tmp_path / "tool-token").write_text("random")
    c = Config()
    configuration = build_configuration(build(dask=dask), Place("n", secrets=tmp_path))
    configure(c, configuration)
    assert "gateway" not in json.dumps(configuration.environment)
    assert "gateway" not in {service["name"] for service in c.JupyterHub.services}
    assert not {"user", "server"} & {role["name"] for role in c.JupyterHub.load_roles}


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"cache": {"enabled": False}}, {"mode": "stream", "cache": None}),
        ({"deployment": {"simulated": True}}, {"release": "simulated", "mode": "stream"}),
        ({"deployment": {"origin_manifest": "abc"}}, {"manifest": Path("/etc/lumihub/manifest.json")}),
    ],
)
def test_ways_to_the_data(sections: dict[str, Any], expected: dict[str, Any]) -> None:
    access = build_access(build(**sections), "n").model_dump()
    assert {name: access[name] for name in expected} == expected


def test_a_pod_that_restricted_takes() -> None:
    options = build_spawner(build())
    assert options["automount_service_account_token"] is False
    assert options["pod_security_context"]["runAsNonRoot"] is True
    assert options["pod_security_context"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert options["container_security_context"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


def test_homes_outlive_accounts() -> None:
    options = build_spawner(build())
    assert options["delete_pvc"] is False
    assert options["pvc_name_template"] == "home-{username}"
    assert options["storage_capacity"] == "10Gi"
    assert "storage_class" not in options


def test_a_guarantee_is_never_more_than_its_limit() -> None:
    options = build_spawner(build(singleuser={"memory": {"limit": "256M"}, "cpu": {"limit": 0.05}}))
    assert (options["mem_guarantee"], options["cpu_guarantee"]) == (256 * 2**20, 0.05)
    options = build_spawner(build(singleuser={"memory": {"limit": None}, "cpu": {"guarantee": None}}))
    assert options["mem_guarantee"] == 512 * 2**20
    assert "cpu_guarantee" not in options


def test_the_origins_manifest_is_mounted() -> None:
    options = build_spawner(build(deployment={"origin_manifest": "abc"}))
    assert options["volume_mounts"][1] == {
        "name": "origin-manifest",
        "mountPath": "/etc/lumihub/manifest.json",
        "subPath": "manifest.json",
        "readOnly": True,
    }


def test_nodes_for_students() -> None:
    wanted = {"user_pods": {"node_affinity": {"match_node_purpose": "require"}}, "pod_priority": {"enabled": True}}
    server = {"node_selector": {"a": "b"}, "extra_tolerations": [{"key": "k"}]}
    options = build_spawner(build(scheduling=wanted, singleuser=server))
    assert options["node_affinity_required"][0]["matchExpressions"][0]["values"] == ["user"]
    assert "node_affinity_preferred" not in options
    assert options["priority_class_name"] == "lumihub-students"
    assert options["node_selector"] == {"a": "b"}
    assert options["tolerations"][-1] == {"key": "k"}


def test_the_whole_goes_through_a_file_and_back() -> None:
    settings = build(auth={"type": "lti13", "admins": ["2"], "lti13": LTI})
    configuration = build_configuration(settings, PLACE)
    assert type(configuration).model_validate_json(configuration.model_dump_json()).login == (
        "lumihub.hub.logins.Lti13Login"
    )


LTI = {
    "client_ids": ["x"],
    "issuer": "https://m.example.org",
    "authorize_url": "https://m.example.org/a",
    "jwks_endpoint": "https://m.example.org/j",
}
