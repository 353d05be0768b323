"""Watches the cohorts' namespaces alone, where dask-gateway by itself watches the whole cluster."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from dask_gateway_server.backends.kubernetes import backend, controller
from dask_gateway_server.backends.kubernetes.utils import Informer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

# What lists a kind in one namespace, by what dask-gateway would list it with everywhere.
_NAMESPACED = {
    "list_cluster_custom_object": "list_namespaced_custom_object",
    "list_pod_for_all_namespaces": "list_namespaced_pod",
    "list_endpoints_for_all_namespaces": "list_namespaced_endpoints",
}
_PAUSE_SECONDS = 2.0


class CohortInformer:
    """dask-gateway's informer, one for each namespace, seen as one.

    Args:
        namespaces: that are watched.
        method: of the client, as dask-gateway names it.
        method_kwargs: its arguments.
        client: of the cluster's API.
        options: what else the informer takes.
    """

    def __init__(
        self, namespaces: Iterable[str], *, method: str, method_kwargs: dict[str, Any], client: Any, **options: Any
    ) -> None:
        self._informers = {
            namespace: Informer(
                client=_PatientClient(client),
                method=_NAMESPACED[method],
                method_kwargs=method_kwargs | {"namespace": namespace},
                **options,
            )
            for namespace in namespaces
        }

    def get(self, name: str, default: Any = None) -> Any:
        """The last known state of an object, by `NAMESPACE.NAME`."""
        informer = self._informers.get(name.partition(".")[0])
        return informer.get(name, default) if informer else default

    def cached(self) -> dict[str, Any]:
        """The last known state of all objects, by `NAMESPACE.NAME`."""
        return {key: found for informer in self._informers.values() for key, found in informer.cache.items()}

    async def start(self) -> None:
        """Begin to watch; returns when all that is there is known."""
        await asyncio.gather(*(informer.start() for informer in self._informers.values()))

    async def stop(self) -> None:
        """End watching."""
        await asyncio.gather(*(informer.stop() for informer in self._informers.values()))


class _PatientClient:
    """A client that waits a little before it passes on an error: dask-gateway asks again at once, for ever."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return _patiently(found) if name in _NAMESPACED.values() else found


def watch_cohorts(namespaces: Iterable[str]) -> None:
    """Make dask-gateway's server and controller watch these namespaces alone, so that they need rights there alone."""
    informer = partial(CohortInformer, tuple(namespaces))
    backend.Informer = informer
    controller.Informer = informer


def _patiently(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def ask(*arguments: Any, **keywords: Any) -> Any:
        try:
            return await call(*arguments, **keywords)
        except Exception:
            await asyncio.sleep(_PAUSE_SECONDS)
            raise

    return ask
