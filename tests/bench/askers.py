"""Students' notebooks that ask the gateway for a Dask cluster at the same moment, as `lumihub.compute` asks.

A program of its own, for it runs where the gateway lets students in. It reads the gateway's address and students'
tokens as JSON, and prints for each what came of it:

    python askers.py < {"url": ..., "tokens": {NAME: TOKEN}, "patience": SECONDS}
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import dask
from dask_gateway import JupyterHubAuth
from dask_gateway.client import ClusterStatus

from lumihub.compute.pods import _ASK_SECONDS, ImpatientGateway


async def ask(url: str, token: str, patience: float) -> dict[str, Any]:
    """Seconds until the gateway took the order, and until it said that the cluster runs; or why not."""
    began = time.monotonic()
    try:
        async with ImpatientGateway(url, auth=JupyterHubAuth(token), asynchronous=True) as gateway:
            name = await gateway.submit()
            taken = time.monotonic() - began
            while time.monotonic() - began < patience:
                report = await gateway._cluster_report(name)
                if report.status is ClusterStatus.RUNNING:
                    return {"taken": taken, "runs": time.monotonic() - began}
                if report.status > ClusterStatus.RUNNING:
                    return {"failure": f"it ended: {report.status.name}"}
                await asyncio.sleep(_ASK_SECONDS)
            return {"failure": "it did not run in time"}
    except Exception as error:
        return {"failure": f"{type(error).__name__}: {error}"}


async def ask_together(url: str, tokens: dict[str, str], patience: float) -> list[dict[str, Any]]:
    """All at once."""
    with dask.config.set({"gateway.http-client.proxy": False}):
        return await asyncio.gather(*(ask(url, token, patience) for token in tokens.values()))


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ask_together(**json.load(sys.stdin)))))
