"""What lies in a cluster's cache: asked of the keeper in its pod, through a forwarded port."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from lumihub.data.cache_keeper import PORT
from lumihub.data.cached import CachedFile
from lumihub.data.sharing import find_home
from lumihub.data.store import CacheContents
from lumihub.errors import LumiHubError
from lumihub.kubernetes.forwarding import open_tunnel
from lumihub.kubernetes.objects import build_selector, is_ready, name_of, path_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lumihub.data.records import DataFile
    from lumihub.kubernetes.access import Cluster
    from lumihub.settings import Settings


def describe_cache(cluster: Cluster, settings: Settings) -> CacheContents:
    """The files in the cache, what readers got through it, and which are pinned; of several caches, in all of them.

    Raises:
        LumiHubError: the cache, or one of several, does not run.
    """
    files: dict[str, CachedFile] = {}
    consumption: dict[str, Counter[str]] = {}
    pinned: dict[str, int] = {}
    names = settings.cache_names
    for number, name in enumerate(names):
        found = _ask(cluster, settings, name, "GET", "/")
        for one in found["files"]:
            # A file may be in a cache that was its home while there were fewer, or that somebody asked by name.
            if one["path"] not in files or find_home(one["path"], len(names)) == number:
                files[one["path"]] = CachedFile(**one)
        for path, counts in found["consumption"].items():
            consumption.setdefault(path, Counter()).update(counts)
        pinned |= found.get("pinned", {})
    return CacheContents(tuple(files.values()), {path: dict(counts) for path, counts in consumption.items()}, pinned)


def evict_files(cluster: Cluster, settings: Settings, paths: Sequence[str]) -> tuple[str, ...]:
    """Throw files out of the cache, of several out of all; those that were there."""
    gone = {
        path: None
        for name in settings.cache_names
        for path in _ask(cluster, settings, name, "POST", "/evict", list(paths))
    }
    return tuple(gone)


def pin_files(cluster: Cluster, settings: Settings, files: Sequence[DataFile]) -> None:
    """Hold files in the cache that is their home when others are cleared up."""
    names = settings.cache_names
    for number, name in enumerate(names):
        own = {file.path: file.size for file in files if find_home(file.path, len(names)) == number}
        _ask(cluster, settings, name, "PUT", "/pins", own)


def unpin_files(cluster: Cluster, settings: Settings, paths: Sequence[str]) -> None:
    """Hold files no longer."""
    for name in settings.cache_names:
        _ask(cluster, settings, name, "DELETE", "/pins", list(paths))


def _ask(cluster: Cluster, settings: Settings, name: str, method: str, path: str, body: Any = None) -> Any:
    own = settings.kubernetes
    selector = build_selector({"app.kubernetes.io/instance": own.release, "app.kubernetes.io/component": name})
    pods = [one for one in cluster.items(path_of("pods", own.namespace), labelSelector=selector) if is_ready(one)]
    if not pods:
        raise LumiHubError(
            f"the {name} does not run",
            where=f"namespace {own.namespace} of {cluster.context}",
            fix=f"./deploy.py status, then ./deploy.py logs {name}",
        )
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    connection.sock = open_tunnel(cluster, own.namespace, name_of(pods[0]), PORT)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise LumiHubError(f"the cache's keeper answered {answer.status}", fix="./deploy.py up")
        return json.loads(text)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise LumiHubError(
            f"the cache's keeper did not answer: {error}", where=name_of(pods[0]), fix="./deploy.py status"
        ) from error
    finally:
        connection.close()
