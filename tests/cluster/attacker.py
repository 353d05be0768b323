"""What a hostile student types into a notebook.

Tests send this text to the kernel of a student's server, and to pods that lack a guard; so it uses nothing but what the
image `lab` has. Every function answers with what JSON can hold.
"""

from __future__ import annotations

import ctypes
import hashlib
import http
import http.cookiejar
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Seconds until an attempt is given up: what a policy drops is never answered.
PATIENCE = 2
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER = 0x10000000
SYS_KEYCTL = {"x86_64": 250, "aarch64": 219}
TEMPORARY = Path("/tmp")  # noqa: S108 - the attacked pod's own


def at_once(attempts: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    """What each attempt gave, all of them tried at the same time."""
    with ThreadPoolExecutor(len(attempts)) as pool:
        running = {name: pool.submit(attempt) for name, attempt in attempts.items()}
    return {name: one.result() for name, one in running.items()}


# --- by the network


def reach(places: dict[str, list[Any]]) -> list[str]:
    """Names of the places, each a protocol, address and port, where somebody answers."""
    answers = at_once({name: lambda place=place: _answers(*place) for name, place in places.items()})  # type: ignore[misc]
    return sorted(name for name, answered in answers.items() if answered)


def _answers(protocol: str, address: str, port: int) -> bool:
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as line:
            line.settimeout(PATIENCE)
            line.connect((address, port))
            if protocol == "udp":
                line.send(b"anybody there?")
                line.recv(100)
            return True
    except OSError:
        return False


def listen(port: int) -> None:
    """Answer whoever comes by TCP or UDP, as a colleague's notebook might."""
    server, line = socket.create_server(("", port)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.bind(("", port))

    def answer() -> None:
        while server:  # as long as it is kept here, others can connect
            words, sender = line.recvfrom(100)
            line.sendto(words, sender)

    threading.Thread(target=answer, daemon=True).start()


def ask(requests: dict[str, list[Any]], token: str = "") -> dict[str, list[Any]]:
    """Status (0 where nobody answered) and first words of the answers to requests: method, URL, and what is sent."""
    return at_once({name: lambda one=one: _ask(token, *one) for name, one in requests.items()})  # type: ignore[misc]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _ask(token: str, method: str, url: str, body: Any = None, scheme: str = "Bearer") -> list[Any]:
    place = urllib.parse.urlsplit(url)
    if not _answers("tcp", str(place.hostname), place.port or 443):
        return [0, ""]
    trusting = ssl._create_unverified_context()  # noqa: S323 - whom it asks is not to be trusted
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting), _NoRedirect
    )
    headers = {"Authorization": f"{scheme} {token}"} if token else {}
    data = None
    if body is not None:
        headers["Content-Type"], data = "application/json", json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with opener.open(request, timeout=20) as answer:
            return [answer.status, answer.read(20000).decode(errors="replace")]
    except urllib.error.HTTPError as error:
        return [error.code, error.read(20000).decode(errors="replace")]
    except OSError:
        return [0, ""]


def make_token(hub: str, name: str, password: str) -> str:
    """A token with all rights of an account, as the hub's page makes one; it is good for ten minutes."""
    visit, xsrf = _log_in(hub, name, password)
    return str(json.loads(_post_token(visit, name, {"X-XSRFToken": xsrf}))["token"])


def forge_token(hub: str, name: str, password: str) -> int:
    """What the hub says to the same request when a page of another site makes the browser send it."""
    visit, _ = _log_in(hub, name, password)
    try:
        _post_token(visit, name, {})
    except urllib.error.HTTPError as error:
        return error.code
    return 201


def _post_token(visit: Callable[..., bytes], name: str, headers: dict[str, str]) -> bytes:
    body = json.dumps({"expires_in": 600}).encode()
    return visit(f"/api/users/{name}/tokens", body, {"Content-Type": "application/json", **headers})


