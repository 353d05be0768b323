"""Starts each student's server on this machine, as that student's account, within limits, and ends all of it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner
from jupyterhub.utils import can_connect
from traitlets import Bool, Integer, Unicode, default

from lumihub.errors import LumiHubError
from lumihub.local import launcher
from lumihub.local.accounts import Account, Accounts, SharedAccount, SystemAccounts
from lumihub.local.cgroups import MOST_TASKS, Group, Limits, find_hierarchy
from lumihub.local.logs import open_log, rotate
from lumihub.local.processes import ProcessId, end_processes, find_by_environment, find_by_user, find_process
from lumihub.local.servers import SERVER_MARK

_POLITE_SECONDS = 10.0
# A server takes two or three seconds until it listens, in a class that starts together some more.
_WATCHED_SECONDS = 60.0
_LOOK_SECONDS = 0.1


class ServerEndedError(LumiHubError):
    """A student's server ended where it should have begun; the hub's page shows the message."""

    def __init__(self, status: int, name: str) -> None:
        how = f"exit code {status}" if status >= 0 else f"signal {-status}"
        what, fix = f"it ended right after its start ({how})", f"./deploy.py logs {name}"
        super().__init__(what, fix=fix)
        self.jupyterhub_message = f"{what}. An administrator sees its last words by {fix}."


class LocalSpawner(LocalProcessSpawner):
    """A student's server as a process of its own session, which outlives the hub."""

    separate_accounts = Bool(False, config=True, help="Each student runs as an account of their own; needs root.")
    account_prefix = Unicode("lh-", config=True, help="What names of students' accounts begin with.")
    homes = Unicode(config=True, help="Folder of the homes.")
    register = Unicode(config=True, help="File that remembers students' user ids.")
    logs = Unicode(config=True, help="Folder of the servers' logs.")
    identity = Unicode(config=True, help="Tells this installation from others of this machine.")
    started = Integer(0, help="Clock ticks at which the server's process started.")

    delete_home = False
    """Set by the accounts API when the home is to go with the student."""

    @default("env_keep")
    def _env_keep_default(self) -> list[str]:
        proxies = [name for word in ("http_proxy", "https_proxy", "no_proxy") for name in (word, word.upper())]
        return ["LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", *proxies]

    @property
    def accounts(self) -> Accounts:
        """Where the student's account comes from."""
        if self.separate_accounts:
            return SystemAccounts(self.account_prefix, Path(self.homes), Path(self.register))
        return SharedAccount(Path(self.homes))

    @property
    def mark(self) -> str:
        """What every process of this server has in its environment."""
        return f"{self.identity}:{self.user.name}"

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """Nothing here: `start` adds what depends on the account, after having made it."""
        return env

    async def start(self) -> tuple[str, int]:
        """Make the account and the home where they are missing, and start the server."""
        account = await asyncio.to_thread(self.accounts.ensure, self.user.name)
        # Whatever an earlier server left behind would keep memory, and could pose as the new one.
        await asyncio.to_thread(self._kill_all)
        # A new one each time: the last one may be somebody else's by now.
        port = _free_port()
        self.port = port
        group = self._group()
        if group:
            group.ensure(Limits(self.mem_limit, self.cpu_limit))
        log_path = Path(self.logs) / f"{account.home.name}.log"
        rotate(log_path)
        with open_log(log_path) as log:
            self.proc = subprocess.Popen(
                [*self._launcher(account, group), "--", *self.cmd, *self.get_args()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**self.get_env(), **self._account_environment(account)},
                start_new_session=True,
            )
        self.pid = self.proc.pid
        process = find_process(self.pid)
        self.started = process.started if process else 0
        self.log.info("Server of %s is process %i (%s), log %s", self.user.name, self.pid, account.name, log_path)
        await self._watch_start(self.proc, port)
        return ("127.0.0.1", port)

    async def _watch_start(self, server: subprocess.Popen[bytes], port: int) -> None:
        """Wait until the server listens. JupyterHub waits minutes for the answer of one that has ended long ago."""
        deadline = time.monotonic() + _WATCHED_SECONDS
        while not can_connect("127.0.0.1", port) and time.monotonic() < deadline:
            if (status := server.poll()) is not None:
                raise ServerEndedError(status, self.user.name)
            await asyncio.sleep(_LOOK_SECONDS)

    async def poll(self) -> int | None:
        """None while the server runs, else its exit code (0 where it is not known)."""
        pid = self.pid
        if self.proc is None and pid and find_process(pid) != ProcessId(pid, self.started):
            self.clear_state()
        status = await super().poll()
        if status is None:
            return None
        if pid:
            # A server that died by itself leaves kernels, workers, or a fork bomb.
            await asyncio.to_thread(self._kill_all)
        return int(status)

    async def stop(self, now: bool = False) -> None:
        """End the server and everything that was started in it: kernels, terminals, workers."""
        server = ProcessId(self.pid, self.started)
        if self.pid and not now:
            await asyncio.to_thread(end_processes, lambda: [server] if server.alive() else [], _POLITE_SECONDS)
        await asyncio.to_thread(self._kill_all)
        await self.poll()

    def load_state(self, state: dict[str, Any]) -> None:
        """Find the server again after the hub was restarted."""
        super().load_state(state)
        self.started = state.get("started", 0)

    def get_state(self) -> dict[str, Any]:
        """What it takes to find the server again."""
        state: dict[str, Any] = super().get_state()
        if self.pid:
            state["started"] = self.started
        return state

    def clear_state(self) -> None:
        """Forget the server."""
        super().clear_state()
        self.started = 0

    async def delete_forever(self) -> None:
        """Remove the student's account of this machine; called when the student is deleted."""
        await asyncio.to_thread(self._kill_all)
        await asyncio.to_thread(self.accounts.remove, self.user.name, delete_home=self.delete_home)
        if self.delete_home:
            for log in Path(self.logs).glob(f"{self.accounts.home(self.user.name).name}.log*"):
                log.unlink()

    def _group(self) -> Group | None:
        hierarchy = find_hierarchy(self.identity)
        return hierarchy.group(self.accounts.home(self.user.name).name) if hierarchy else None

    def _launcher(self, account: Account, group: Group | None) -> list[str]:
        words = [sys.executable, "-I", "-S", str(Path(launcher.__file__)), "--home", str(account.home)]
        if self.separate_accounts:
            # Where there are no control groups, this is what ends a fork bomb.
            words += ["--uid", str(account.uid), "--gid", str(account.uid), "--tasks", str(2 * MOST_TASKS)]
        for entrance in group.entrances if group else ():
            words += ["--join", str(entrance)]
        return words

    def _account_environment(self, account: Account) -> dict[str, str]:
        return {
            "HOME": str(account.home),
            "USER": account.name,
            "LOGNAME": account.name,
            "SHELL": "/bin/bash",
            "PATH": os.pathsep.join([str(Path(sys.prefix) / "bin"), "/usr/local/bin", "/usr/bin", "/bin"]),
            SERVER_MARK: self.mark,
        }

    def _kill_all(self) -> None:
        group = self._group()
        if group:
            group.kill()
        end_processes(self._find_processes, 0)

    def _find_processes(self) -> list[ProcessId]:
        if isinstance(self.accounts, SystemAccounts):
            uid = self.accounts.students().get(self.user.name)
            return [] if uid is None else find_by_user(uid)
        return find_by_environment(f"{SERVER_MARK}={self.mark}".encode())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
