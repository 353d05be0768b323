"""A real registry of images and a real containerd, each in a folder of its own and gone afterwards."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from lumihub.process import find_program
from servers.ports import find_free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def image_registry(folder: Path) -> Iterator[str]:
    """Host and port of a registry on loopback, without TLS."""
    program = find_program("docker-registry")
    if program is None:
        pytest.skip("no registry of images is installed (apt install docker-registry)")
    port = find_free_port()
    config = folder / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder / 'registry'}}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=2):
                return True
        except OSError:
            return False

    with _running([str(program), "serve", str(config)], folder / "registry.log", answers):
        yield f"127.0.0.1:{port}"


@contextmanager
def containerd(folder: Path) -> Iterator[Path]:
    """The socket of a containerd that belongs to no node."""
    if os.geteuid() != 0:
        pytest.skip("containerd needs root")
    program = find_program("containerd")
    if program is None or find_program("ctr") is None:
        pytest.skip("containerd is not installed (apt install containerd)")
    socket = folder / "containerd.sock"
    config = folder / "containerd.toml"
    # Without the plugin that speaks to a kubelet it holds images and does nothing else.
    config.write_text(
        f"version = 2\nroot = '{folder / 'root'}'\nstate = '{folder / 'state'}'\n"
        "disabled_plugins = ['io.containerd.grpc.v1.cri']\noom_score = 0\n"
        f"[grpc]\naddress = '{socket}'\n"
    )
    with _running([str(program), "--config", str(config)], folder / "containerd.log", socket.exists):
        yield socket


@contextmanager
def _running(words: list[str], log: Path, answers: Callable[[], bool]) -> Iterator[None]:
    with log.open("wb") as file, subprocess.Popen(words, stdout=file, stderr=file) as process:
        try:
            end = time.monotonic() + 60
            while not answers():
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{words[0]} does not answer: {log.read_text(errors='replace')[-2000:]}")
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
