"""What the hub is given through the chart, by way of Helm and its nulls, and what it makes of that."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from chart.rendering import VARIATIONS, read_variation, render
from lumihub.hub.kubernetes import Place, build_configuration
from lumihub.hub.values import load_values
from lumihub.settings.document import parse_document
from lumihub.settings.loading import build_settings

if TYPE_CHECKING:
    from pathlib import Path

    from chart.rendering import Rendering
    from lumihub.settings import Settings

WITH_HUB = [name for name in VARIATIONS if name != "cache-only"]


def read_hub_values(rendering: Rendering, folder: Path) -> Settings:
    """The settings as the hub's pod reads them."""
    path = folder / "values.json"
    path.write_bytes(base64.b64decode(rendering.get("Secret", "hub-values")["data"]["values.json"]))
    return load_values(path)


@pytest.mark.parametrize("name", WITH_HUB)
def test_the_hub_reads_what_the_admin_wrote(renderings: dict[str, Rendering], name: str, tmp_path: Path) -> None:
    settings = read_hub_values(renderings[name], tmp_path)
    values = f"{read_variation(name)}\n"
    written = build_settings(parse_document(values, name)) if name not in CLUSTER_ONLY else None
    if written:
        for section in ("auth", "cull", "dask", "singleuser", "data"):
            # What else of them is read, other parts read.
            omitted = {
                "singleuser": {"network_policy"},
                "dask": {"gateway", "platform", "demo"},
                "data": {"nightly"},
            }.get(section, set())
            ours = getattr(settings, section).model_dump(exclude=omitted)
            assert ours == getattr(written, section).model_dump(exclude=omitted), section
        assert settings.gateway_enabled is written.gateway_enabled
        assert settings.demo_enabled is written.demo_enabled
    configuration = build_configuration(settings, Place("lumihub"))
    assert configuration.classes["KubeSpawner"]["image"]


# These take a cluster to be valid, which the variations don't name.
CLUSTER_ONLY = {"oidc", "github", "google", "lti", "https-secret", "https-cert-manager", "https-offload"}


def test_null_survives_helm(renderings: dict[str, Rendering], tmp_path: Path) -> None:
    settings = read_hub_values(renderings["bare"], tmp_path)
    assert settings.singleuser.memory.limit is None
    assert settings.singleuser.memory.guarantee is None
    assert settings.singleuser.cpu.limit is None
    configuration = build_configuration(settings, Place("lumihub"))
    assert (configuration.memory_limit, configuration.cpu_limit) == (None, None)


def test_the_hub_learns_where_it_is(helm: Path, tmp_path: Path) -> None:
    settings = read_hub_values(render(helm, "kubernetes: {usersNamespace: pupils}", namespace="physics"), tmp_path)
    kubernetes = settings.kubernetes
    assert (kubernetes.namespace, kubernetes.users_namespace, kubernetes.release) == ("physics", "pupils", "lumihub")
    assert kubernetes.context == "in-cluster"


@pytest.mark.parametrize(
    ("name", "mode"), [("minimal", "cache"), ("stream", "stream"), ("bare", "stream"), ("simulated", "stream")]
)
def test_students_read_through_the_cache_where_there_is_one(
    renderings: dict[str, Rendering], name: str, mode: str, tmp_path: Path
) -> None:
    settings = read_hub_values(renderings[name], tmp_path)
    environment = build_configuration(settings, Place("lumihub")).environment
    assert json.loads(environment["LUMIHUB_DATA"].format())["mode"] == mode


def test_an_origin_that_the_cache_cannot_read_is_streamed(helm: Path, tmp_path: Path) -> None:
    rendering = render(helm, "data: {origin: {url: 's3://mirror/opendata'}}")
    assert not rendering.find("StatefulSet", "cache")
    assert read_hub_values(rendering, tmp_path).cache.enabled is False


def test_secrets_of_a_login_come_by_value_or_by_secret(renderings: dict[str, Rendering], tmp_path: Path) -> None:
    github = read_hub_values(renderings["github"], tmp_path).auth.github
    assert github.client_secret is not None
    assert github.client_secret.get_secret_value() == "not-a-real-secret-of-github"
    sources = settings_volume(renderings["oidc"])["projected"]["sources"]
    assert {"name": "hub-login", "items": [{"key": "client-secret", "path": "secrets/client-secret"}]} in [
        source["secret"] for source in sources
    ]


def test_the_databases_address_comes_by_secret(renderings: dict[str, Rendering]) -> None:
    sources = settings_volume(renderings["postgres"])["projected"]["sources"]
    assert {"name": "hub-database", "items": [{"key": "db-url", "path": "secrets/db-url"}]} in [
        source["secret"] for source in sources
    ]


def test_the_schools_own_lessons_are_there_for_students(renderings: dict[str, Rendering], tmp_path: Path) -> None:
    rendering = renderings["everything"]
    settings = read_hub_values(rendering, tmp_path)
    # The hub is told the names alone: it must not restart for what is in a lesson.
    assert '"cells"' not in settings.model_dump_json()
    configuration = build_configuration(settings, Place("lumihub"))
    mounts = {
        mount["mountPath"]: mount["subPath"]
        for mount in configuration.classes["KubeSpawner"]["volume_mounts"]
        if mount["name"] == "lessons"
    }
    held = rendering.get("ConfigMap", "lessons", "lumihub-students")
    assert held["data"][mounts["/etc/lumihub/lessons/muons/the first {{week}}.ipynb"]] == '{"cells": []}'
    assert held["binaryData"][mounts["/etc/lumihub/lessons/muons/event.png"]] == "iVBORw0KGgo="
    assert configuration.environment["LUMIHUB_LESSONS"] == "built-in:/etc/lumihub/lessons"


def test_the_origins_manifest_is_there_for_students(renderings: dict[str, Rendering], tmp_path: Path) -> None:
    rendering = renderings["everything"]
    manifest = rendering.get("ConfigMap", "origin-manifest", "lumihub-students")
    assert manifest["data"] == {"manifest.json": '{"files": []}'}
    settings = read_hub_values(rendering, tmp_path)
    volumes = build_configuration(settings, Place("lumihub")).classes["KubeSpawner"]["volumes"]
    assert {"name": "origin-manifest", "configMap": {"name": "origin-manifest"}} in volumes


def settings_volume(rendering: Rendering) -> dict[str, Any]:
    """The hub's volume of all that it reads."""
    volumes: list[dict[str, Any]] = rendering.get("Deployment", "hub")["spec"]["template"]["spec"]["volumes"]
    [volume] = [volume for volume in volumes if volume["name"] == "settings"]
    return volume
