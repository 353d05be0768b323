"""The backend of a Kubernetes cluster: the chart as a Helm release, watched and mended."""

from __future__ import annotations

import contextlib
import time
from functools import cached_property
from typing import TYPE_CHECKING

from lumihub.backend import Access, Outcome, Plan
from lumihub.errors import LumiHubError
from lumihub.hub.client import HubClient
from lumihub.kubernetes.access import Cluster, connect
from lumihub.kubernetes.addresses import find_address
from lumihub.kubernetes.administrators import SECRET, ensure_administrators
from lumihub.kubernetes.comparing import Comparison, compare
from lumihub.kubernetes.dask import end_clusters
from lumihub.kubernetes.datawork import DataWork
from lumihub.kubernetes.definitions import ensure_definitions, find_changes, find_needed
from lumihub.kubernetes.demonstration import DemonstrationCluster
from lumihub.kubernetes.desire import Desire, find_desire
from lumihub.kubernetes.doctor import examine
from lumihub.kubernetes.forwarding import Forwarding
from lumihub.kubernetes.helm import find_helm
from lumihub.kubernetes.lease import hold_turn
from lumihub.kubernetes.logs import read_logs
from lumihub.kubernetes.namespaces import ensure_namespace, find_strangers
from lumihub.kubernetes.objects import path_of, read_secret
from lumihub.kubernetes.preflight import check_cluster
from lumihub.kubernetes.release import DEPLOYED, Release, build_state_error, find_deployed, pick_rollback
from lumihub.kubernetes.removal import delete_data as delete_everything
from lumihub.kubernetes.removal import stop_servers
from lumihub.kubernetes.reporting import find_status
from lumihub.kubernetes.target import build_target, find_last, find_register, remember
from lumihub.kubernetes.upgrading import UpgradeError, carry_out, describe_outcome, settle
from lumihub.kubernetes.waiting import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lumihub.backend import Finding, Status
    from lumihub.progress import Progress
    from lumihub.settings import Settings

_SERVICE = "proxy-public"
_SECRET = "hub"  # noqa: S105 - its name
_TOKEN = "tool-token"  # noqa: S105 - its key
_ANSWER_SECONDS = 120.0


