"""The seam: what the verbs ask of a backend. `local` answers on this machine, `kubernetes` on a cluster.

Operations are written against this Protocol alone, so that nothing a user learns on one backend is wrong on the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lumihub.progress import Progress


class PartState(StrEnum):
    """How a part of the platform is."""

    RUNNING = "running"
    STARTING = "starting"
    STOPPED = "stopped"
    FAILED = "failed"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the platform: hub, proxy, cache...

    Attributes:
        name: the name that `logs PART` takes.
        state: how it is.
        detail: one line for people: process id, address, reason of a failure.
        memory: resident bytes of its processes, None where unknown.
    """

    name: str
    state: PartState
    detail: str = ""
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class Student:
    """A student's server as `status` shows it."""

    name: str
    running: bool
    last_activity: str = ""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """The demonstration cluster of a class.

    Attributes:
        instructor: name of the account that works with it.
        until: when it ends by itself, as `2026-11-26T15:30:00+00:00`.
        workers: that were asked for, of which `ready` are there.
    """

    instructor: str
    until: str
    workers: int
    ready: int

    def __str__(self) -> str:
        end = datetime.fromisoformat(self.until).astimezone()
        return f"{self.instructor}'s, until {end:%H:%M}, {self.ready} of {self.workers} workers"


@dataclass(frozen=True, slots=True)
class Status:
    """All that `status` prints."""

    url: str
    parts: tuple[Part, ...]
    students: tuple[Student, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    data: str = ""
    nightly: str = ""
    demonstration: Demonstration | None = None

    @property
    def healthy(self) -> bool:
        """Whether every part that is switched on runs."""
        return all(part.state in (PartState.RUNNING, PartState.OFF) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Finding:
    """What `doctor` found out about one thing, with the remedy when it is not well.

    Attributes:
        name: what was looked at.
        ok: whether it is well.
        detail: what was found, in one line.
        fix: what to change or type when it is not.
        stops_up: whether `up` can't work before it is mended; what is merely worse than it could be does not stop it.
    """

    name: str
    ok: bool
    detail: str
    fix: str = ""
    stops_up: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """How the tool itself reaches a running hub.

    Attributes:
        url: the public address, ending in a slash; what a browser opens.
        api_token: a hub API token with the rights of the tool (accounts, students' servers). Never printed.
    """

    url: str
    api_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `up` did.

    Attributes:
        url: the public address.
        changes: one line for each thing that was made, changed or started; empty when all was as wanted.
        admin_password: (account name, password) when this call made the admin account, so that it is shown just once.
        notes: what the admin should know, one sentence each.
    """

    url: str
    changes: tuple[str, ...]
    admin_password: tuple[str, str] | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What `up` would do to one object of a cluster.

    Attributes:
        action: `create`, `change`, `delete`, or `keep` for what is no longer wanted but holds people's work.
        kind: of the object, in Kubernetes' words.
        name: of the object.
        namespace: of the object; empty where it is in none, or in that of the release.
        diff: the lines that differ, each beginning with "+", "-", " " or "@@"; values of secrets are hidden.
    """

    action: Literal["create", "change", "delete", "keep"]
    kind: str
    name: str
    namespace: str = ""
    diff: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What `up` would do.

    Attributes:
        target: where, in one line.
        changes: object by object; empty when all is as wanted.
        effects: what people would notice, one sentence each.
    """

    target: str
    changes: tuple[Change, ...]
    effects: tuple[str, ...] = ()


class Backend(Protocol):
    """A place where the platform runs.

    Attributes:
        name: local or kubernetes.
        checks_up: whether `up` ends with a student's path by itself.
    """

    name: str
    checks_up: bool

    def describe_target(self) -> str:
        """Where the platform runs, in one line; nothing is asked for it."""

    def find_surprises(self) -> tuple[str, ...]:
        """What the admin may not have meant when typing `up`, one sentence each, to be asked about."""

    def plan(self, progress: Progress) -> Plan:
        """What `up` would change, touching nothing."""

    def rollback(self, revision: int | None, progress: Progress) -> Outcome:
        """Back to the version before the one that runs, or to a named one, and wait until the hub answers."""

    def up(self, progress: Progress) -> Outcome:
        """Bring everything to the state that the settings ask for, and wait until the hub answers."""

    def status(self) -> Status:
        """How everything is, without changing anything."""

    def access(self) -> Access:
        """How to reach the running hub.

        Raises:
            LumiHubError: it is not running.
        """

    def logs(self, parts: Sequence[str], *, follow: bool, lines: int) -> Iterator[str]:
        """The last lines of the logs of `parts` (all when empty), then, with `follow`, each new one."""

    def doctor(self, progress: Progress) -> tuple[Finding, ...]:
        """Try what the platform needs from its surroundings."""

    def down(self, progress: Progress, *, delete_data: bool) -> tuple[str, ...]:
        """Stop everything; homes and data stay unless `delete_data`. One line for each thing that was stopped."""
