"""Origins: folders of files behind any URL, read with a limit on every wait.

root:// goes through fsspec-xrootd, https:// through fsspec's own client, folders through the operating system, and
anything else (s3://, memory://) through the file system that fsspec finds for it.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lumihub.data.trust import build_context, find_bundle
from lumihub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

_PORTS = {"root": 1094, "roots": 1094, "xroot": 1094, "http": 80, "https": 443}
# The XRootD client reads these as it loads; its defaults let a reader hang for minutes when a server goes away.
CLIENT_ENVIRONMENT = {
    "XRD_CONNECTIONWINDOW": "5",
    "XRD_CONNECTIONRETRY": "5",
    "XRD_STREAMERRORWINDOW": "5",
    "XRD_REQUESTTIMEOUT": "60",
    # All of these are looked at this often; by default every 15 s.
    "XRD_TIMEOUTRESOLUTION": "1",
}
# Five big-endian numbers that open every XRootD connection: 0 0 0 4 2012.
_HANDSHAKE = bytes(12) + (4).to_bytes(4, "big") + (2012).to_bytes(4, "big")
_UNTRUSTED = "shows a certificate that is not trusted here (see data.caBundle)"
_XROOTD = ("root", "roots", "xroot")


@dataclass(frozen=True, slots=True)
class OriginState:
    """Whether an origin answers, and in one line how or why not."""

    reachable: bool
    detail: str


class OriginError(Exception):
    """Reading from an origin failed.

    Attributes:
        lasting: trying again cannot help (the file is not there).
    """

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


def join_url(base: str, path: str) -> str:
    """A path below an origin; the double slash of root:// stays."""
    return f"{base.rstrip('/')}/{path}"


def build_options(url: str, *, timeout: float) -> dict[str, Any]:
    """fsspec's options for a URL: no wait is longer than `timeout` seconds.

    fsspec-xrootd has no limit of its own, and looks for other sources of a file without any limit at all.
    """
    scheme = urlsplit(url).scheme
    if scheme in _XROOTD:
        return {"timeout": max(1, round(timeout)), "locate_all_sources": False}
    if scheme in ("http", "https"):
        import aiohttp

        limits = aiohttp.ClientTimeout(total=None, sock_connect=timeout, sock_read=timeout)
        # trust_env: schools' proxies are told by environment variables.
        context = build_context() if scheme == "https" else None
        trusting = {"ssl": context} if context else {}
        return {"client_kwargs": {"timeout": limits, "trust_env": True}, **trusting}
    if scheme == "s3":
        bundle = find_bundle()
        trust = {"client_kwargs": {"verify": bundle}} if bundle else {}
        return {"config_kwargs": {"connect_timeout": timeout, "read_timeout": timeout}, **trust}
    return {}


class Origin:
    """A folder behind a URL.

    Args:
        url: root://, http(s)://, a folder of this machine, or whatever fsspec knows.
        timeout: seconds until one request is given up.
    """

    def __init__(self, url: str, *, timeout: float = 60) -> None:
        self.url = url
        self._timeout = timeout
        self._fs, self._root = _find_filesystem(url, timeout)

    def size(self, path: str) -> int:
        """Bytes of a file."""
        with self._faults(path):
            return int(self._fs.info(self._below(path))["size"])

    def walk(self) -> Iterator[tuple[str, int]]:
        """Paths below the origin and sizes of all its files, sorted."""
        with self._faults(""):
            found = self._fs.find(self._root, detail=True)
        root = self._root.rstrip("/") + "/"
        for name in sorted(found):
            yield name.removeprefix(root).lstrip("/"), int(found[name]["size"])

    @contextmanager
    def open(self, path: str, size: int) -> Iterator[OriginFile]:
        """Open a file for reading ranges; `size` is known from the manifest and saves a question."""
        from fsspec.implementations.local import LocalFileSystem

        below = self._below(path)
        stream: Any
        with self._faults(path):
            if isinstance(self._fs, LocalFileSystem):
                stream = Path(below).open("rb")  # noqa: SIM115
            else:
                # No read-ahead: blocks are asked for whole and in order.
                stream = self._fs.open(below, "rb", cache_type="none", size=size)
        try:
            yield OriginFile(stream, lambda: self._faults(path))
        finally:
            # A connection that broke cannot be closed either, and what was read is checked against its checksum anyway.
            with suppress(OSError):
                stream.close()
            if hasattr(stream, "_closed"):
                stream.closed = True  # else fsspec tries again, loudly, when it is collected

    def _below(self, path: str) -> str:
        return f"{self._root.rstrip('/')}/{path}" if path else self._root

    @contextmanager
    def _faults(self, path: str) -> Iterator[None]:
        name = join_url(self.url, path)
        try:
            yield
        except TimeoutError as error:
            raise OriginError(f"no answer within {self._timeout:.0f} s from {name}") from error
        except Exception as error:
            known = _explain(name, error)
            if known is None:
                raise
            raise known from error


