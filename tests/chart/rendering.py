"""Renders the chart with real helm programs, and looks at what came out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from cluster.machine.programs import find_programs
from lumihub.chart import CHART

if TYPE_CHECKING:
    from collections.abc import Iterator

Object = dict[str, Any]
VARIATIONS = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))
POD_KINDS = {"Deployment", "StatefulSet", "DaemonSet", "Job"}


def find_helms() -> dict[int, Path]:
    """Helm programs by their major version: those of the test cluster, or else the installed one."""
    installed = shutil.which("helm")
    found = [Path(installed)] if installed else []
    found += [path for name in ("helm3", "helm") if (path := find_programs() / name).exists()]
    helms = {}
    for path in found:
        words = subprocess.run([path, "version", "--short"], capture_output=True, text=True, check=False).stdout
        if version := re.match(r"v(\d+)\.", words):
            helms[int(version[1])] = path
    return helms


@dataclass(frozen=True)
class Rendering:
    """What the chart makes of some values."""

    objects: tuple[Object, ...]

    def find(
        self, kind: str, name: str | None = None, namespace: str | None = None, component: str | None = None
    ) -> list[Object]:
        """Objects of a kind."""
        return [
            one
            for one in self.objects
            if one["kind"] == kind
            and name in (None, one["metadata"]["name"])
            and namespace in (None, one["metadata"].get("namespace"))
            and component in (None, one["metadata"]["labels"]["app.kubernetes.io/component"])
        ]

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object:
        """The one object of this kind and name."""
        [one] = self.find(kind, name, namespace)
        return one

    def pods(self) -> Iterator[tuple[str, Object]]:
        """Every pod template with a name for it, also of those that Dask's operator makes."""
        for one in self.objects:
            if one["kind"] == "CronJob":
                yield f"CronJob {one['metadata']['name']}", one["spec"]["jobTemplate"]["spec"]["template"]
            if one["kind"] == "ConfigMap" and "cluster.json" in one.get("data", {}):
                cluster = json.loads(one["data"]["cluster.json"])
                for part in ("scheduler", "worker"):
                    labels = {**cluster["metadata"]["labels"], "dask.org/component": part}
                    yield f"Dask {part}", {"metadata": {"labels": labels}, "spec": cluster["spec"][part]["spec"]}
            if one["kind"] in POD_KINDS:
                yield f"{one['kind']} {one['metadata']['name']}", one["spec"]["template"]

    def names(self) -> set[str]:
        """All objects as `Kind name`."""
        return {f"{one['kind']} {one['metadata']['name']}" for one in self.objects}


def render(helm: Path, values: str, *words: str, namespace: str = "lumihub") -> Rendering:
    """Render the chart with values as YAML text."""
    done = run_template(helm, values, *words, namespace=namespace)
    assert done.returncode == 0, done.stderr
    return Rendering(tuple(one for one in yaml.safe_load_all(done.stdout) if one))


def run_template(helm: Path, values: str, *words: str, namespace: str = "lumihub") -> subprocess.CompletedProcess[str]:
    """`helm template` with values as YAML text."""
    return subprocess.run(
        # A helm that was built without its release's flags takes an old Kubernetes for granted.
        [helm, "template", "lumihub", CHART, "--kube-version=1.34", "--namespace", namespace, "--values", "-", *words],
        input=values,
        capture_output=True,
        text=True,
        check=False,
    )


def read_variation(name: str) -> str:
    """The text of one of the chart's own variations."""
    return (CHART / "ci" / f"{name}-values.yaml").read_text()
