"""The backend of one machine: JupyterHub, its proxy and the data cache as daemons, students' servers as processes."""

from __future__ import annotations

import os
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from lumihub.backend import Access, Outcome
from lumihub.data.access import build_access, cache_folder
from lumihub.data.cache import CacheFolders, ensure_cache_folders, find_cache_obstacle, find_xrootd
from lumihub.data.origins import OriginState, probe_origin
from lumihub.errors import InputError, LumiHubError
from lumihub.hub.client import HubClient
from lumihub.local import daemons, doctor, reporting
from lumihub.local.accounts import SystemAccounts
from lumihub.local.administrators import ensure_administrators
from lumihub.local.advice import build_advice
from lumihub.local.cgroups import find_hierarchy, remove_hierarchy
from lumihub.local.environment import ensure_environment, prune_environments
from lumihub.local.folder import explained_write_errors, find_closed_parent, find_state_folder
from lumihub.local.lock import exclusive
from lumihub.local.logs import log_size
from lumihub.local.parts import Installation, bracketed, build_cache, build_hub, build_proxy, build_warmer
from lumihub.local.ports import check_port, ensure_ports
from lumihub.local.processes import end_processes
from lumihub.local.secrets import ensure_secret
from lumihub.local.servers import find_servers
from lumihub.local.storage import ensure_database, ensure_routes
from lumihub.local.waiting import answers, wait_for_hub

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lumihub.backend import Finding, Plan, Status
    from lumihub.local.daemons import Daemon
    from lumihub.progress import Progress
    from lumihub.settings import Settings

_PROBE_SECONDS = 4.0