class OriginFile:
    """An open file of an origin."""

    def __init__(self, stream: Any, faults: Callable[[], AbstractContextManager[None]]) -> None:
        self._stream = stream
        self._faults = faults

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`.

        Raises:
            OriginError: it failed, took too long, or the file is shorter.
        """
        with self._faults():
            self._stream.seek(offset)
            block = bytes(self._stream.read(length))
            if len(block) < length:
                raise EOFError(f"the file at the origin ends after {offset + len(block)} bytes")
            return block


def _explain(name: str, error: Exception) -> OriginError | None:
    """What an exception of a file system says of a file; None where it is none of theirs."""
    text = " ".join(str(error).split()) or type(error).__name__
    if is_untrusted(error):
        return OriginError(f"{name} {_UNTRUSTED}", lasting=True)
    systems = isinstance(error, (OSError, EOFError, ValueError))
    # kXR_NotFound: XRootD tells a missing file by this number alone.
    missing = systems and ("[3011]" in text or "No such file" in text)
    if missing or isinstance(error, FileNotFoundError) or getattr(error, "status", None) in (404, 410):
        return OriginError(f"the origin does not have {name}", lasting=True)
    if systems:
        return OriginError(f"{text} ({name})")
    if type(error).__module__.startswith(("aiohttp", "botocore", "fsspec")):
        return OriginError(f"{type(error).__name__}: {error} ({name})")
    return None


def is_untrusted(error: BaseException | None) -> bool:
    """Whether a certificate whose authority is not known here is behind an error; fsspec says that nothing is there."""
    while error is not None:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return True
        error = error.__cause__
    return False


def speaks_xrootd(host: str, port: int, timeout: float = 5) -> bool:
    """Whether an XRootD server answers its protocol's handshake there. False also where it refuses this machine.

    Raises:
        OSError: nobody listens, or no answer in time.
    """
    with socket.create_connection((host, port), timeout=timeout) as connection:
        try:
            connection.sendall(_HANDSHAKE)
            return len(connection.recv(16)) == 16
        except ConnectionResetError:
            return False


def probe_origin(url: str, timeout: float = 5) -> OriginState:
    """Ask an origin for its folder, in `timeout` seconds at most, also where a firewall swallows every packet."""
    found: list[OriginState] = []
    try:
        # Loading a client takes seconds of its own on a busy machine, which are not the origin's.
        filesystem = _find_filesystem(url, timeout)
    except InputError as error:
        return OriginState(False, error.faults[0].what)
    began = time.monotonic()
    # A thread of its own bounds what nothing else does: looking up the name.
    asking = threading.Thread(target=lambda: found.append(_ask(url, filesystem, timeout)), daemon=True)
    asking.start()
    asking.join(timeout)
    if not found:
        return OriginState(False, f"{url} did not answer within {timeout:g} s")
    state = found[0]
    return (
        OriginState(state.reachable, f"{state.detail} after {time.monotonic() - began:.1f} s")
        if state.reachable
        else state
    )


def _ask(url: str, filesystem: tuple[Any, str], timeout: float) -> OriginState:
    parts = urlsplit(url)
    try:
        if parts.scheme in _PORTS and parts.hostname and not _proxied(parts.scheme, parts.hostname):
            port = parts.port or _PORTS[parts.scheme]
            # A plain connection first: the XRootD client would try a closed port again and again.
            if parts.scheme not in ("root", "xroot"):
                socket.create_connection((parts.hostname, port), timeout=timeout).close()
            elif not speaks_xrootd(parts.hostname, port, timeout):
                return OriginState(False, f"{parts.hostname} answers on port {port}, but not as an XRootD server")
        fs, root = filesystem
        fs.info(root)
    except socket.gaierror:
        return OriginState(False, f"the name {parts.hostname} is not known here")
    except ConnectionRefusedError:
        return OriginState(False, f"{parts.hostname} refuses connections on port {parts.port or _PORTS[parts.scheme]}")
    except Exception as error:
        return _judge(url, error)
    return OriginState(True, f"{url} answers")


def _judge(url: str, error: Exception) -> OriginState:
    """What it means that an origin's folder could not be asked for."""
    if is_untrusted(error):
        return OriginState(False, f"{url} {_UNTRUSTED}")
    if not isinstance(error, FileNotFoundError):
        return OriginState(False, f"{url} did not answer: {' '.join(str(error).split()) or type(error).__name__}")
    # Web servers need not show folders; that this one answered is enough.
    if urlsplit(url).scheme in ("http", "https"):
        return OriginState(True, f"{url} answers")
    return OriginState(False, f"{url} is not there")


def _proxied(scheme: str, host: str) -> bool:
    from urllib.request import getproxies, proxy_bypass

    return scheme in ("http", "https") and scheme in getproxies() and not proxy_bypass(host)


def _find_filesystem(url: str, timeout: float) -> tuple[Any, str]:
    import fsspec

    if urlsplit(url).scheme in _XROOTD:
        for name, value in CLIENT_ENVIRONMENT.items():
            os.environ.setdefault(name, value)
    if "://" not in url:
        return fsspec.filesystem("file"), str(Path(url).expanduser().absolute())
    try:
        fs, root = fsspec.core.url_to_fs(url, **build_options(url, timeout=timeout))
    except ImportError as error:
        raise InputError(
            f"data.origin.url: reading {urlsplit(url).scheme}:// needs a package that is not installed ({error})",
            fix="install the package into LumiHub's environment"
            + (": .venv/bin/pip install s3fs" if url[:2] == "s3" else ""),
        ) from error
    except ValueError as error:
        raise InputError(
            f"data.origin.url: {url} cannot be read: {error}",
            fix="use root://, https://, s3:// or a folder of this machine",
        ) from error
    return fs, str(root)
