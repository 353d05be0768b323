"""The reference page of the command line, from the verbs themselves: `python -m lumihub.cli.reference [--check]`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import typer

from lumihub.cli.main import build_app
from lumihub.settings.generate import run

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """\
# Command line

<!-- Made from platform/lumihub/cli by `python -m lumihub.cli.reference`; change it there. -->

`./deploy.py VERB` from the project's folder; `.venv/bin/lumihub VERB` is the same program. Every verb has `--help`.

- **Exit codes**: 0 done, 1 failed, 2 bad input (a key, a file, an option).
- **Output**: results on stdout; steps, progress and errors on stderr; `--json`, where a verb has it, for scripts.
- **Colour** on a terminal only, and none when `NO_COLOR` is set.
- `--verbose`, anywhere, adds the traceback to an error. `--version` prints the version.
"""

# Only Rich's own words: help may show [KEY] or [y/N], which are no markup.
_MARKUP = re.compile(r"\[/?(?:bold|italic|dim|red|green|yellow|blue|cyan)\]")


def build_files() -> dict[str, str]:
    """What the generated file should hold, by its path in the project."""
    return {"docs/reference/cli.md": build_reference(typer.main.get_command(build_app()))}


def build_reference(program: Any) -> str:
    """The page in Markdown.

    Args:
        program: the command group that Typer builds of an app.
    """
    return _HEAD + "".join("\n" + "\n".join(_render_verb(command, name, "##")) for name, command in _commands(program))


def _commands(group: Any) -> Iterator[tuple[str, Any]]:
    return ((name, command) for name, command in group.commands.items() if not command.hidden)


def _render_verb(command: Any, path: str, heading: str) -> list[str]:
    lines = [f"{heading} {path}", ""]
    for paragraph in _paragraphs(command.help):
        lines += [paragraph, ""]
    below = dict(_commands(command)) if hasattr(command, "commands") else {}
    shown = [parameter for parameter in command.params if not parameter.hidden and parameter.name != "help"]
    arguments = [parameter for parameter in shown if parameter.param_type_name == "argument"]
    options = [parameter for parameter in shown if parameter.param_type_name == "option"]
    words = ["./deploy.py", path, *(_render_argument(argument) for argument in arguments)]
    if not below:
        lines += ["```", " ".join([*words, *(["[OPTIONS]"] if options else [])]), "```", ""]
    if shown:
        lines += ["| Option | Meaning |", "|---|---|"]
        lines += [f"| `{_render_argument(argument)}` | {_render_help(argument)} |" for argument in arguments]
        lines += [f"| {_render_option(option)} | {_render_help(option)} |" for option in options]
        lines.append("")
    for name, verb in below.items():
        lines += _render_verb(verb, f"{path} {name}", heading + "#")
    return lines


def _render_argument(argument: Any) -> str:
    name: str = argument.metavar or argument.name.upper()
    if name.startswith("["):
        return name
    repeated = f"{name}..." if argument.nargs == -1 else name
    return repeated if argument.required else f"[{repeated}]"


def _render_option(option: Any) -> str:
    value = "" if option.is_flag else f" {option.metavar or option.name.upper()}"
    return ", ".join(f"`{word}{value}`" for word in (*option.opts, *option.secondary_opts))


def _render_help(parameter: Any) -> str:
    words = [" ".join(_paragraphs(parameter.help))]
    if parameter.multiple:
        words.append("May be repeated.")
    # Options without a value of their own say in their help what holds without them.
    if (
        parameter.show_default
        and not getattr(parameter, "is_flag", False)
        and parameter.default not in (None, "", (), [])
    ):
        words.append(f"Default: `{parameter.default}`.")
    return " ".join(filter(None, words)).replace("|", "\\|")


def _paragraphs(text: str | None) -> list[str]:
    plain = _MARKUP.sub("", text or "")
    return [" ".join(paragraph.split()) for paragraph in plain.split("\n\n") if paragraph.strip()]


if __name__ == "__main__":
    run(build_files(), "lumihub.cli.reference")
