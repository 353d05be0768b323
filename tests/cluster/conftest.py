"""The cluster that these tests run on: the project's own, or the one that --kubeconfig names."""

from __future__ import annotations

import subprocess
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cluster.definitions import defined
from cluster.installation import (
    DASK,
    GROUPS,
    LESSONS,
    NAMESPACE,
    OWN_NAME,
    ClusterInstallation,
    build_images,
    build_values,
    find_images,
)
from cluster.machine.access import Cluster, other_cluster, own_cluster
from cluster.machine.processes import find_init
from cluster.machine.runbook import ensure_down, ensure_up, find_obstacle, in_use, present
from cluster.waiting import until
from collection import lay_out_collection, lay_out_photons
from lumihub.data.cache import find_cache_obstacle
from lumihub.errors import LumiHubError
from servers.link import Link
from servers.xrootd import EXPORT, XRootDOrigin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Seconds to wait for another run of tests that uses the test cluster.
PATIENCE = 3600
# What went wrong before the first test; whoever needs the cluster says it.
FAILURE: pytest.StashKey[LumiHubError] = pytest.StashKey()
# What says whether nobody else works with the test cluster.
IS_ALONE: pytest.StashKey[Callable[[], bool]] = pytest.StashKey()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.cluster)
    # They take away what the others share.
    items.sort(key=lambda item: item.path.name == "test_removal.py")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Do before the first test what may take longer than a test: build programs and images, wait for another run."""
    config = session.config
    wanted = any(item.get_closest_marker("cluster") for item in session.items)
    if not wanted or config.option.collectonly or config.option.kubeconfig or find_obstacle():
        return
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled(), ExitStack() as stack:
        try:
            config.stash[IS_ALONE] = stack.enter_context(present())
            if any("references" in getattr(item, "fixturenames", ()) for item in session.items):
                build_images()
            if not OWN_NAME:
                stack.enter_context(in_use(patience=PATIENCE))
        except LumiHubError as error:
            config.stash[FAILURE] = error
        config.add_cleanup(stack.pop_all().close)


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """A running Kubernetes. One that was not up is stopped afterwards; another's cluster is left as it was found."""
    if pytestconfig.option.kubeconfig:
        yield other_cluster(Path(pytestconfig.option.kubeconfig).resolve(), pytestconfig.option.image_registry)
        return
    obstacle = find_obstacle()
    if obstacle:
        pytest.skip(obstacle)
    if failure := pytestconfig.stash.get(FAILURE, None):
        raise failure
    was_up = find_init() is not None
    ensure_up(fresh=True)
    yield own_cluster()
    if not was_up and pytestconfig.stash[IS_ALONE]():
        ensure_down()


@pytest.fixture(scope="session")
def own(cluster: Cluster) -> Cluster:
    """The project's own cluster: for tests that know where its parts listen, and serve at addresses of its node."""
    if not cluster.is_own:
        pytest.skip("knows where the project's own cluster listens, and serves at addresses of its node")
    return cluster


@pytest.fixture
def alone(own: Cluster, pytestconfig: pytest.Config) -> Cluster:
    """The project's own cluster while nobody else works with it: for tests that kill parts of the node."""
    if not pytestconfig.stash[IS_ALONE]():
        pytest.skip("kills parts of the test cluster, which another run of tests uses now")
    return own


@pytest.fixture
def make_namespace(cluster: Cluster) -> Iterator[Callable[..., str]]:
    """Makes namespaces for one test, with a level of Pod Security each, and removes them afterwards."""
    made: list[str] = []

    def make(level: str = "restricted") -> str:
        name = f"lumihub-test-{uuid.uuid4().hex[:8]}"
        labels = {"pod-security.kubernetes.io/enforce": level}
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        made.append(name)
        cluster.kubectl("--namespace", name, "wait", "--for=create", "serviceaccount/default", "--timeout=30s")
        return name

    yield make
    if made:
        cluster.kubectl("delete", "namespace", *made, "--wait=false")


@pytest.fixture(scope="session")
def definitions(cluster: Cluster) -> Iterator[None]:
    """The kinds of Gateway API and cert-manager."""
    with defined(cluster):
        yield


@pytest.fixture(scope="session")
def origin(opendata: Path, cluster: Cluster) -> Iterator[XRootDOrigin]:
    """A real XRootD origin on this machine: the real files, a whole collection of others, and two photons' files."""
    if cluster.host_address is None:
        pytest.skip("pods of another cluster do not reach this machine")
    obstacle = find_cache_obstacle("root://127.0.0.1")
    if obstacle:
        pytest.skip(obstacle)
    server = XRootDOrigin(opendata)
    lay_out_collection(server.files)
    lay_out_photons(server.files)
    with server:
        yield server


@pytest.fixture(scope="session")
def link(origin: XRootDOrigin, cluster: Cluster) -> Iterator[Link]:
    """The way from the cluster to the origin, which counts bytes."""
    assert cluster.host_address
    with Link(origin.port, address=cluster.host_address) as way:
        yield way


@pytest.fixture(scope="session")
def helm(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """By major version, a folder whose `helm` is that one."""
    folders = {}
    for major, name in ((3, "helm3"), (4, "helm")):
        folder = tmp_path_factory.mktemp(f"helm{major}")
        (folder / "helm").symlink_to(cluster.program(name))
        folders[major] = folder
    return folders


@pytest.fixture(scope="session")
def references(cluster: Cluster) -> dict[str, str]:
    """By name, the reference of each image, built before the first test and now on the cluster's nodes."""
    return {name: cluster.load_image(reference) for name, reference in find_images().items()}


@pytest.fixture(scope="session")
def installed(
    cluster: Cluster,
    link: Link,
    helm: dict[int, Path],
    references: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[ClusterInstallation, dict[str, Any]]]:
    """The installation that these tests share, and what the first `up` said; all of it is gone afterwards."""
    one = ClusterInstallation(cluster, tmp_path_factory.mktemp("installation"), helm[4])
    url = f"root://{cluster.host_address}:{link.port}/{EXPORT}"
    manifest = one.folder / "manifest.json"
    program = one.command("up")[0]
    subprocess.run([program, "data", "manifest", url, "-o", str(manifest)], check=True, timeout=120)
    data = {"origin": {"url": url, "manifest": str(manifest)}}
    lessons = one.folder / "lessons"
    for path, text in LESSONS.items():
        (lessons / path).parent.mkdir(parents=True, exist_ok=True)
        (lessons / path).write_text(text)
    hub = {"config": {"JupyterHub": {"load_groups": GROUPS}}}
    one.write(build_values(cluster, data=data, dask=DASK, hub=hub, lessons={"folder": str(lessons)}))
    one.lumihub("down", "--delete-data", "--yes")  # of a run that was killed
    began = time.monotonic()
    answer = one.up("--yes")
    answer["wholeSeconds"] = time.monotonic() - began
    yield one, answer
    one.lumihub("down", "--delete-data", "--yes", check=False)


@pytest.fixture
def one(installed: tuple[ClusterInstallation, dict[str, Any]]) -> Iterator[ClusterInstallation]:
    """The installation, with the values file as it was."""
    installation, _ = installed
    settings = installation.settings
    # Tests of the cluster itself kill the node, and all that runs on it comes up again after that.
    # (Tests of other ways in leave none by a port of the node.)
    words = ("service", "proxy-public", "--ignore-not-found", "--output=jsonpath={.spec.type}")
    if installation.cluster.kubectl("--namespace", NAMESPACE, "get", *words) == "NodePort":
        until(installation.serves, 180)
    yield installation
    installation.write(settings)
