"""Data work in the cluster: handed over as a Job, followed by its log, taken up again by whoever types the same."""

from __future__ import annotations

import base64
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lumihub.data.pace import Pace
from lumihub.data.worklog import hear, read_report
from lumihub.errors import InputError, LumiHubError
from lumihub.kubernetes.objects import is_over, name_of, path_of
from lumihub.kubernetes.platformdask import PlatformDask
from lumihub.settings.quantities import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lumihub.data.work import Report, WorkOrder
    from lumihub.kubernetes.access import Cluster, Object
    from lumihub.progress import Progress, Task
    from lumihub.settings import Settings

MOUNT = "/target"
_KEY = "lumihub/order"
_PVC = "pvc:"
_LOOK_SECONDS = 1.0
_HOPELESS_SECONDS = 15.0


@dataclass(frozen=True)
class DataWork:
    """Data work of one installation.

    Attributes:
        cluster: where.
        settings: the values file.
    """

    cluster: Cluster
    settings: Settings

    @property
    def _dask(self) -> PlatformDask:
        return PlatformDask(self.cluster, self.settings, "data")

    @property
    def namespace(self) -> str:
        """Where it is done."""
        return self._dask.namespace

    def do(self, order: WorkOrder, progress: Progress) -> Report:
        """Have an order carried out, and follow it to its end; Ctrl-C stops it, and whatever is whole stays.

        Raises:
            LumiHubError: other work is under way, it can't be begun, or it broke off.
        """
        order, claim = self._locate(order)
        if self._ensure(order, claim):
            progress.step("this work is under way already; following it")
        try:
            report = self._follow(order, progress)
        except KeyboardInterrupt:
            progress.warn("stopping the work in the cluster")
            self.stop()
            raise
        self.stop()
        return report

    def stop(self) -> bool:
        """End the work and what is left of its Dask; False where there was none."""
        return self._dask.end()

    def _ensure(self, order: WorkOrder, claim: str) -> bool:
        """Make the Job where it is not there yet; whether it was."""
        manifest = self._dask.load()
        job = self._dask.find_job()
        if job is not None:
            if (job["metadata"].get("annotations") or {}).get(_KEY) == order.key:
                return True
            raise LumiHubError(
                "other data work is under way in the cluster",
                where=f"the Job {self._dask.job} of {self.namespace}",
                fix="wait until it is done, or end it: ./deploy.py data stop",
            )
        if claim:
            _mount(manifest, claim)
        self._dask.begin(manifest, {"order.json.gz": base64.b64encode(order.pack()).decode()}, {_KEY: order.key})
        return False

    def _locate(self, order: WorkOrder) -> tuple[WorkOrder, str]:
        """The order as the pods see it, and the claim that they have to mount."""
        if not order.target.startswith(_PVC):
            if order.target and "://" not in order.target:
                raise InputError(
                    f"--to: {order.target} is a folder of this machine, which the cluster's pods don't share",
                    fix="name s3://BUCKET/FOLDER, or pvc:NAME for a volume of the cluster",
                )
            return order, ""
        claim, _, folder = order.target.removeprefix(_PVC).partition("/")
        if self.cluster.find(path_of("persistentvolumeclaims", self.namespace, claim)) is None:
            raise InputError(
                f"--to: there is no volume {claim} in the namespace {self.namespace}",
                fix=f"make a PersistentVolumeClaim of {format_bytes(order.size)} or more there: see"
                " docs/how-to/bring-data.md",
            )
        return order.model_copy(update={"target": f"{MOUNT}/{folder}".rstrip("/")}), claim

    def _follow(self, order: WorkOrder, progress: Progress) -> Report:
        followed = _Followed(progress, Pace(order.size, progress))
        heard: set[str] = set()
        troubled: float | None = None
        with progress.task(f"{_DOING[order.verb]}: starting Dask in the cluster", order.size, "bytes") as task:
            while followed.report is None:
                pod = self._find_pod(heard)
                if pod is not None and _has_log(pod):
                    heard.add(str(pod["metadata"]["uid"]))
                    for line in self._lines(pod):
                        followed.take(line, task, _DOING[order.verb])
                        if followed.report is not None:
                            break
                    continue
                self._check(followed)
                trouble = self._dask.find_trouble()
                troubled = (troubled or time.monotonic()) if trouble and trouble.hopeless else None
                if trouble and troubled and time.monotonic() - troubled > _HOPELESS_SECONDS:
                    self.stop()
                    raise LumiHubError(f"the work could not begin: {trouble}", where=self.namespace, fix=trouble.fix)
                time.sleep(_LOOK_SECONDS)
        return followed.report

    def _check(self, followed: _Followed) -> None:
        job = self.cluster.find(path_of("jobs", self.namespace, self._dask.job))
        if job is None:
            raise LumiHubError("the work was ended by somebody else", fix="type the same command again")
        if is_over(job):
            said = f": {followed.last}" if followed.last else ""
            raise LumiHubError(
                f"the work broke off again and again{said}",
                where=f"the Job {self._dask.job} of {self.namespace}",
                fix="type the same command again; it goes on where it stopped",
            )

    def _find_pod(self, heard: set[str]) -> Object | None:
        chosen = f"batch.kubernetes.io/job-name={self._dask.job}"
        pods = self.cluster.items(path_of("pods", self.namespace), labelSelector=chosen)
        new = [pod for pod in pods if str(pod["metadata"]["uid"]) not in heard]
        return min(new, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), default=None)

    def _lines(self, pod: Object) -> Iterator[str]:
        """The lines of the work's log from the first; a connection that breaks begins again after the last."""
        path, seen = path_of("pods", self.namespace, name_of(pod), "log"), 0
        while True:
            with contextlib.suppress(LumiHubError):
                for number, line in enumerate(self.cluster.lines(path, follow="true", container="work")):
                    if number >= seen:
                        seen = number + 1
                        yield line
            now = self.cluster.find(path_of("pods", self.namespace, name_of(pod)))
            if now is None or now["metadata"]["uid"] != pod["metadata"]["uid"] or _has_ended(now):
                return
            time.sleep(_LOOK_SECONDS)


