"""What lies in a cluster's cache: asked of the keeper in its pod, through a forwarded port."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

from lumihub.data.cache_keeper import PORT
from lumihub.errors import LumiHubError
from lumihub.kubernetes.forwarding import open_tunnel
from lumihub.kubernetes.objects import build_selector, is_ready, name_of, path_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lumihub.data.records import DataFile
    from lumihub.kubernetes.access import Cluster
    from lumihub.settings import Settings


def describe_cache(cluster: Cluster, settings: Settings) -> dict[str, Any]:
    """The files in the cache, what readers got through it, and which are pinned.

    Raises:
        LumiHubError: the cache does not run.
    """
    found: dict[str, Any] = _ask(cluster, settings, "GET", "/")
    return found


def evict_files(cluster: Cluster, settings: Settings, paths: Sequence[str]) -> tuple[str, ...]:
    """Throw files out of the cache; those that were there."""
    return tuple(_ask(cluster, settings, "POST", "/evict", list(paths)))


def pin_files(cluster: Cluster, settings: Settings, files: Sequence[DataFile]) -> None:
    """Hold files in the cache when others are cleared up."""
    _ask(cluster, settings, "PUT", "/pins", {file.path: file.size for file in files})


def unpin_files(cluster: Cluster, settings: Settings, paths: Sequence[str]) -> None:
    """Hold files no longer."""
    _ask(cluster, settings, "DELETE", "/pins", list(paths))


def _ask(cluster: Cluster, settings: Settings, method: str, path: str, body: Any = None) -> Any:
    own = settings.kubernetes
    selector = build_selector({"app.kubernetes.io/instance": own.release, "app.kubernetes.io/component": "cache"})
    pods = [one for one in cluster.items(path_of("pods", own.namespace), labelSelector=selector) if is_ready(one)]
    if not pods:
        raise LumiHubError(
            "the cache does not run",
            where=f"namespace {own.namespace} of {cluster.context}",
            fix="./deploy.py status, then ./deploy.py logs cache",
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
