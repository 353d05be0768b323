"""What pods wrote: of a part, or of a student's server."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from typing import TYPE_CHECKING

from lumihub.errors import InputError, LumiHubError
from lumihub.kubernetes.objects import build_selector, labels_of, name_of, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lumihub.kubernetes.access import Cluster, Object
    from lumihub.settings import Settings

_STUDENT = "hub.jupyter.org/username"
_PAUSE = 1.0


def read_logs(cluster: Cluster, settings: Settings, parts: Sequence[str], *, follow: bool, lines: int) -> Iterator[str]:
    """The last lines of each part's pods, then, with `follow`, new ones as they come, also of pods that come later.

    Raises:
        InputError: there is no such part, and no student's server of that name.
    """
    known = find_parts(settings)
    pods = {name: find_pods(cluster, settings, name) for name in parts or known}
    for name, found in pods.items():
        if not found and name not in known:
            raise InputError(
                f"there is no part {name}, and no student of that name has a server now",
                fix=f"name one of {', '.join(known)}, or a student whose server runs (./deploy.py status)",
            )
    several = sum(map(len, pods.values())) > 1
    for name, found in pods.items():
        for pod in found:
            for line in _read(cluster, pod, lines):
                yield f"{name}: {line}" if several else line
    if follow:
        yield from _follow(cluster, settings, list(pods), several=several)


def find_parts(settings: Settings) -> tuple[str, ...]:
    """The names of the parts, whether they are switched on or not."""
    return ("proxy", "hub", *settings.cache_names, "gateway", "gateway-controller")


def find_pods(cluster: Cluster, settings: Settings, name: str) -> list[Object]:
    """The pods of a part, or of a student's server."""
    own = settings.kubernetes
    if name in find_parts(settings):
        selector = build_selector({"app.kubernetes.io/instance": own.release, "app.kubernetes.io/component": name})
        return cluster.items(path_of("pods", own.namespace), labelSelector=selector)
    pods = cluster.items(path_of("pods", own.users_namespace))
    return [
        pod
        for pod in pods
        if (pod["metadata"].get("annotations") or {}).get(_STUDENT, labels_of(pod).get(_STUDENT)) == name
    ]


def _read(cluster: Cluster, pod: Object, lines: int) -> list[str]:
    with contextlib.suppress(LumiHubError):  # a pod that has not started has no log
        return cluster.text(_path(pod), tailLines=str(lines), container=_container(pod)).splitlines()
    return []


def _follow(cluster: Cluster, settings: Settings, names: Sequence[str], *, several: bool) -> Iterator[str]:
    """New lines for ever. Each pod has a thread; pods that take the place of others are found by looking again."""
    lines: queue.Queue[str] = queue.Queue()
    followed: set[str] = set()
    first = True
    while True:
        for name in names:
            for pod in find_pods(cluster, settings, name):
                uid = str(pod["metadata"]["uid"])
                if uid in followed or pod.get("status", {}).get("phase") not in ("Running", "Succeeded", "Failed"):
                    continue
                followed.add(uid)
                # Of a pod that is new every line is new; of one that was there the last ones were shown already.
                query = {"tailLines": "0"} if first else {}
                prefix = f"{name}: " if several else ""
                threading.Thread(target=_carry, args=(cluster, pod, query, prefix, lines), daemon=True).start()
        first = False
        looked = time.monotonic()
        while time.monotonic() - looked < _PAUSE:
            with contextlib.suppress(queue.Empty):
                yield lines.get(timeout=0.2)


def _carry(cluster: Cluster, pod: Object, query: dict[str, str], prefix: str, lines: queue.Queue[str]) -> None:
    with contextlib.suppress(LumiHubError):
        for line in cluster.lines(_path(pod), follow="true", container=_container(pod), **query):
            lines.put(f"{prefix}{line}")


def _path(pod: Object) -> str:
    return path_of("pods", pod["metadata"]["namespace"], name_of(pod), "log")


def _container(pod: Object) -> str:
    return str(pod["spec"]["containers"][0]["name"])
