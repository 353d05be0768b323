"""What `up` makes sure of before it changes anything: the cluster, the images, the origin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lumihub.data.origins import OriginState
from lumihub.data.trust import build_trust
from lumihub.errors import Fault, InputError, LumiHubError
from lumihub.kubernetes.doctor.account import examine_rights, examine_version
from lumihub.kubernetes.doctor.guards import examine_entrance
from lumihub.kubernetes.doctor.images import examine_images
from lumihub.kubernetes.doctor.storage import check_classes
from lumihub.kubernetes.objects import path_of
from lumihub.kubernetes.trials import open_trial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lumihub.kubernetes.access import Cluster, Object
    from lumihub.kubernetes.trials import Trial
    from lumihub.progress import Progress
    from lumihub.settings import Settings

# A node that just got the images, and a class beside it, may be busy.
_ORIGIN_SECONDS = 10.0
_POD_SECONDS = 120.0
_PROBE = """
import json, sys
from lumihub.data.origins import probe_origin
state = probe_origin(sys.argv[1], float(sys.argv[2]))
print(json.dumps({"reachable": state.reachable, "detail": state.detail}))
"""


def check_cluster(cluster: Cluster, settings: Settings) -> None:
    """Refuse to begin where it can't end well.

    Raises:
        LumiHubError: with everything that stands in the way.
    """
    findings = [examine_version(cluster), examine_rights(cluster, settings), check_classes(cluster, settings)]
    findings.append(examine_entrance(cluster, settings))
    faults = [Fault(f"{one.name}: {one.detail}", fix=one.fix) for one in findings if one.stops_up]
    if faults:
        raise InputError.from_faults(faults)


def try_pods(
    cluster: Cluster, settings: Settings, references: Mapping[str, str], progress: Progress
) -> OriginState | None:
    """Make sure that nodes have the images, and ask the origin from a pod.

    Returns:
        What the origin said; None where no student reads from it.

    Raises:
        LumiHubError: nodes can't get an image.
    """
    unknown = find_unknown(cluster.items(path_of("nodes")), references)
    wanted = settings.hub.enabled
    if not unknown and not wanted:
        return None
    copied = {settings.kubernetes.namespace: settings.images.pull_secrets}
    with (
        progress.task("Trying the images and the origin in a pod"),
        open_trial(cluster, copied=copied, pull_policy=settings.images.pull_policy) as trial,
    ):
        for name in unknown:
            trial.start(f"image-{name}", references[name], ["/bin/true"])
        if wanted:
            command = ["python3", "-c", _PROBE, settings.data.origin.url, str(_ORIGIN_SECONDS)]
            trial.start("origin", references["lab"], command, environment=build_trust(settings))
        _check_images(trial, {name: references[name] for name in unknown}, settings)
        return _read_origin(trial) if wanted else None


def find_unknown(nodes: list[Object], references: Mapping[str, str]) -> list[str]:
    """Images that not every node says it has. A node names only some of many, so one it does not name may be there."""
    held = [
        {name for image in node.get("status", {}).get("images") or [] for name in image.get("names") or []}
        for node in nodes
        if not node["spec"].get("unschedulable")
    ]
    return [name for name, reference in references.items() if not held or not all(reference in own for own in held)]


def find_public_networks(cluster: Cluster) -> tuple[str, ...]:
    """Public addresses of nodes and of the API server, as networks of one address; students may not reach them."""
    from ipaddress import ip_address

    found = {
        one["address"]
        for node in cluster.items(path_of("nodes"))
        for one in node.get("status", {}).get("addresses") or []
        if one["type"] in ("InternalIP", "ExternalIP")
    }
    found |= {
        address
        for one in _find_api_slices(cluster)
        for endpoint in one["endpoints"] or []
        for address in endpoint["addresses"]
    }
    addresses = sorted((ip_address(one) for one in found), key=str)
    return tuple(f"{one}/{one.max_prefixlen}" for one in addresses if one.is_global)


def find_api_ports(cluster: Cluster) -> tuple[int, ...]:
    """Ports on which the API server listens, beside the two that every cluster knows."""
    found = {port["port"] for one in _find_api_slices(cluster) for port in one["ports"] or []}
    return tuple(sorted(found - {443, 6443}))


def _find_api_slices(cluster: Cluster) -> list[Object]:
    return cluster.items(
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
        labelSelector="kubernetes.io/service-name=kubernetes",
    )


def _check_images(trial: Trial, references: Mapping[str, str], settings: Settings) -> None:
    findings = examine_images(trial, references, settings)
    bad = [one for one in findings.values() if not one.ok]
    if bad:
        error = LumiHubError(bad[0].detail)
        error.faults = tuple(Fault(one.detail, where=one.name, fix=one.fix) for one in bad)
        raise error


def _read_origin(trial: Trial) -> OriginState:
    result = trial.wait_for_end("origin", _POD_SECONDS)
    if result.ended:
        answer = json.loads(result.log.strip().splitlines()[-1])
        return OriginState(answer["reachable"], answer["detail"])
    if result.trouble:
        raise LumiHubError(f"a pod to ask the origin did not start: {result.trouble}", fix=result.trouble.fix)
    raise LumiHubError(
        f"the origin could not be asked from a pod: {result.log.strip()[-400:]}", fix="./deploy.py doctor"
    )
