"""Data work in the cluster: handed over as a Job, followed by its log, taken up again by whoever types the same."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lumihub.data.pace import Pace
from lumihub.data.worklog import hear, read_report
from lumihub.errors import InputError, LumiHubError
from lumihub.kubernetes.access import ApiError
from lumihub.kubernetes.departure import wait_until_gone
from lumihub.kubernetes.nightly import NIGHT
from lumihub.kubernetes.objects import build_selector, is_over, name_of, path_of
from lumihub.kubernetes.troubles import explain_pod
from lumihub.settings.quantities import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lumihub.data.work import Report, WorkOrder
    from lumihub.kubernetes.access import Cluster, Object
    from lumihub.progress import Progress, Task
    from lumihub.settings import Settings

TEMPLATE, ORDER, CLUSTER = "data-work", "data-order", "data-cluster"
JOB = "data-work"
MOUNT = "/target"
_KEY = "lumihub/order"
_PVC = "pvc:"
_GONE_SECONDS = 90.0
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
    def namespace(self) -> str:
        """Where it is done."""
        return self.settings.data_namespace

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
        job = self.cluster.find(path_of("jobs", self.namespace, JOB))
        clusters = f"/apis/kubernetes.dask.org/v1/namespaces/{self.namespace}/daskclusters"
        self.cluster.delete(path_of("jobs", self.namespace, JOB))
        for one in self.cluster.items(clusters):
            path = f"{clusters}/{name_of(one)}"
            self.cluster.delete(path)
            # Without an operator nobody else takes its mark away, and the object would stay for ever.
            with contextlib.suppress(ApiError):
                found = self.cluster.get(path)
                found["metadata"]["finalizers"] = []
                self.cluster.replace(path, found)
        wait_until_gone(
            self.cluster,
            [self.namespace],
            self._own,
            "pods of data work did not end",
            seconds=_GONE_SECONDS,
            fix="type the same command again",
        )
        return job is not None

    def _ensure(self, order: WorkOrder, claim: str) -> bool:
        """Make the Job where it is not there yet; whether it was."""
        template = self.cluster.find(path_of("cronjobs", self.namespace, TEMPLATE))
        blueprint = self.cluster.find(path_of("configmaps", self.namespace, CLUSTER))
        if template is None or blueprint is None:
            raise LumiHubError(
                "the platform's Dask is not installed",
                where=f"namespace {self.namespace} of {self.cluster.context}",
                fix="./deploy.py up (with dask.enabled and dask.platform.enabled)",
            )
        job = self.cluster.find(path_of("jobs", self.namespace, JOB))
        if job is not None and not is_over(job):
            if (job["metadata"].get("annotations") or {}).get(_KEY) == order.key:
                return True
            raise LumiHubError(
                "other data work is under way in the cluster",
                where=f"the Job {JOB} of {self.namespace}",
                fix="wait until it is done, or end it: ./deploy.py data stop",
            )
        self.stop()
        manifest = json.loads(blueprint["data"]["cluster.json"])
        if claim:
            _mount(manifest, claim)
        self.cluster.apply(path_of("configmaps", self.namespace, ORDER), self._build_order(order, manifest))
        self._create_job(_build_job(template, order))
        return False

    def _build_order(self, order: WorkOrder, manifest: Object) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": ORDER, "namespace": self.namespace},
            "data": {"cluster.json": json.dumps(manifest)},
            "binaryData": {"order.json.gz": base64.b64encode(order.pack()).decode()},
        }

    def _create_job(self, job: Object) -> None:
        deadline = time.monotonic() + _GONE_SECONDS
        while True:
            try:
                self.cluster.create(path_of("jobs", self.namespace), job)
            except ApiError as error:
                if error.status != 409 or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            else:
                return

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
                trouble = self._find_trouble()
                troubled = (troubled or time.monotonic()) if trouble else None
                if trouble and time.monotonic() - (troubled or 0) > _HOPELESS_SECONDS:
                    self.stop()
                    raise LumiHubError(f"the work could not begin: {trouble}", where=self.namespace, fix=trouble.fix)
                time.sleep(_LOOK_SECONDS)
        return followed.report

    def _check(self, followed: _Followed) -> None:
        job = self.cluster.find(path_of("jobs", self.namespace, JOB))
        if job is None:
            raise LumiHubError("the work was ended by somebody else", fix="type the same command again")
        if is_over(job):
            said = f": {followed.last}" if followed.last else ""
            raise LumiHubError(
                f"the work broke off again and again{said}",
                where=f"the Job {JOB} of {self.namespace}",
                fix="type the same command again; it goes on where it stopped",
            )

    def _find_pod(self, heard: set[str]) -> Object | None:
        pods = self.cluster.items(path_of("pods", self.namespace), labelSelector=f"batch.kubernetes.io/job-name={JOB}")
        new = [pod for pod in pods if str(pod["metadata"]["uid"]) not in heard]
        return min(new, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), default=None)

    def _find_trouble(self) -> Any:
        events = self.cluster.items(path_of("events", self.namespace))
        pods = self.cluster.items(path_of("pods", self.namespace), labelSelector=self._own)
        found = [trouble for pod in pods if (trouble := explain_pod(pod, events)) and trouble.hopeless]
        return next(iter(found), None)

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

    @property
    def _own(self) -> str:
        # Pods of the night stay when they are done, to say what came of it.
        own = build_selector({"app.kubernetes.io/instance": self.settings.kubernetes.release})
        return f"{own},app.kubernetes.io/component!={NIGHT}"


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


def _build_job(template: Object, order: WorkOrder) -> Object:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": JOB,
            "labels": template["metadata"].get("labels", {}),
            "annotations": {_KEY: order.key},
        },
        "spec": template["spec"]["jobTemplate"]["spec"],
    }


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
