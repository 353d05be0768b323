"""`init`: asks a few questions and writes a values file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lumihub.cli.options import Json, Yes
from lumihub.cli.output import output
from lumihub.compute.limits import memory_limit
from lumihub.errors import InputError
from lumihub.operations.init import (
    QUESTIONS,
    Question,
    build_values_file,
    describe_capacity,
    read_answer,
    read_answers,
    write_values_file,
)
from lumihub.settings.loading import VALUES_FILE

_DEFAULTS = {question.option: question.default for question in QUESTIONS}


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("init")(_init)


def _option(name: str, meaning: str) -> typer.models.OptionInfo:
    choices = next("|".join(question.choices) for question in QUESTIONS if question.option == name)
    words = f"{meaning} ({choices.replace('|', ', ')})" if choices else meaning
    option: typer.models.OptionInfo = typer.Option(
        name, help=f"{words}. Without it: {_DEFAULTS[name]}.", metavar="ANSWER"
    )
    return option


def _init(
    admin: Annotated[str | None, _option("--admin", "Name of the admin's account; several with commas")] = None,
    signup: Annotated[str | None, _option("--signup", "How students get accounts")] = None,
    listen: Annotated[str | None, _option("--listen", "Who connects, or an address of this machine")] = None,
    port: Annotated[str | None, _option("--port", "Port that browsers open")] = None,
    memory: Annotated[str | None, _option("--memory", "Most memory of one student's server, as in 2G")] = None,
    data_mode: Annotated[str | None, _option("--data-mode", "How data gets to the students")] = None,
    origin: Annotated[str | None, _option("--origin", "Where data comes from, or a URL or folder")] = None,
    file: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")] = VALUES_FILE,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Ask a few questions and write a values file.

    On a terminal it asks what no option answers; Enter takes the default. With --yes, or without a terminal, it asks
    nothing. An existing file stays, unless you agree or give --force.
    """
    given = {
        "--admin": admin,
        "--signup": signup,
        "--listen": listen,
        "--port": port,
        "--memory": memory,
        "--data-mode": data_mode,
        "--origin": origin,
    }
    texts = {option: text for option, text in given.items() if text is not None}
    read_answers(texts)  # a wrong option is said before the first question
    asks = sys.stdin.isatty() and not yes
    replace = force or (asks and file.exists() and _agrees_to_replace(file))
    if file.exists() and not replace:
        raise InputError(
            f"{file} exists already", fix="keep it, name another with --output, or replace it with --force"
        )
    machine = memory_limit()
    if asks:
        texts |= _ask_all([question for question in QUESTIONS if question.option not in texts], machine)
    values = read_answers(texts)
    write_values_file(file, build_values_file(values, machine), replace=replace)
    if as_json:
        output.json({"file": str(file), "values": values})
        return
    output.step(f"wrote {file}: {describe_capacity(values['singleuser.memory.limit'], machine)}")
    output.say("next: ./deploy.py up" if file == VALUES_FILE else f"next: ./deploy.py up -f {file}")


def _agrees_to_replace(file: Path) -> bool:
    return output.ask(f"{file} exists. Replace it (yes or no)?", "no").lower() in {"y", "yes"}


def _ask_all(questions: list[Question], machine: int) -> dict[str, str]:
    output.say("Enter takes the answer in brackets.")
    try:
        return {question.option: _ask(question, machine) for question in questions}
    except EOFError as error:
        raise InputError(
            "the answers ended before the questions", fix="answer by options, or take defaults: --yes"
        ) from error


def _ask(question: Question, machine: int) -> str:
    output.say()
    for name, choice in question.choices.items():
        output.say(f"  {name:<13} {choice.meaning}")
    if question.key == "singleuser.memory.limit":
        output.say(f"  with {question.default}: {describe_capacity(question.default, machine)}")
    while True:
        text = output.ask(question.text, question.default)
        try:
            read_answer(question, text)
        except InputError as error:
            fault = error.faults[0]
            output.warn(fault.what + (f"; did you mean {fault.hint}?" if fault.hint else ""))
        else:
            return text
