"""Two students on one machine: neither can read, reach or stop anything of the other's, nor of the hub's."""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import TYPE_CHECKING

import pytest

from lumihub.errors import LumiHubError
from lumihub.local.cgroups import MOST_TASKS
from lumihub.local.processes import find_by_user
from servers.hub import PREFIX, Installation, running_hub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lumihub.operations.student import Kernel, StudentSession

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can give students accounts of their own"),
]


@pytest.fixture(scope="module")
def hub() -> Iterator[Installation]:
    with running_hub(singleuser={"memory": {"limit": "600M"}, "cpu": {"limit": 0.5}}) as one:
        yield one


@pytest.fixture(scope="module")
def students(hub: Installation) -> Iterator[dict[str, StudentSession]]:
    passwords = hub.add("anna", "ben")
    with hub.student("anna", passwords["anna"]) as anna, hub.student("ben", passwords["ben"]) as ben:
        yield {"anna": anna, "ben": ben}


@pytest.fixture(scope="module")
def anna(students: dict[str, StudentSession]) -> Iterator[Kernel]:
    kernel = students["anna"].start_kernel()
    assert not kernel.run("secret = 'tau'; import os, pathlib, socket; open('diary.txt', 'w').write('mine')").error
    yield kernel
    kernel.close()


@pytest.fixture(scope="module")
def ben(students: dict[str, StudentSession]) -> Iterator[Kernel]:
    kernel = students["ben"].start_kernel()
    assert not kernel.run("import os, pathlib, socket, subprocess, urllib.request, urllib.error, json").error
    yield kernel
    kernel.close()


def test_each_runs_as_an_account_of_their_own(anna: Kernel, ben: Kernel) -> None:
    code = (
        "import pwd; print(pwd.getpwuid(os.getuid()).pw_name, os.getgroups(), oct(pathlib.Path.home().stat().st_mode))"
    )
    assert anna.run(code).text == f"{PREFIX}anna [] 0o40700"
    assert ben.run(code).text == f"{PREFIX}ben [] 0o40700"


def test_neither_reads_the_others_home(anna: Kernel, ben: Kernel) -> None:
    home = anna.run("os.path.expanduser('~')").text.strip("'")
    assert anna.run("open('diary.txt').read()").text == "'mine'"
    for code in (f"os.listdir('{home}')", f"open('{home}/diary.txt')", f"open('{home}/x', 'w')"):
        assert ben.run(code).error.startswith("PermissionError")
    assert ben.run(f"os.listdir('{home}/..')").error.startswith("PermissionError")


def test_neither_reads_the_others_processes(anna: Kernel, ben: Kernel) -> None:
    kernel, server = anna.run("print(os.getpid(), os.getppid())").text.split()
    for pid in (kernel, server):
        assert ben.run(f"open('/proc/{pid}/environ', 'rb').read()").error.startswith("PermissionError")
        assert ben.run(f"os.listdir('/proc/{pid}/fd')").error.startswith("PermissionError")
        assert ben.run(f"os.kill({pid}, 9)").error.startswith("PermissionError")
    token = anna.run("os.environ['JUPYTERHUB_API_TOKEN']").text.strip("'")
    assert len(token) > 20
    lines = ben.run("print(subprocess.run(['ps', 'axww', '-o', 'args'], capture_output=True, text=True).stdout)").text
    assert token not in lines


def test_kernels_do_not_listen_on_the_network(anna: Kernel) -> None:
    assert "ipc" in anna.run("import ipykernel.kernelapp as k; k.IPKernelApp.instance().transport").text


def test_neither_reaches_the_others_kernel_sockets(anna: Kernel, ben: Kernel) -> None:
    runtime = anna.run("import jupyter_core.paths as p; p.jupyter_runtime_dir()").text.strip("'")
    assert anna.run(f"bool(os.listdir('{runtime}'))").text == "True"
    assert ben.run(f"os.listdir('{runtime}')").error.startswith("PermissionError")


def test_neither_enters_the_others_server(students: dict[str, StudentSession], anna: Kernel, ben: Kernel) -> None:
    address = anna.run("os.environ['JUPYTERHUB_SERVICE_URL']").text.strip("'")
    token = "os.environ['JUPYTERHUB_API_TOKEN']"
    code = (
        "def ask(url, **headers):\n"
        "    try: return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20).status\n"
        "    except urllib.error.HTTPError as error: return error.code\n"
        f"print([ask('{address}api/contents'), ask('{address}api/contents', Authorization='token ' + {token}),"
        f" ask('{address}api/kernels', Authorization='token ' + {token})])"
    )
    assert ben.run(code).text == "[403, 403, 403]"
    assert students["ben"]._http.get(f"{students['anna'].base}api/contents", timeout=20).status_code == 404


def test_neither_opens_the_others_dask_dashboard(
    students: dict[str, StudentSession], anna: Kernel, ben: Kernel
) -> None:
    start = (
        "import warnings; from lumihub import compute; from lumihub.compute import dashboard\n"
        "with warnings.catch_warnings(action='ignore'): here = compute.client()\n"
        "print(dashboard.socket_path())"
    )
    address = anna.run(start).text
    assert ben.run(f"socket.socket(socket.AF_UNIX).connect('{address}')").error.startswith("PermissionError")
    page = "dask/status"
    deadline = time.monotonic() + 60
    # Until bokeh is imported the first answer may be an error.
    while not (owner := students["anna"].get(page)).ok and time.monotonic() < deadline:
        time.sleep(0.5)
    assert "bk-root" in owner.text or "bokeh" in owner.text.lower()
    stranger = students["ben"]._http.get(f"{students['anna'].base}{page}", timeout=20)
    assert stranger.status_code == 404
    assert anna.run("compute.close()").error == ""


