"""Runs a builder and shows how far it is; its words are kept for the error."""

from __future__ import annotations

import re
import subprocess
from collections import deque
from typing import TYPE_CHECKING

from lumihub.environment.failures import explain_failure
from lumihub.errors import LumiHubError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lumihub.progress import Task

_KEPT_LINES = 40

# buildah and podman: "[2/5] STEP 3/4: RUN ...", docker: "#12 [core 3/3] RUN ...".
_STEPS = (
    re.compile(r"(?:\[(?P<stage>\d+/\d+)\] )?STEP (?P<step>\d+/\d+): (?P<word>[A-Z]+)"),
    re.compile(r"#\d+ \[(?P<stage>\S+)? ?(?P<step>\d+/\d+)\] (?P<word>[A-Z]+)"),
)


def describe_step(line: str) -> str | None:
    """What a builder's line says about the step that begins, for people; None for any other line."""
    for pattern in _STEPS:
        match = pattern.match(line)
        if match:
            stage = f"stage {match['stage']}, " if match["stage"] else ""
            return f"{stage}step {match['step']} {match['word']}"
    return None


def run_builder(words: Sequence[str], environment: Mapping[str, str], what: str, task: Task) -> str:
    """Run a builder to its end, showing each step beside the bar.

    Args:
        what: what it does, as it follows "could not": `build lab`.

    Returns:
        The last lines that it said.

    Raises:
        LumiHubError: it failed; says why in plain words where the cause is a known one, else in its own.
    """
    said: deque[str] = deque(maxlen=_KEPT_LINES)
    with subprocess.Popen(
        list(words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=dict(environment),
    ) as process:
        for line in process.stdout or ():
            said.append(line.rstrip())
            step = describe_step(line)
            if step:
                task.describe(f"{what}: {step}")
    text = "\n".join(line for line in said if line)
    if process.returncode != 0:
        raise explain_failure(text) or LumiHubError(
            f"could not {what}: {words[0]} ended with exit code {process.returncode}; its last words:\n{text}"
        )
    return text
