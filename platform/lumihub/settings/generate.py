"""Writes the files that are made from the models: `python -m lumihub.settings.generate [--check]`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from lumihub.settings.rendering import (
    build_chart_values,
    build_example,
    build_reference,
    build_renamed,
    build_schema,
)

PROJECT = Path(__file__).parents[3]


def build_files() -> dict[str, str]:
    """What each generated file should hold, by its path in the project."""
    return {
        "values.example.yaml": build_example(),
        "docs/reference/values.md": build_reference(),
        "helm/lumihub/values.yaml": build_chart_values(),
        "helm/lumihub/files/renamed.yaml": build_renamed(),
        "helm/lumihub/values.schema.json": json.dumps(build_schema(), indent=2) + "\n",
    }


def write_files(files: dict[str, str], project: Path, *, check: bool) -> list[str]:
    """Bring generated files up to date.

    Args:
        files: what each should hold, by its path in the project.
        project: the folder of the project.
        check: write nothing.

    Returns:
        The files that were not up to date.
    """
    stale = []
    for name, text in files.items():
        path = project / name
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    return stale


def run(files: dict[str, str], module: str) -> None:
    """The command line of a generator: write its files, or with --check exit 1 when one is not up to date."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=f"Write {', '.join(files)}.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not up to date")
    check = parser.parse_args().check
    stale = write_files(files, PROJECT, check=check)
    for name in stale:
        sys.stderr.write(f"{name} is not up to date\n  fix: python -m {module}\n" if check else f"wrote {name}\n")
    sys.exit(1 if check and stale else 0)


if __name__ == "__main__":
    run(build_files(), "lumihub.settings.generate")