def _log_in(hub: str, name: str, password: str) -> tuple[Callable[..., bytes], str]:
    """A browser that is logged in, and the word that the hub's own pages send along."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(jar), _NoRedirect
    )

    def visit(path: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        try:
            with opener.open(urllib.request.Request(f"{hub}{path}", data, headers or {}), timeout=30) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.FOUND:
                raise
            return b""

    def xsrf() -> str:
        return next(cookie.value or "" for cookie in jar if cookie.name == "_xsrf")

    visit("/login")
    visit("/login", urllib.parse.urlencode({"username": name, "password": password, "_xsrf": xsrf()}).encode())
    visit("/token")
    return visit, xsrf()


def own_token() -> str:
    """The token of the own server, which every kernel finds in its environment."""
    return os.environ["JUPYTERHUB_API_TOKEN"]


# --- by the cache


def try_cache(url: str, file: str, foreign: str) -> dict[str, bool]:
    """What a cache lets happen, by name.

    Args:
        url: of the cache.
        file: path of a file in it.
        foreign: host and port of another server, which has a file /secret.txt.
    """
    from XRootD import client
    from XRootD.client.flags import AccessMode, OpenFlags, PrepareFlags

    there = client.FileSystem(url)
    base = "/".join(file.split("/")[:4])
    seconds = {"timeout": 10}

    def write(path: str, flags: int) -> bool:
        opened = client.File()
        done = bool(opened.open(f"{url}/{path}", flags, **seconds)[0].ok and opened.write(b"evil", 0, **seconds)[0].ok)
        opened.close(**seconds)
        return done

    def read(path: str) -> bool:
        opened = client.File()
        done = bool(
            opened.open(f"{url}/{path}", OpenFlags.READ, **seconds)[0].ok and opened.read(0, 10, **seconds)[0].ok
        )
        opened.close(**seconds)
        return done

    # XRootD says yes to this and does nothing: whether the file is still there shows in what the next read takes.
    there.prepare([file], PrepareFlags.EVICT, **seconds)
    return {
        "write a file": write(f"{base}/evil.txt", OpenFlags.NEW),
        "write over a file": write(file, OpenFlags.UPDATE),
        "read a file": read(file),
        "truncate": there.truncate(file, 1, **seconds)[0].ok,
        "chmod": there.chmod(file, AccessMode.UR | AccessMode.UW | AccessMode.OR, **seconds)[0].ok,
        "mkdir": there.mkdir(f"{base}/evil", **seconds)[0].ok,
        "rmdir": there.rmdir(f"{base}/empty", **seconds)[0].ok,
        "read /etc/passwd": read("/etc/passwd"),
        "list /data": there.dirlist("/data", **seconds)[0].ok,
        "list the folder above": there.dirlist(f"{base}/..", **seconds)[0].ok,
        "read by ..": read(f"{base}/../../../etc/passwd"),
        "read from another origin": read(f"/root://{foreign}//secret.txt"),
        "mv": there.mv(file, f"{file}.stolen", **seconds)[0].ok,
        "rm": there.rm(file, **seconds)[0].ok or there.rm(f"{file}.stolen", **seconds)[0].ok,
    }


# --- within the own pod


def gain_root() -> dict[str, bool]:
    """Which ways lead to more rights than a student's."""
    attempts: dict[str, Callable[[], object]] = {
        "a program with the setuid bit": _run_setuid,
        "sudo": lambda: subprocess.run(["sudo", "--non-interactive", "true"], check=True, capture_output=True),
        "setuid(0)": lambda: _in_child(lambda: os.setuid(0)),
        "a user namespace": lambda: _in_child(lambda: _call("unshare", CLONE_NEWUSER)),
        "the kernel's keyring": lambda: _call("syscall", SYS_KEYCTL[os.uname().machine], 0, -3, 0),
        "mount": _mount,
        "chroot": lambda: _in_child(lambda: os.chroot(TEMPORARY)),
        "a device": _make_device,
        "raw packets": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close(),
        "all packets of the network": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
        "a program for crashes on the node": lambda: Path("/proc/sys/kernel/core_pattern").open("r+").close(),
        "the own limit of memory": _open_limit,
        "a password of root": lambda: Path("/etc/shadow").open("r+").close(),
        "the server's own code": lambda: (_own_code() / "evil.py").touch(),
        "a program for all": lambda: Path("/usr/local/bin/evil").touch(),
    }
    return {name: _succeeds(attempt) for name, attempt in attempts.items()}


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (OSError, subprocess.SubprocessError, StopIteration):
        return False
    return True


