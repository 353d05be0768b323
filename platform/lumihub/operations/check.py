"""`check`: acts as a student over HTTP, from the login page to the answers, and leaves nothing behind."""

from __future__ import annotations

import ast
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lumihub.analysis.questions import load_questions
from lumihub.errors import InputError, LumiHubError
from lumihub.hub.client import HubClient
from lumihub.hub.passwords import generate_password
from lumihub.operations.backends import pick_backend
from lumihub.operations.known_answers import Expectation, find_answer, find_differences, find_expectation
from lumihub.operations.student import Kernel, StudentSession

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lumihub.backend import Backend
    from lumihub.progress import Progress
    from lumihub.settings import Settings

LESSON = "01-higgs-to-four-leptons"
FOLDER = "lessons"
# Always the same few names: on one machine each costs a user id, which is never given to another name.
ACCOUNTS = tuple(f"lumihub-check-{number}" for number in range(1, 9))
# No check takes longer; an account of one that is older was left behind by a check that was killed.
LONGEST_SECONDS = 900.0
_CELL_SECONDS = 300.0
_REMOVAL_SECONDS = 60.0
_LOG_LINES = 12
_LOG_FIX = "look at the last lines of the logs, then type: ./deploy.py doctor"

# Asks the lesson's own variables what it found. It prints JSON, because nothing that a student's kernel sends may be
# unpickled by us.
_PROBE = """
import json as _json
from lumihub.data.access import DataAccess as _DataAccess
_result = globals().get("result")
print(_json.dumps({
    "release": _DataAccess.current().release,
    "mode": _DataAccess.current().mode,
    "result": _result.as_json() if hasattr(_result, "as_json") else None,
}))
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a student does, the seconds it took, and what came of it."""

    name: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class Failure:
    """Where the check ended before its time.

    Attributes:
        step: what was under way.
        error: what is wrong, and what to type.
        seen: what a student would see.
        log: the last lines that the parts concerned wrote.
    """

    step: str
    error: LumiHubError
    seen: str = ""
    log: tuple[str, ...] = ()


@dataclass
class Report:
    """What a check found.

    Attributes:
        url: the hub's address.
        lesson: path of the lesson in a student's home.
        steps: those that went well, in order.
        data: what the lesson has read, and where the known answers are from.
        failure: what went wrong, None when nothing did.
    """

    url: str
    lesson: str
    steps: list[Step] = field(default_factory=list)
    data: str = ""
    failure: Failure | None = None


class _SeenError(LumiHubError):
    """Something that a student would have seen, with what the page shows."""

    def __init__(self, what: str, *, seen: str, fix: str) -> None:
        super().__init__(what, fix=fix)
        self.seen = seen


def check(settings: Settings, lesson: str, progress: Progress) -> Report:
    """Do what a student does, compare the answers, and clean up whatever happens.

    Args:
        settings: the values file.
        lesson: file name of a lesson, with or without .ipynb.
        progress: hears of each step.

    Raises:
        LumiHubError: the hub does not run.
        InputError: there is no such lesson.
    """
    return act_as_student(pick_backend(settings), progress, lesson)


def act_as_student(backend: Backend, progress: Progress, lesson: str = LESSON) -> Report:
    """The same, where `up` has found the backend already."""
    return _Check(backend, lesson, progress).run()


def remove_leftovers(client: HubClient, older_than: float = LONGEST_SECONDS) -> list[str]:
    """Remove accounts of checks that were killed; returns their names.

    Args:
        client: of the hub.
        older_than: seconds since the account was made; younger ones may be at work.
    """
    now = datetime.now(UTC)
    left = [
        account["name"]
        for account in client.accounts()
        if account["name"] in ACCOUNTS
        and account["created"]
        and (now - datetime.fromisoformat(account["created"])).total_seconds() >= older_than
    ]
    for name in left:
        client.remove(name, delete_home=True)
    return left


