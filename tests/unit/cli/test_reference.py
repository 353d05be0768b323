from typing import Annotated

import typer

from lumihub.cli.main import VERBS
from lumihub.cli.reference import build_files, build_reference
from lumihub.settings.generate import PROJECT


def test_the_page_is_up_to_date():
    for name, text in build_files().items():
        assert (PROJECT / name).read_text() == text, "fix: python -m lumihub.cli.reference"


def test_every_verb_has_a_section():
    (page,) = build_files().values()
    for verb in VERBS:
        assert f"\n## {verb}\n" in page


def test_a_group_of_verbs_is_rendered_with_its_arguments_and_options():
    data = typer.Typer(help="Open [bold]data[/bold].")

    @data.command("fetch")
    def fetch(
        samples: Annotated[list[str], typer.Argument(help="Which | what.")],
        to: Annotated[str, typer.Option("--to", "-t", metavar="FOLDER", help="Where to.")] = "here",
        again: Annotated[bool, typer.Option("--again/--once", help="Twice.")] = True,
        tag: Annotated[list[str] | None, typer.Option("--tag", help="A tag.")] = None,
        secret: Annotated[str, typer.Option("--secret", hidden=True)] = "",
    ) -> None:
        """Fetch [bold]files[/bold] [y/N].

        Over
        lines.
        """

    app = typer.Typer()
    app.callback()(lambda: None)
    app.add_typer(data, name="data")
    page = build_reference(typer.main.get_command(app))
    assert (
        page.partition("\n## data")[2]
        == """

Open data.

### data fetch

Fetch files [y/N].

Over lines.

```
./deploy.py data fetch SAMPLES... [OPTIONS]
```

| Option | Meaning |
|---|---|
| `SAMPLES...` | Which \\| what. |
| `--to FOLDER`, `-t FOLDER` | Where to. Default: `here`. |
| `--again`, `--once` | Twice. |
| `--tag TAG` | A tag. May be repeated. |
"""
    )
