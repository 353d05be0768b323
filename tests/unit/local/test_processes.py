from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from lumihub.local.processes import (
    ProcessId,
    end_processes,
    find_by_environment,
    find_listener,
    find_process,
    resident_bytes,
)


def test_own_process_is_alive_and_takes_memory() -> None:
    own = find_process(os.getpid())
    assert own is not None
    assert own.alive()
    assert (resident_bytes(own) or 0) > 1_000_000


def test_recycled_id_is_another_process() -> None:
    own = find_process(os.getpid())
    assert own is not None
    assert not ProcessId(own.pid, own.started - 1).alive()


def test_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    deadline = time.monotonic() + 60
    while find_process(child.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert find_process(child.pid) is None
    child.wait()


def test_a_process_whose_first_thread_has_ended_is_alive_until_its_port_is_free() -> None:
    program = (
        "import ctypes, socket, threading, time\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "print(server.getsockname()[1], flush=True)\n"
        "threading.Thread(target=time.sleep, args=[60]).start()\n"
        "ctypes.CDLL(None).pthread_exit(None)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        deadline = time.monotonic() + 60
        while ") Z " not in Path(f"/proc/{child.pid}/stat").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process = find_process(child.pid)
        assert process is not None
        assert end_processes(lambda: [process] if process.alive() else [], 10) == 1
        socket.create_server(("127.0.0.1", port)).close()


def test_marked_process_is_found_and_ended_though_it_ignores_sigterm() -> None:
    mark = f"LUMIHUB_TEST={os.getpid()}:one"
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    name, _, value = mark.partition("=")
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env={**os.environ, name: value}
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert [process.pid for process in find_by_environment(mark.encode())] == [child.pid]
        assert find_by_environment(mark.encode()[:-1]) == []
        assert [p.pid for p in find_by_environment(mark.encode()[:-1], whole=False)] == [child.pid]
        assert end_processes(lambda: find_by_environment(mark.encode()), 0.2) == 1
        assert child.wait(5) == -9


def test_listener_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        said = find_listener(server.getsockname()[1])
    assert said is not None
    assert said.endswith(f"(process {os.getpid()})")
    assert find_listener(1) is None