def test_neither_reads_anything_of_the_hub(hub: Installation, ben: Kernel) -> None:
    for name in ("secrets", "hub", "proxy", "logs", "run"):
        assert ben.run(f"os.listdir('{hub.folder / name}')").error.startswith("PermissionError")
    for part in ("hub", "proxy"):
        assert ben.run(f"open('/proc/{hub.pid(part)}/environ', 'rb').read()").error.startswith("PermissionError")


def test_the_hubs_api_gives_a_student_nothing_of_others(ben: Kernel) -> None:
    code = (
        "base = os.environ['JUPYTERHUB_API_URL']; token = 'token ' + os.environ['JUPYTERHUB_API_TOKEN']\n"
        "def ask(path, method='GET'):\n"
        "    request = urllib.request.Request(base + path, method=method, headers={'Authorization': token})\n"
        "    try: return urllib.request.urlopen(request, timeout=20).status\n"
        "    except urllib.error.HTTPError as error: return error.code\n"
        "print([ask('/users'), ask('/users/anna'), ask('/lumihub/accounts'), ask('/lumihub/accounts/anna', 'DELETE'),"
        " ask('/users/anna/server', 'DELETE'), ask('/proxy'), ask('/shutdown', 'POST')])"
    )
    assert ben.run(code).text == "[403, 404, 403, 403, 403, 403, 403]"


def test_the_proxys_api_wants_a_password(hub: Installation, ben: Kernel) -> None:
    port = json.loads((hub.folder / "run" / "ports.json").read_text())["proxy_api"]
    code = f"urllib.request.urlopen('http://127.0.0.1:{port}/api/http/routers', timeout=20)"
    assert "HTTP Error 401" in ben.run(code).error


def test_a_student_can_not_take_the_hubs_port(hub: Installation, ben: Kernel) -> None:
    port = json.loads((hub.folder / "run" / "ports.json").read_text())["hub"]
    assert port < 1024
    assert ben.run(f"socket.socket().bind(('127.0.0.1', {port}))").error.startswith("PermissionError")


def test_setuid_programs_give_nothing(ben: Kernel) -> None:
    assert "NoNewPrivs:\t1" in ben.run("print(open('/proc/self/status').read())").text
    code = "r = subprocess.run(['su', '-c', 'id'], capture_output=True, text=True, input='x'); print(r.returncode != 0)"
    assert ben.run(code).text == "True"


def test_a_student_can_not_leave_the_control_group(hub: Installation, ben: Kernel) -> None:
    groups = ben.run("print(open('/proc/self/cgroup').read())").text
    assert "/lumihub/" in groups
    code = "[p for p in pathlib.Path('/sys/fs/cgroup').rglob('cgroup.procs') if os.access(p, os.W_OK)]"
    assert ben.run(code).text == "[]"


def test_memory_limit_ends_the_kernel_alone(students: dict[str, StudentSession], anna: Kernel) -> None:
    greedy = students["ben"].start_kernel()
    with pytest.raises(LumiHubError, match="the kernel died"):
        greedy.run("hoard = [bytearray(50_000_000) for _ in range(40)]", timeout=90)
    greedy.close()
    assert anna.run("secret").text == "'tau'"
    assert students["ben"].get("api/status").ok


def test_processor_limit_holds(ben: Kernel) -> None:
    code = (
        "import time\nbegan, used = time.monotonic(), time.process_time()\n"
        "while time.monotonic() - began < 4: pass\nprint((time.process_time() - used) / 4)"
    )
    assert float(ben.run(code).text) < 0.65


def test_fork_bomb_hits_nobody_else(students: dict[str, StudentSession], anna: Kernel) -> None:
    bomber = students["ben"].start_kernel()
    uid = int(bomber.run("import os, time; print(os.getuid())").text)
    code = (
        "while True:\n    try:\n        if os.fork() == 0: time.sleep(120); os._exit(0)\n"
        "    except OSError: time.sleep(0.1)"
    )
    # It may well cost the bomber's own server.
    with contextlib.suppress(LumiHubError):
        bomber.run(code, timeout=20)
    assert 100 < len(find_by_user(uid)) <= MOST_TASKS
    assert anna.run("secret").text == "'tau'"
    bomber.close()
    students["ben"].stop_server()
    assert find_by_user(uid) == []
    students["ben"].start_server()


def test_stopped_server_leaves_no_process(students: dict[str, StudentSession]) -> None:
    ben = students["ben"]
    kernel = ben.start_kernel()
    # A daemon that left its session and its environment behind.
    code = (
        "import subprocess, os\n"
        "p = subprocess.Popen(['setsid', 'env', '-i', 'sleep', '600'], start_new_session=True); print(os.getuid())"
    )
    uid = int(kernel.run(code).text)
    kernel.close()
    ben.stop_server()
    assert find_by_user(uid) == []
    ben.start_server()
