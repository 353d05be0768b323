"""`validate`: every fault of a values file at once, or what the file amounts to."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from lumihub.cli.options import Json, ValuesFile
from lumihub.cli.output import output
from lumihub.errors import ExitCode, InputError
from lumihub.settings import load_settings
from lumihub.settings.loading import VALUES_FILE
from lumihub.settings.summary import build_summary

if TYPE_CHECKING:
    from pathlib import Path


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("validate")(_validate)


def _validate(values: ValuesFile = None, as_json: Json = False) -> None:
    """Find every fault of a values file.

    Each fault names the key, its line, what was probably meant and the fix. Nothing is changed and nothing is started.
    Exit code 0: valid; 2: faults.
    """
    file = values or (VALUES_FILE if VALUES_FILE.exists() else None)
    try:
        settings = load_settings(file, folders=True)
    except InputError as error:
        if not as_json:
            raise
        output.json({"file": _name(file), "valid": False, "faults": [asdict(fault) for fault in error.faults]})
        raise typer.Exit(ExitCode.BAD_INPUT) from error
    summary = build_summary(settings)
    if as_json:
        output.json({"file": _name(file), "valid": True, "faults": [], "summary": summary})
        return
    output.step(f"{file} is valid" if file else f"no {VALUES_FILE} in this folder: the defaults hold")
    for subject, words in summary.items():
        output.result(f"  {subject:<9} {words}")


def _name(file: Path | None) -> str | None:
    return str(file) if file else None
