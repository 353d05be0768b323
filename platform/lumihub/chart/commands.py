"""What helm is called with: argument lists, without the program itself. Values go in by standard input.

Written for Helm 3.18 and newer and for Helm 4; `helm` is the major version of the one that will be called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.chart.location import CHART

if TYPE_CHECKING:
    from lumihub.settings import Settings

# Each revision is a Secret of the namespace; enough to go back to last week.
HISTORY = 10


def helm_upgrade(settings: Settings, *, helm: int, dry_run: bool = False) -> list[str]:
    """Install the release or bring it to the values on standard input; what fails is taken back by helm itself.

    Args:
        settings: the values file.
        helm: 3 or 4.
        dry_run: change nothing; print the release that would be, as JSON, with what the cluster says to it.
    """
    words = ["upgrade", settings.kubernetes.release, str(CHART), "--install", *_place(settings)]
    # `up` brings CustomResourceDefinitions itself: helm would never upgrade them.
    words += ["--values", "-", "--reset-values", "--skip-crds"]
    if dry_run:
        return [*words, "--dry-run=server", "--output", "json"]
    return [*words, "--history-max", str(HISTORY), *_wait(settings), *_own(helm), _undo(helm)]


def helm_template(settings: Settings, *, helm: int) -> list[str]:  # noqa: ARG001
    """Print the objects for the values on standard input, without a cluster: generated secrets differ each time."""
    kubernetes = settings.kubernetes
    return ["template", kubernetes.release, str(CHART), "--namespace", kubernetes.namespace, "--values", "-"]


def helm_rollback(settings: Settings, revision: int, *, helm: int) -> list[str]:
    """Bring the release back to a revision, and wait until it serves."""
    return ["rollback", settings.kubernetes.release, str(revision), *_place(settings), *_wait(settings), *_own(helm)]


def helm_uninstall(settings: Settings, *, helm: int) -> list[str]:  # noqa: ARG001
    """Remove the release; objects that hold people's work stay, for they are marked so."""
    return ["uninstall", settings.kubernetes.release, *_place(settings), "--ignore-not-found", *_wait(settings)]


def helm_history(settings: Settings, *, helm: int) -> list[str]:  # noqa: ARG001
    """Print the revisions of the release as JSON."""
    return ["history", settings.kubernetes.release, *_place(settings), "--output", "json"]


def helm_status(settings: Settings, *, helm: int) -> list[str]:  # noqa: ARG001
    """Print how the release is as JSON."""
    return ["status", settings.kubernetes.release, *_place(settings), "--output", "json"]


def helm_get_manifest(settings: Settings, revision: int | None = None, *, helm: int) -> list[str]:  # noqa: ARG001
    """Print the objects of a revision (of the last one when None) as YAML."""
    return ["get", "manifest", settings.kubernetes.release, *_place(settings), *_revision(revision)]


def helm_get_values(settings: Settings, revision: int | None = None, *, helm: int) -> list[str]:  # noqa: ARG001
    """Print the values that a revision (the last one when None) was given, as JSON. They hold secrets."""
    words = ["get", "values", settings.kubernetes.release, *_place(settings), *_revision(revision)]
    return [*words, "--output", "json"]


def _place(settings: Settings) -> list[str]:
    context = settings.kubernetes.context
    return [*(["--kube-context", context] if context else []), "--namespace", settings.kubernetes.namespace]


def _wait(settings: Settings) -> list[str]:
    return ["--wait", "--timeout", f"{settings.kubernetes.timeout}s"]


def _own(helm: int) -> list[str]:
    """Helm 4 would give up where somebody changed a field by hand (`kubectl scale`); Helm 3 puts it right."""
    return [] if helm == 3 else ["--server-side=true", "--force-conflicts"]


def _undo(helm: int) -> str:
    return "--atomic" if helm == 3 else "--rollback-on-failure"


def _revision(revision: int | None) -> list[str]:
    return [] if revision is None else ["--revision", str(revision)]