class _Followed:
    """What was heard of the work so far."""

    def __init__(self, progress: Progress, pace: Pace) -> None:
        self._progress, self._pace = progress, pace
        self._done = 0.0
        self.report: Report | None = None
        self.last = ""

    def take(self, line: str, task: Task, doing: str) -> None:
        """A line of its log."""
        event = hear(line)
        if event is None:
            return
        kind, fields = event
        if kind == "bytes":
            task.advance(fields["done"] - self._done)
            self._done = fields["done"]
            # Pods of an earlier version, which `up` has not replaced yet, do not tell it.
            self._pace.note(self._done, fields.get("seconds", 0.0))
            task.describe(f"{doing} ({fields['files']} files done)")
        elif kind == "step":
            self._progress.step(fields["text"])
        elif kind == "warn":
            self.last = fields["text"]
            self._progress.warn(fields["text"])
        elif kind == "report":
            self.report = read_report(fields)


_DOING = {"warm": "warming", "fetch": "fetching", "verify": "verifying"}


def _mount(manifest: Object, claim: str) -> None:
    """Let the workers write to a volume; where only one node can, they all run on that one."""
    spec = manifest["spec"]["worker"]["spec"]
    spec["volumes"].append({"name": "target", "persistentVolumeClaim": {"claimName": claim}})
    spec["containers"][0]["volumeMounts"].append({"name": "target", "mountPath": MOUNT})
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"dask.org/component": "worker"}}}
    spec.setdefault("affinity", {})["podAffinity"] = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}


def _has_ended(pod: Object) -> bool:
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def _has_log(pod: Object) -> bool:
    states = pod.get("status", {}).get("containerStatuses") or []
    return any("running" in one["state"] or "terminated" in one["state"] for one in states)
