"""Options that several verbs share, so that they mean and read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ValuesFile = Annotated[
    Path | None,
    typer.Option(
        "--values",
        "-f",
        metavar="FILE",
        help="The values file. Without it: values.yaml in this folder where there is one, else the defaults.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for scripts.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