class LocalBackend:
    """Everything on this machine, without Kubernetes.

    Args:
        settings: the values file.
    """

    name = "local"
    # Whoever has just one machine sees at once what it does; the check is a verb of its own there.
    checks_up = False

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = find_state_folder(settings)

    @property
    def separate_accounts(self) -> bool:
        """Whether each student gets an account of this machine."""
        wanted = self.settings.local.accounts
        if wanted == "system" and os.geteuid() != 0:
            raise LumiHubError(
                "local.accounts: system accounts can be made by root alone",
                fix="run as root (sudo), or set local.accounts to auto",
            )
        return wanted != "shared" and os.geteuid() == 0

    @property
    def url(self) -> str:
        """What students type into their browser."""
        address = self.settings.proxy.address
        return self._url(_own_address() if address in ("0.0.0.0", "::") else address)  # noqa: S104

    def access(self) -> Access:
        """How the tool reaches the running hub, by the shortest way.

        Raises:
            LumiHubError: it is not running, or belongs to another account.
        """
        if daemons.find_running(self.folder, "hub") is None:
            raise LumiHubError("the hub is not running", where=str(self.folder.root), fix="./deploy.py up")
        with explained_write_errors(self.folder.root):
            return self._access((self.folder.secrets / "tool_token").read_text(encoding="utf-8").strip())

    def up(self, progress: Progress) -> Outcome:
        """Bring everything to the state that the settings ask for, and wait until the hub answers."""
        self._check_settings()
        self.folder.ensure()
        with exclusive(self.folder.run / "lock", "./deploy.py up", progress):
            return self._up(progress)

    def describe_target(self) -> str:
        """Nothing: there is only this machine."""
        return ""

    def find_surprises(self) -> tuple[str, ...]:
        """None: there is only this machine."""
        return ()

    def plan(self, progress: Progress) -> Plan:  # noqa: ARG002
        """Not on one machine.

        Raises:
            InputError: always; says what to do instead.
        """
        raise InputError(
            "plan shows what would change on a cluster, and this is one machine",
            fix="./deploy.py validate shows what the values file amounts to; ./deploy.py up says what it did",
        )

    def rollback(self, revision: int | None, progress: Progress) -> Outcome:  # noqa: ARG002
        """Not on one machine.

        Raises:
            InputError: always; says what to do instead.
        """
        raise InputError(
            "rollback goes back to an earlier version on a cluster, and this is one machine",
            fix="bring back the earlier values file or version of this folder (git checkout), then: ./deploy.py up",
        )

    def status(self) -> Status:
        """How everything is, without changing anything."""
        return reporting.find_status(self.settings, self.folder, self.url, self._find_access())

    def logs(self, parts: Sequence[str], *, follow: bool, lines: int) -> Iterator[str]:
        """The last lines of the parts' logs (a student's by the student's name), then, with `follow`, each new one."""
        return reporting.read_logs(self.folder, parts, follow=follow, lines=lines)

    def doctor(self, progress: Progress) -> tuple[Finding, ...]:
        """Try what the platform needs from this machine."""
        return doctor.examine(self.settings, self.folder, progress, separate_accounts=self.separate_accounts)

    def down(self, progress: Progress, *, delete_data: bool) -> tuple[str, ...]:
        """Stop everything; homes and data stay unless `delete_data`."""
        if not self.folder.root.exists():
            return ()
        self.folder.ensure()
        with exclusive(self.folder.run / "lock", "./deploy.py down", progress):
            stopped = self._stop_all(progress)
            if delete_data:
                stopped += self._delete_all(progress)
        return tuple(stopped)

    def _up(self, progress: Progress) -> Outcome:
        changes: list[str] = []
        with ThreadPoolExecutor(1) as pool:
            probing = pool.submit(self._probe_origin)
            environment = ensure_environment(progress, open_to_all=self.separate_accounts)
            origin = probing.result()
        if environment.built:
            changes.append(f"made a Python environment that students' accounts can use ({environment.prefix})")
        notes, simulated = self._choose_data(origin)
        hub_runs, proxy_runs = (daemons.find_running(self.folder, part) is not None for part in ("hub", "proxy"))
        with explained_write_errors(self.folder.root):
            token = ensure_secret(self.folder.secrets / "tool_token")
            installation = Installation(
                settings=self.settings,
                folder=self.folder,
                environment=environment,
                ports=ensure_ports(self.folder.run / "ports.json", hub_runs=hub_runs, proxy_runs=proxy_runs),
                access=build_access(self.settings, self.folder.data, simulated=simulated),
                separate_accounts=self.separate_accounts,
                proxy_password=ensure_secret(self.folder.secrets / "proxy_password"),
            )
        client = HubClient(self._access(token), timeout=30)
        changes += self._ensure_parts(installation, client, progress)
        with explained_write_errors(self.folder.root):
            made = ensure_administrators(client, self.settings.auth.admins, self.folder.secrets)
        changes += [f"made the administrator's account {name}" for name, _ in made]
        if self.separate_accounts:
            prune_environments(environment.prefix)
        first = next(iter(made), None)
        notes += [f"the first password of {name} is in {self.folder.secrets / name}.password" for name, _ in made[1:]]
        return Outcome(self.url, tuple(changes), first, tuple(notes + self._notes()))

    def _ensure_parts(self, installation: Installation, client: HubClient, progress: Progress) -> list[str]:
        wanted: list[Daemon] = [build_proxy(installation), build_hub(installation)]
        cache = self._build_cache(installation)
        warmer = build_warmer(installation, cache.user) if cache else None
        wanted += [part for part in (cache, warmer) if part]
        offsets = {part: log_size(self.folder.logs / f"{part}.log") for part in reporting.PARTS}
        changes = [] if cache else self._stop_part("cache")
        changes += [] if warmer else self._stop_part("warmer")
        for daemon in wanted:
            changes += self._ensure_part(daemon, progress)
        if changes:
            wait_for_hub(client, self.folder, offsets, progress)
        elif not answers(client):
            changes += self._restart(wanted[1], "restarted the hub, which did not answer", progress)
            wait_for_hub(client, self.folder, offsets, progress)
        return changes

    def _ensure_part(self, daemon: Daemon, progress: Progress) -> list[str]:
        running = daemons.find_running(self.folder, daemon.name)
        if running and running.fingerprint == daemon.fingerprint:
            return []
        return self._restart(daemon, f"{'restarted' if running else 'started'} the {daemon.name}", progress)

    def _restart(self, daemon: Daemon, what: str, progress: Progress) -> list[str]:
        self.folder.check_space()
        daemons.stop(self.folder, daemon.name, daemon.stop_seconds)
        if daemon.name == "proxy":
            check_port("proxy.port", self.settings.proxy.address, self.settings.proxy.port)
            ensure_routes(self.folder)
        if daemon.name == "cache":
            check_port("data.cache.port", "0.0.0.0", self.settings.data.cache.port)  # noqa: S104
        if daemon.name == "hub":
            ensure_database(self.folder)
        daemons.start(self.folder, daemon)
        progress.step(what)
        return [what]

    def _stop_part(self, name: str) -> list[str]:
        return [f"stopped the {name}"] if daemons.stop(self.folder, name) else []

    def _build_cache(self, installation: Installation) -> Daemon | None:
        xrootd = find_xrootd()
        if installation.access.mode != "cache" or installation.access.release == "simulated" or xrootd is None:
            return None
        folders = CacheFolders(data=cache_folder(self.folder.data), run=self.folder.cache / "run")
        user = None
        if self.separate_accounts:
            user = self._accounts().ensure_service("cache")
        with explained_write_errors(self.folder.data):
            ensure_cache_folders(folders, user=user)
        return build_cache(installation, xrootd, folders, user)

    def _choose_data(self, origin: OriginState) -> tuple[list[str], bool]:
        data = self.settings.data
        notes = []
        obstacle = find_cache_obstacle(data.origin.url) if data.mode == "cache" else None
        if obstacle:
            notes.append(f"data.mode: no cache, students read straight from the origin: {obstacle}")
        if origin.reachable:
            return notes, False
        if data.offline == "fail":
            raise LumiHubError(
                f"data.origin.url: {origin.detail}",
                fix="check the network, or set data.offline to simulated to start with the built-in simulated sample",
            )
        if data.mode == "cache" and not obstacle and any(cache_folder(self.folder.data).rglob("*.cinfo")):
            return [
                *notes,
                f"the origin does not answer ({origin.detail}); what the cache holds can still be read",
            ], False
        why = f"the origin does not answer ({origin.detail})"
        return [f"{why}: students read the built-in simulated sample, not ATLAS data; `up` looks again"], True

    def _probe_origin(self) -> OriginState:
        if self.settings.data.mode == "mirror":
            return OriginState(True, "not needed: the mirror is on this machine")
        return probe_origin(self.settings.data.origin.url, _PROBE_SECONDS)

    def _check_settings(self) -> None:
        https = self.settings.proxy.https
        if https.enabled and https.manual is None:
            raise LumiHubError(
                "proxy.https.manual: https:// needs a certificate",
                fix="name key and cert there, or set enabled to false",
            )
        for key, path in (
            (("key", https.manual.key), ("cert", https.manual.cert)) if https.manual and https.enabled else ()
        ):
            if not path.is_file():
                raise LumiHubError(f"proxy.https.manual.{key}: there is no file {path}", fix="name the PEM file")
        if not self.separate_accounts:
            return
        closed = find_closed_parent(self.folder.root.parent)
        if closed:
            raise LumiHubError(
                f"local.folder: students' accounts can't pass through {closed}, so they would not reach their homes",
                fix=f"name a folder elsewhere, as /var/lib/lumihub, or type: chmod o+x {closed}",
            )
        lessons = self.settings.lessons.folder
        closed = find_closed_parent(lessons) if lessons else None
        if closed:
            raise LumiHubError(
                f"lessons.folder: students' accounts can't pass through {closed}, so they would not get the lessons",
                fix=f"name a folder that all may read, as /srv/lessons, or type: chmod o+x {closed}",
            )

    def _notes(self) -> list[str]:
        hierarchy = find_hierarchy(self.folder.identity)
        return build_advice(
            self.settings.proxy,
            separate_accounts=self.separate_accounts,
            limits_enforced=hierarchy is not None and hierarchy.limits_memory,
        )

    def _stop_all(self, progress: Progress) -> list[str]:
        stopped = self._stop_part("hub")
        servers = find_servers(self.folder)
        if servers:
            with progress.task(f"Stopping students' servers ({len(servers)} processes)"):
                end_processes(lambda: find_servers(self.folder), 5)
            stopped.append("stopped students' servers")
        hierarchy = find_hierarchy(self.folder.identity)
        if hierarchy:
            remove_hierarchy(hierarchy)
        return [*stopped, *(line for part in ("proxy", "warmer", "cache") for line in self._stop_part(part))]

    def _delete_all(self, progress: Progress) -> list[str]:
        if os.geteuid() == 0:
            accounts = self._accounts()
            with progress.task("Removing students' accounts", total=len(accounts.students())) as task:
                for student in accounts.students():
                    accounts.remove(student, delete_home=True)
                    task.advance()
        shutil.rmtree(self.folder.data, ignore_errors=True)
        shutil.rmtree(self.folder.root)
        return [f"deleted accounts, homes and data ({self.folder.root})"]

    def _accounts(self) -> SystemAccounts:
        return SystemAccounts(self.settings.local.account_prefix, self.folder.homes, self.folder.hub / "accounts.json")

    def _find_access(self) -> Access | None:
        try:
            return self.access()
        except LumiHubError:
            return None

    def _access(self, token: str) -> Access:
        address = self.settings.proxy.address
        return Access(self._url({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)), token)  # noqa: S104

    def _url(self, address: str) -> str:
        scheme, usual = ("https", 443) if self.settings.proxy.https.enabled else ("http", 80)
        port = self.settings.proxy.port
        return f"{scheme}://{bracketed(address)}{'' if port == usual else f':{port}'}/"


def _own_address() -> str:
    """The address by which the network knows this machine; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            address: str = probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"
    return address
