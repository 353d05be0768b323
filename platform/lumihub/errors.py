"""What went wrong, where, and what to type: the one family of errors that users see.

Rooms raise these; only `cli` catches them, prints them and exits.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar


class ExitCode(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 2


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        what: one sentence, beginning with the path of the key or the name of the thing.
        where: file and line, or empty.
        hint: a nearby name that may have been meant, or empty.
        fix: what to change or type next, or empty.
    """

    what: str
    where: str = ""
    hint: str = ""
    fix: str = ""

    def __str__(self) -> str:
        lines = [f"error: {self.what}"]
        if self.where:
            lines.append(f"  in {self.where}")
        if self.hint:
            lines.append(f"  did you mean {self.hint}?")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)


class LumiHubError(Exception):
    """Something did not work; the base of all errors that LumiHub raises on purpose.

    Args:
        what: one sentence that says what is wrong.
        where: the file and line, the program or the address it is about.
        hint: a nearby name that may have been meant.
        fix: what to type or change.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, what: str, *, where: str = "", hint: str = "", fix: str = "") -> None:
        self.faults: tuple[Fault, ...] = (Fault(what, where, hint, fix),)
        super().__init__(what)

    def __str__(self) -> str:
        return "\n\n".join(str(fault) for fault in self.faults)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in a notebook, in place of a traceback."""
        return str(self).splitlines()

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the faults, so that errors raised in Dask workers arrive whole."""
        return (_rebuild, (type(self), self.faults))


class InputError(LumiHubError):
    """What the user gave is wrong: a key, a file, an argument."""

    exit_code = ExitCode.BAD_INPUT

    @classmethod
    def from_faults(cls, faults: list[Fault]) -> InputError:
        """All faults of one file at once."""
        return _rebuild(cls, tuple(faults))


Kind = TypeVar("Kind", bound=LumiHubError)


def _rebuild(kind: type[Kind], faults: tuple[Fault, ...]) -> Kind:
    error = kind.__new__(kind)
    Exception.__init__(error, faults[0].what)
    error.faults = faults
    return error
