"""The Helm release: its revisions, what is wanted of it, and getting it out of a state that a killed helm left."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lumihub.chart import (
    helm_get_manifest,
    helm_history,
    helm_rollback,
    helm_uninstall,
    helm_upgrade,
)
from lumihub.errors import InputError, LumiHubError
from lumihub.kubernetes.helm import explain_failure
from lumihub.kubernetes.planning import parse_manifests

if TYPE_CHECKING:
    from lumihub.kubernetes.access import Object
    from lumihub.kubernetes.helm import Helm, HelmProcess
    from lumihub.kubernetes.planning import Key
    from lumihub.settings import Settings

DEPLOYED = "deployed"


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of the release.

    Attributes:
        number: counts up with each change.
        status: Helm's word: deployed, superseded, failed, pending-upgrade...
        app_version: of LumiHub.
        description: Helm's words about how it went.
        updated: when, as Helm writes it.
    """

    number: int
    status: str
    app_version: str
    description: str
    updated: str

    @property
    def pending(self) -> bool:
        """Whether helm is at work on it, or was ended at it."""
        return self.status.startswith("pending-")


@dataclass(frozen=True, slots=True)
class Release:
    """The release that the settings name.

    Attributes:
        helm: the program.
        settings: the values file.
    """

    helm: Helm
    settings: Settings

    def history(self) -> tuple[Revision, ...]:
        """Its revisions, oldest first; none where it was never installed."""
        result = self.helm.ask(helm_history(self.settings, helm=self.helm.major))
        if result.exit_code != 0:
            if "not found" in result.stderr:
                return ()
            raise explain_failure(result.stderr)
        return parse_history(result.stdout)

    def manifests(self) -> dict[Key, Object]:
        """The objects of the deployed revision; none where there is none."""
        deployed = find_deployed(self.history())
        if deployed is None:
            return {}
        text = self.helm.read(helm_get_manifest(self.settings, deployed.number, helm=self.helm.major))
        return parse_manifests(text, self.settings.kubernetes.namespace)

    def render(self, values: dict[str, Any]) -> dict[Key, Object]:
        """The objects that an upgrade with these values would end with; the API server is asked, nothing is changed."""
        arguments = helm_upgrade(self.settings, helm=self.helm.major, dry_run=True)
        shown = json.loads(self.helm.read(arguments, values))
        return parse_manifests(shown["manifest"], self.settings.kubernetes.namespace)

    def upgrade(self, values: dict[str, Any]) -> HelmProcess:
        """Begin to bring it to these values; what fails is taken back."""
        return self.helm.start(helm_upgrade(self.settings, helm=self.helm.major), values)

    def rollback(self, revision: int) -> HelmProcess:
        """Begin to bring it back to an earlier revision."""
        return self.helm.start(helm_rollback(self.settings, revision, helm=self.helm.major))

    def uninstall(self) -> HelmProcess:
        """Begin to remove all its objects but those that hold people's work."""
        return self.helm.start(helm_uninstall(self.settings, helm=self.helm.major))


def parse_history(text: str) -> tuple[Revision, ...]:
    """What `helm history -o json` says, oldest first."""
    return tuple(
        Revision(
            int(one["revision"]), one["status"], one.get("app_version", ""), one.get("description", ""), one["updated"]
        )
        for one in sorted(json.loads(text), key=lambda one: int(one["revision"]))
    )


def find_deployed(history: tuple[Revision, ...]) -> Revision | None:
    """The revision that serves."""
    return next((one for one in reversed(history) if one.status == DEPLOYED), None)


def find_fallback(history: tuple[Revision, ...]) -> Revision | None:
    """Where to go back to from a release that a killed helm left half changed: the last one that served."""
    return find_deployed(history) or next((one for one in reversed(history) if one.status == "superseded"), None)


def pick_rollback(history: tuple[Revision, ...], wanted: int | None) -> Revision:
    """The revision to go back to.

    Args:
        history: oldest first.
        wanted: its number; None for the last one that served before the present one.

    Raises:
        InputError: there is none of that number, or none before.
    """
    served = [one for one in history if one.status in (DEPLOYED, "superseded")]
    now = find_deployed(history)
    known = ", ".join(str(one.number) for one in served)
    if wanted is not None:
        for one in served:
            if one.number == wanted:
                return one
        raise InputError(
            f"there is no revision {wanted} that ever served", fix=f"name one of {known}" if known else "./deploy.py up"
        )
    before = [one for one in served if now is None or one.number < now.number]
    # A rollback is a revision of its own; going back from it again must not go forth.
    if now is not None and now.description.startswith("Rollback to "):
        origin = int(now.description.rpartition(" ")[2])
        before = [one for one in before if one.number < origin]
    if not before:
        raise InputError("there is no earlier revision to go back to", fix="./deploy.py status shows the one that runs")
    return before[-1]


def build_state_error(history: tuple[Revision, ...]) -> LumiHubError:
    """What to say where a plan can't be made because the release is half changed."""
    last = history[-1]
    return LumiHubError(
        f"revision {last.number} of the release is {last.status}: an earlier change was not finished",
        fix="./deploy.py up, which goes back to the last one that served and on from there",
    )
