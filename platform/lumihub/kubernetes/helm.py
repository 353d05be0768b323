"""Helm's program: found, new enough, run by argument lists, its failures put into words."""

from __future__ import annotations

import contextlib
import ctypes
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from lumihub.errors import LumiHubError
from lumihub.process import find_program, run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

OLDEST = (3, 18)
_INSTALL = "install Helm 4 (https://helm.sh/docs/intro/install) and type the same command again"
_QUICK_SECONDS = 120.0
_PR_SET_PDEATHSIG = 1  # of linux/prctl.h


@dataclass(frozen=True, slots=True)
class HelmResult:
    """What helm left behind."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass
class HelmProcess:
    """Helm at work on a release, in a process group of its own so that Ctrl-C reaches us first.

    Attributes:
        process: the program.
        result: what it left behind, None while it works.
    """

    process: subprocess.Popen[str]
    values: str
    result: HelmResult | None = None
    _reading: threading.Thread | None = field(default=None, repr=False)

    def begin(self) -> None:
        """Hand over the values and read what it says."""
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, at the latest after `seconds`."""
        if self._reading is not None:
            self._reading.join(seconds)
        return self.result is not None

    def interrupt(self) -> None:
        """Ask it to stop: it then takes back what it did (that is what an atomic release means)."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once; the release then stays pending, which the next call mends."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.wait(10)

    def _read(self) -> None:
        stdout, stderr = self.process.communicate(self.values)
        self.result = HelmResult(self.process.returncode, stdout, stderr)


@dataclass(frozen=True, slots=True)
class Helm:
    """The program.

    Attributes:
        program: its path.
        version: as in 3.18.6.
    """

    program: Path
    version: str

    @property
    def major(self) -> int:
        """3 or 4: some options have other names."""
        return int(self.version.partition(".")[0])

    def ask(self, arguments: Sequence[str], values: dict[str, Any] | None = None) -> HelmResult:
        """Run it to its end; for what reads, not for what waits for pods.

        Args:
            arguments: those after `helm`.
            values: for `-f -`.
        """
        text = "" if values is None else yaml.safe_dump(values)
        done = run([self.program, *arguments], timeout=_QUICK_SECONDS, check=False, input_text=text)
        return HelmResult(done.exit_code, done.stdout, done.stderr)

    def read(self, arguments: Sequence[str], values: dict[str, Any] | None = None) -> str:
        """What it prints.

        Raises:
            LumiHubError: it failed; why, and what to type.
        """
        result = self.ask(arguments, values)
        if result.exit_code != 0:
            raise explain_failure(result.stderr)
        return result.stdout

    def start(self, arguments: Sequence[str], values: dict[str, Any] | None = None) -> HelmProcess:
        """Begin what takes its time. Values may hold secrets: they go by a pipe, never by a file or an argument."""
        process = subprocess.Popen(
            [str(self.program), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
        started = HelmProcess(process, "" if values is None else yaml.safe_dump(values))
        started.begin()
        return started


def _end_with_parent() -> None:
    """Runs in the child: a helm whose `up` was killed must not go on beside the next one, which mends the release."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def find_helm() -> Helm:
    """The helm of this machine.

    Raises:
        LumiHubError: it is missing or too old.
    """
    program = find_program("helm")
    if program is None:
        raise LumiHubError("helm is not installed", fix=_INSTALL)
    words = run([program, "version", "--short"], timeout=30).stdout
    return Helm(program, check_version(words, program))


def check_version(words: str, program: Path) -> str:
    """The version in what `helm version --short` prints, as in 3.18.6.

    Raises:
        LumiHubError: it is too old, or not helm's.
    """
    found = re.search(r"v(\d+)\.(\d+)(\.\d+)?", words)
    if not found:
        raise LumiHubError(f"this does not look like Helm: {words.strip()[:80]}", where=str(program), fix=_INSTALL)
    version = found[0].removeprefix("v")
    if (int(found[1]), int(found[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise LumiHubError(f"helm {version} is too old: {oldest} or newer is needed", where=str(program), fix=_INSTALL)
    return version


# What helm says -> what that means, and what to type.
_MEANINGS = (
    (
        r"another operation \(install/upgrade/rollback\) is in progress",
        "an earlier change of the release was not finished",
        "./deploy.py up, which mends it",
    ),
    (
        r"(\w+) \"([\w.-]+)\" in namespace \"([\w-]*)\" exists and cannot be imported",
        "{0} {1} in the namespace {2} was made by somebody else, so Helm does not touch it",
        "choose another kubernetes.namespace and kubernetes.usersNamespace, or remove that object",
    ),
    (
        r"execution error at \(([^)]*)\): (.*)",
        "the chart refuses the values: {1}",
        "change the values file, then type: ./deploy.py validate",
    ),
    (
        r"(?s)values don't meet the specifications of the schema\(s\).*?:\s*(.*)",
        "the chart's schema refuses the values: {0}",
        "./deploy.py validate",
    ),
    (
        r"(?i)kubernetes cluster unreachable: (.*)",
        "helm does not reach the cluster: {0}",
        "./deploy.py doctor",
    ),
    (
        r"(?i)User \"([^\"]*)\" cannot (\w+) resource \"([^\"]*)\"(?: in API group \"[^\"]*\")?",
        "the account {0} lacks the right to {1} {2}",
        "ask whoever runs the cluster for it; ./deploy.py doctor lists all that are needed",
    ),
)


def explain_failure(stderr: str) -> LumiHubError:
    """Helm's last words as an error that says what to type."""
    said = "\n".join(line for line in stderr.splitlines() if not re.match(r"WARNING|level=WARN|I\d{4} ", line)).strip()
    for pattern, meaning, fix in _MEANINGS:
        found = re.search(pattern, said)
        if found:
            words = [" ".join((group or "").split()) for group in found.groups()]
            return LumiHubError(meaning.format(*words), where="helm", fix=fix)
    last = " ".join(said.split())[-600:]
    return LumiHubError(f"helm failed: {last or 'it said nothing'}", where="helm", fix="./deploy.py doctor")


def means_timeout(stderr: str) -> bool:
    """Whether helm gave up waiting, or was told to: the reason is then with the pods, not with helm."""
    pattern = r"(?i)deadline exceeded|timed out waiting|not ready|context canceled|has been cancelled|would exceed"
    return re.search(pattern, stderr) is not None