def _call(function: str, *arguments: object) -> None:
    if getattr(LIBC, function)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), function)


def _in_child(action: Callable[[], object]) -> None:
    pid = os.fork()
    if pid == 0:
        code = 1
        with suppress(OSError):
            action()
            code = 0
        os._exit(code)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
        raise PermissionError


def _run_setuid() -> None:
    """Let `su` wait for a password, and see as whom it waits."""
    program = shutil.which("su")
    if program is None or not Path(program).stat().st_mode & 0o4000:
        raise FileNotFoundError("su")
    with subprocess.Popen(["su"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as su:
        time.sleep(0.3)
        status = Path(f"/proc/{su.pid}/status").read_text()
        su.kill()
    effective = re.search(r"^Uid:\s+\d+\s+(\d+)", status, re.MULTILINE)
    if os.getuid() == 0 or effective is None or effective[1] != "0":
        raise PermissionError


def _mount() -> None:
    place = TEMPORARY / "mounted"
    place.mkdir(exist_ok=True)
    _call("mount", b"none", str(place).encode(), b"tmpfs", 0, None)
    _call("umount", str(place).encode())


def _make_device() -> None:
    place = TEMPORARY / "device"
    os.mknod(place, 0o600 | 0o060000, os.makedev(8, 0))
    place.unlink()


def _open_limit() -> None:
    limits = (path for name in ("memory.max", "memory.limit_in_bytes") for path in Path("/sys/fs/cgroup").rglob(name))
    next(limits).open("r+").close()


def _own_code() -> Path:
    import lumihub

    return Path(str(lumihub.__file__)).parent


def find_processes() -> list[int]:
    """Processes that are seen here and are no part of this container."""
    return [pid for pid in _pids() if not _is_own(pid)]


def _pids() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def _is_own(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/ns/mnt").readlink() == Path("/proc/self/ns/mnt").readlink()
    except FileNotFoundError:  # it has ended meanwhile
        return True
    except PermissionError:
        return False


def keep(name: str, word: str) -> None:
    """Write a word into a file of the home."""
    Path(name).write_text(word)


def find_words(words: list[str]) -> list[str]:
    """Which of these words stand in a file or in the environment of a process, as far as they can be read here."""
    found: set[str] = set()
    for text in _read_all():
        found |= {word for word in words if word.encode() in text}
    return sorted(found)


def find_digests(digests: list[str]) -> list[str]:
    """The same for words of which only the sha256 is told: whoever looks for a secret here would bring it along."""
    wanted, found = set(digests), set()
    for text in _read_all():
        words = set(re.findall(rb"[0-9A-Za-z_-]{16,200}", text))
        found |= {digest for word in words if (digest := hashlib.sha256(word).hexdigest()) in wanted}
    return sorted(found)


def _read_all() -> Iterator[bytes]:
    for pid in _pids():
        with suppress(OSError):
            yield Path(f"/proc/{pid}/environ").read_bytes()
    for top in ("/home", "/etc", "/run", TEMPORARY, "/var", "/srv", "/mnt", "/media", "/data", "/root", "/volume"):
        for path in Path(top).rglob("*"):
            with suppress(OSError):
                if path.is_file() and path.stat().st_size < 2_000_000:
                    yield path.read_bytes()