class _Check:
    def __init__(self, backend: Backend, lesson: str, progress: Progress) -> None:
        access = backend.access()
        self._backend = backend
        self._client = HubClient(access)
        self._progress = progress
        self._deadline = time.monotonic() + LONGEST_SECONDS
        self._now = ""
        self._student = ""
        self._token = ""
        self.report = Report(access.url, f"{FOLDER}/{lesson.removesuffix('.ipynb')}.ipynb")

    def run(self) -> Report:
        password = generate_password()
        try:
            self._ensure_account(password)
            with StudentSession(self.report.url, self._student) as student:
                self._act(student, password)
        except InputError:
            raise
        except LumiHubError as error:
            self.report.failure = Failure(self._now, error, getattr(error, "seen", ""), self._find_log())
        finally:
            if self._student:
                self._remove_account()
        return self.report

    def _ensure_account(self, password: str) -> None:
        with self._step("account made") as said:
            left = remove_leftovers(self._client)
            if left:
                self._progress.step(f"removed what an earlier check left behind: {', '.join(left)}")
            taken = {account["name"] for account in self._client.accounts()}
            for name in ACCOUNTS:
                if name in taken:
                    continue
                # Before it is asked for, so that an interruption in between leaves nothing.
                self._student = name
                answer = self._client.begin(name, password)
                if answer["created"]:
                    self._token = answer["token"]
                    said.append(f"{name}, with a token, for people log in elsewhere" if self._token else name)
                    return
                self._student = ""  # another check was faster
            raise LumiHubError(
                f"{len(ACCOUNTS)} checks are at work already",
                fix=f"wait for them; what a killed one left goes after {LONGEST_SECONDS / 60:.0f} minutes",
            )

    def _act(self, student: StudentSession, password: str) -> None:
        if self._token:
            # The login page is another service's, with passwords that we can't make.
            student.enter(self._token)
        else:
            with self._step("logged in at the login page"):
                student.log_in(password)
        with self._step("server started") as said, self._progress.task("Starting the server") as task:
            try:
                student.start_server(self._patience(), lambda text: task.describe(f"Starting the server: {text}"))
            except LumiHubError as error:
                # The student's log goes with the account: its last lines are shown, and no verb finds it afterwards.
                raise _SeenError(error.faults[0].what, seen=error.faults[0].what, fix=_LOG_FIX) from error
            said.append("JupyterLab answers")
        with self._step(f"opened {self.report.lesson}") as said:
            cells = _find_cells(self._open(student))
            said.append(f"{len(cells)} cells of code")
        with self._step("kernel started"):
            kernel = student.open_notebook(self.report.lesson)
            kernel.run("pass", self._patience())
        try:
            self._work(kernel, cells)
        finally:
            kernel.close()
        with self._step("server stopped"):
            student.stop_server(self._patience())

    def _open(self, student: StudentSession) -> dict[str, Any]:
        folder, _, name = self.report.lesson.rpartition("/")
        there = [found for found in student.list_files(folder) if found.endswith(".ipynb")]
        if name not in there:
            raise InputError(f"--lesson: there is no lesson {name}", fix=f"name one of {', '.join(there)}")
        content: dict[str, Any] = student.read_file(self.report.lesson)
        return content

    def _work(self, kernel: Kernel, cells: Sequence[tuple[str, str]]) -> None:
        with self._step("every cell ran") as said:
            pictures = self._run_cells(kernel, cells)
            said.append(f"{pictures} picture{'' if pictures == 1 else 's'}")
        with self._step("result compared") as said:
            found = json.loads(kernel.run(_PROBE, self._patience()).text)
            expected, samples = self._compare(found)
            said.append(f"{len(expected.events)} counts as in {expected.source}" if expected.events else "none known")
        with self._step("questions answered") as said:
            said.append(self._answer(kernel, cells, expected, samples))

    def _run_cells(self, kernel: Kernel, cells: Sequence[tuple[str, str]]) -> int:
        pictures = 0
        with self._progress.task("Running the lesson", total=len(cells)) as task:
            for place, (name, source) in enumerate(cells, 1):
                task.describe(f"Running the lesson: {name}")
                try:
                    done = kernel.run(source, self._patience())
                except LumiHubError as error:
                    raise _cell_error(f"{place} of {len(cells)} ({name})", error.faults[0].what, source) from error
                if done.error:
                    raise _cell_error(f"{place} of {len(cells)} ({name})", done.error, source, done.traceback)
                pictures += done.images
                task.advance()
        if pictures == 0 and any("plot(" in source for _, source in cells):
            raise _SeenError("the lesson plots, and no picture came", seen="", fix=_LOG_FIX)
        return pictures

    def _compare(self, found: dict[str, Any]) -> tuple[Expectation, list[str]]:
        result = found["result"]
        samples = list(result["samples"]) if result else []
        expected = find_expectation(found["release"], result["analysis"] if result else None, samples)
        self.report.data = expected.label
        if found["release"] != "simulated":
            self.report.data += f", release {found['release']}, mode {found['mode']}"
        differences = find_differences(expected, result) if result else []
        if differences:
            raise _SeenError(
                f"the lesson's result differs from {expected.source}",
                seen="\n".join(differences),
                fix="./deploy.py data verify, which finds files that are not as published",
            )
        return expected, samples

    def _answer(
        self, kernel: Kernel, cells: Sequence[tuple[str, str]], expected: Expectation, samples: list[str]
    ) -> str:
        right, unknown = 0, []
        for name in _find_questions(cells):
            asked = load_questions().get(name)
            value = find_answer(asked, expected, samples) if asked else None
            if value is None:
                unknown.append(name)
                continue
            code = f"from lumihub.analysis.questions import answer as _answer\n_answer({name!r}, {value!r})"
            done = kernel.run(code, self._patience())
            if not done.text.startswith("✓"):
                raise _SeenError(
                    f"the lesson calls the right answer to {name} wrong: {value:g}",
                    seen=done.text or done.traceback,
                    fix=_LOG_FIX,
                )
            right += 1
        return f"{right} right" + (f"; no published answer to {', '.join(unknown)}" if unknown else "")

    def _patience(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise LumiHubError(f"the check took longer than {LONGEST_SECONDS:.0f} s", fix="./deploy.py status")
        return min(left, _CELL_SECONDS)

    @contextmanager
    def _step(self, name: str) -> Iterator[list[str]]:
        self._now, began, said = name, time.monotonic(), list[str]()
        yield said
        step = Step(name, round(time.monotonic() - began, 2), "".join(said))
        self.report.steps.append(step)
        self._progress.step(f"{name} ({step.seconds:.1f} s){': ' if step.detail else ''}{step.detail}")

    def _find_log(self) -> tuple[str, ...]:
        lines: list[str] = []
        for part in filter(None, (self._student, "hub")):
            try:
                said = list(self._backend.logs([part], follow=False, lines=_LOG_LINES))
            except LumiHubError:  # a student without a server has no log yet
                continue
            lines += [f"{part}: {line}" for line in said]
        return tuple(lines)

    def _remove_account(self) -> None:
        """Account, server, home and the machine's account; while a server is starting or stopping the hub says no."""
        began = time.monotonic()
        while True:
            try:
                self._client.remove(self._student, delete_home=True)
            except InputError:  # there is none: it was not made yet
                return
            except LumiHubError as error:
                if time.monotonic() - began > _REMOVAL_SECONDS:
                    self._progress.warn(
                        f"{self._student} could not be removed ({error.faults[0].what}); when the hub is well again,"
                        f" type: ./deploy.py users remove {self._student} --delete-home"
                    )
                    return
                time.sleep(1)
            else:
                step = Step("cleaned up", round(time.monotonic() - began, 2), "account, server and home are gone")
                self.report.steps.append(step)
                self._progress.step(f"{step.name} ({step.seconds:.1f} s): {step.detail}")
                return


def _cell_error(cell: str, what: str, source: str, traceback: str = "") -> _SeenError:
    return _SeenError(
        f"cell {cell} failed: {what}",
        seen=traceback or f"{source}\n\n{what}",
        fix="mend the lesson, or what it needs: ./deploy.py status, ./deploy.py data usage",
    )


def _find_cells(notebook: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and code of each cell of code."""
    cells = (cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    return [(cell.get("id", "?"), "".join(cell["source"])) for cell in cells]


def _find_questions(cells: Sequence[tuple[str, str]]) -> list[str]:
    """Names of the questions that the lesson asks, in order."""
    names = []
    for _, source in cells:
        try:
            tree = ast.parse(source)
        except SyntaxError:  # a cell with a line of IPython's own, as %time
            continue
        for node in ast.walk(tree):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "question"
            if called and node.args and isinstance(node.args[0], ast.Constant):  # type: ignore[attr-defined]
                names.append(str(node.args[0].value))  # type: ignore[attr-defined]
    return names
