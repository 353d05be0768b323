"""Where the last `up` of a values file went, so that one that goes elsewhere is asked about."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lumihub.settings import Settings


@dataclass(frozen=True, slots=True)
class Target:
    """A place on a cluster.

    Attributes:
        context: name in the kubeconfig.
        server: address of the API server; a context may be made to name another cluster.
        namespace: of the release.
        release: name of the Helm release.
    """

    context: str
    server: str
    namespace: str
    release: str

    def __str__(self) -> str:
        release = "" if self.release == "lumihub" else f", release {self.release}"
        return f"the cluster {self.context} ({self.server}), namespace {self.namespace}{release}"


def build_target(settings: Settings, server: str) -> Target:
    """The place that the settings name."""
    own = settings.kubernetes
    return Target(str(own.context), server, own.namespace, own.release)


def find_register() -> Path:
    """The file that remembers; each account has its own."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "lumihub" / "targets.json"


def find_last(values: Path, register: Path) -> Target | None:
    """Where the last `up` of this values file went, None where there was none."""
    entry = _load(register).get(str(values.absolute()))
    try:
        return Target(**entry) if entry else None
    except TypeError:  # of another version of LumiHub
        return None


def remember(values: Path, target: Target, register: Path) -> None:
    """Keep it for the next `up`. A home that can't be written costs only the question."""
    entries = {**_load(register), str(values.absolute()): asdict(target)}
    try:
        register.parent.mkdir(parents=True, exist_ok=True)
        unfinished = register.with_name(f"{register.name}.{os.getpid()}")
        unfinished.write_text(json.dumps(entries, indent=1), encoding="utf-8")
        unfinished.replace(register)
    except OSError:
        return


def _load(register: Path) -> dict[str, dict[str, str]]:
    try:
        loaded = json.loads(register.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) else {}