class KubernetesBackend:
    """The cluster that the settings name.

    Args:
        settings: the values file.
        values: where they were read from, None for defaults.
    """

    name = "kubernetes"
    checks_up = True

    def __init__(self, settings: Settings, values: Path | None = None) -> None:
        self.settings = settings
        self._values = values
        self._forwarding: Forwarding | None = None

    @cached_property
    def cluster(self) -> Cluster:
        """The cluster's API."""
        return connect(str(self.settings.kubernetes.context))

    @cached_property
    def release(self) -> Release:
        """The Helm release."""
        self.cluster.version()  # what is wrong with the way there is better told by us than by helm
        return Release(find_helm(), self.settings)

    @property
    def namespace(self) -> str:
        """Of the release."""
        return self.settings.kubernetes.namespace

    def describe_target(self) -> str:
        """Context, server and namespace."""
        return str(build_target(self.settings, self.cluster.server))

    def find_surprises(self) -> tuple[str, ...]:
        """Another place than last time, or somebody else's namespace."""
        target = build_target(self.settings, self.cluster.server)
        surprises = []
        last = find_last(self._values, find_register()) if self._values else None
        if last and last != target:
            surprises.append(f"the last `up` of {self._values} went to {last}")
        strangers = find_strangers(self.cluster, self.namespace, self.settings.kubernetes.release)
        if strangers:
            more = f" and {len(strangers) - 3} more" if strangers[3:] else ""
            surprises.append(f"somebody else works in the namespace {self.namespace}: {', '.join(strangers[:3])}{more}")
        return tuple(surprises)

    def access(self) -> Access:
        """How the tool reaches the hub: a port of loopback, forwarded for the life of this process.

        Raises:
            LumiHubError: it is not installed.
        """
        secret = self.cluster.find(path_of("secrets", self.namespace, _SECRET))
        token = read_secret(secret, _TOKEN) if secret else None
        if token is None:
            raise LumiHubError("the hub is not installed", where=self.describe_target(), fix="./deploy.py up")
        https = self.settings.proxy.https
        secure = https.enabled and https.type != "offload"
        if self._forwarding is None:
            self._forwarding = Forwarding(self.cluster, self.namespace, _SERVICE, "https" if secure else "http")
        return Access(f"{'https' if secure else 'http'}://127.0.0.1:{self._forwarding.port}/", token)

    def plan(self, progress: Progress) -> Plan:
        """What `up` would change."""
        check_cluster(self.cluster, self.settings)
        history = self.release.history()
        if history and history[-1].pending:
            raise build_state_error(history)
        desire = find_desire(self.cluster, self.settings, progress, trying=False)
        comparison = self._compare(desire, progress)
        definitions = find_changes(self.cluster, find_needed(self.settings))
        changes = (*definitions, *comparison.changes)
        return Plan(self.describe_target(), changes, (*desire.notes, *comparison.effects))

    def up(self, progress: Progress) -> Outcome:
        """Bring the release to what the settings ask for, and wait until the hub answers."""
        check_cluster(self.cluster, self.settings)
        desire = find_desire(self.cluster, self.settings, progress, trying=True)
        made = ensure_namespace(self.cluster, self.namespace)
        changes = [made] if made else []
        changes += ensure_definitions(self.cluster, find_needed(self.settings))
        history = self.release.history()
        settled = bool(history) and history[-1].status == DEPLOYED
        comparison = self._compare(desire, progress) if settled else None
        if comparison is None or not comparison.empty:
            with hold_turn(self.cluster, self.namespace, progress):
                changes += self._upgrade(desire, progress)
        if self._values:
            remember(self._values, build_target(self.settings, self.cluster.server), find_register())
        return self._finish(changes, desire.notes, progress)

    def rollback(self, revision: int | None, progress: Progress) -> Outcome:
        """Back to an earlier revision."""
        if not self.release.history():
            raise LumiHubError("nothing is installed", where=self.describe_target(), fix="./deploy.py up")
        with hold_turn(self.cluster, self.namespace, progress):
            watch = self._watch()
            changes = [line] if (line := settle(self.release, watch, progress)) else []
            history = self.release.history()
            wanted = pick_rollback(history, revision)
            now = find_deployed(history)
            changes.append(f"went back to revision {wanted.number} ({wanted.app_version}, {wanted.updated[:16]})")
            watch.ignore_present()
            what = f"Going back to revision {wanted.number}"
            try:
                carry_out(self.release.rollback(wanted.number), watch, progress, what, self._timeout)
            except (UpgradeError, KeyboardInterrupt):
                if now is not None:
                    progress.warn(f"that failed; revision {now.number} comes back")
                    carry_out(self.release.rollback(now.number), self._watch(), progress, "Coming back", self._timeout)
                raise
        return self._finish(changes, (), progress)

    def status(self) -> Status:
        """How everything is."""
        history = self.release.history()
        return find_status(self.cluster, self.settings, history, self._find_access())

    def logs(self, parts: Sequence[str], *, follow: bool, lines: int) -> Iterator[str]:
        """The last lines of the parts' pods (a student's by the student's name), then, with `follow`, each new one."""
        return read_logs(self.cluster, self.settings, parts, follow=follow, lines=lines)

    def doctor(self, progress: Progress) -> tuple[Finding, ...]:
        """Try what the platform needs from the cluster."""
        return examine(self.settings, progress)

    def down(self, progress: Progress, *, delete_data: bool) -> tuple[str, ...]:
        """Uninstall the release and stop students' servers; homes, database and accounts stay unless `delete_data`."""
        done: list[str] = []
        if self.cluster.find(path_of("namespaces", name=self.namespace)) is None:
            return ()
        if self.release.history():
            with hold_turn(self.cluster, self.namespace, progress):
                done += end_clusters(self.cluster, self.settings, progress)
                ended = DemonstrationCluster(self.cluster, self.settings).end()
                done += ["ended the demonstration cluster"] if ended else []
                done += ["stopped data work"] if DataWork(self.cluster, self.settings).stop() else []
                carry_out(self.release.uninstall(), self._watch(), progress, "Uninstalling the release", self._timeout)
            done.append("uninstalled hub, proxy, cache and gateway")
        done += stop_servers(self.cluster, self.settings, progress)
        if delete_data:
            done += delete_everything(self.cluster, self.settings, progress)
        return tuple(done)

    @property
    def _timeout(self) -> float:
        return float(self.settings.kubernetes.timeout)

    def _watch(self) -> Watch:
        return Watch(self.cluster, self.namespace, self.settings.kubernetes.release)

    def _compare(self, desire: Desire, progress: Progress) -> Comparison:
        with progress.task("Comparing what is with what is wanted"):
            return compare(self.cluster, self.release.manifests(), self.release.render(desire.values), self.namespace)

    def _upgrade(self, desire: Desire, progress: Progress) -> list[str]:
        watch = self._watch()
        changes = [line] if (line := settle(self.release, watch, progress)) else []
        # Only now is it certain what there is to change: another `up` may have been at work until we had the turn.
        history = self.release.history()
        settled = bool(history) and history[-1].status == DEPLOYED
        comparison = self._compare(desire, progress)
        if settled and comparison.empty:
            return changes
        for effect in comparison.effects:
            progress.step(effect)
        watch.ignore_present()
        what = "Upgrading" if find_deployed(history) else "Installing"
        try:
            carry_out(self.release.upgrade(desire.values), watch, progress, what, self._timeout)
        except UpgradeError as error:
            settle(self.release, self._watch(), progress)
            fault = error.faults[0]
            raise UpgradeError(
                f"{fault.what}\n  {describe_outcome(self.release)}", where=fault.where, fix=fault.fix
            ) from error
        return changes + [
            f"{change.action}d {change.kind} {change.name}" for change in comparison.changes if change.action != "keep"
        ]

    def _finish(self, changes: list[str], notes: Sequence[str], progress: Progress) -> Outcome:
        made: list[tuple[str, str]] = []
        told = list(notes)
        if self.settings.hub.enabled:
            client = HubClient(self.access(), timeout=30)
            self._wait_for_hub(client, progress)
            if self.settings.auth.type == "native":
                made = ensure_administrators(client, self.settings.auth.admins, self.cluster, self.namespace)
        address = find_address(self.cluster, self.settings)
        told += [address.note] if address.note else []
        changes += [f"made the administrator's account {name}" for name, _ in made]
        told += [f"the first password of {name} is in the Secret {SECRET} of {self.namespace}" for name, _ in made[1:]]
        return Outcome(address.url, tuple(changes), next(iter(made), None), tuple(told))

    def _wait_for_hub(self, client: HubClient, progress: Progress) -> None:
        deadline = time.monotonic() + _ANSWER_SECONDS
        with progress.task("Waiting for the hub"):
            while client.version() is None:
                if time.monotonic() > deadline:
                    raise LumiHubError(
                        f"the hub did not answer through the proxy within {_ANSWER_SECONDS:.0f} s",
                        where=self.describe_target(),
                        fix="./deploy.py status, then ./deploy.py logs hub",
                    )
                time.sleep(0.3)

    def _find_access(self) -> Access | None:
        with contextlib.suppress(LumiHubError):
            return self.access()
        return None
