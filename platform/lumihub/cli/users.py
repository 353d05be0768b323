"""`./deploy.py users`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from lumihub.cli.options import Json, ValuesFile, Yes
from lumihub.cli.output import output
from lumihub.errors import InputError

_HELP = """Add, list and remove students' accounts.

Names are kept in small letters; each student gets a random password, shown this once:

    ./deploy.py users add marie.curie lise.meitner
    ./deploy.py users add --file class-10b.csv --json > passwords.json
"""
_Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="User names.")]
_PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", metavar="FILE", help="Take the password from this file in place of a random one."),
]


def register(app: typer.Typer) -> None:
    """Add the verb with its own verbs."""
    users = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode="rich")
    users.command("add")(_add)
    users.command("list")(_list)
    users.command("remove")(_remove)
    users.command("password")(_password)
    users.command("approve")(_approve)
    app.add_typer(users, name="users")


def _add(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="User names.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", metavar="FILE", help="A roster: a name a line, or CSV with name and, if you like, password."
        ),
    ] = None,
    password_file: _PasswordFile = None,
    values: ValuesFile = None,
    as_json: Json = False,
) -> None:
    """Give students accounts. Those who have one keep it, with their password."""
    from lumihub.operations.users import Account, add, check_names, read_roster
    from lumihub.settings import load_settings

    check_names(names or [])
    password = _read_password(password_file)
    accounts = [Account(name, password) for name in names or []] + (read_roster(file) if file else [])
    if not accounts:
        raise InputError("no names", fix="./deploy.py users add NAME..., or --file ROSTER")
    done = add(load_settings(values), accounts, output)
    if as_json:
        output.json([{"name": one.name, "password": one.password or None, "created": one.created} for one in done])
        return
    table = Table("Name", "Password", box=None, header_style="bold")
    for one in done:
        table.add_row(one.name, one.password if one.created else "(has an account already; unchanged)")
    output.table(table)
    if any(one.created for one in done):
        output.warn("passwords are shown this once; ./deploy.py users password NAME gives a new one")


def _list(values: ValuesFile = None, as_json: Json = False) -> None:
    """Show all accounts, who waits for approval, and whose server runs."""
    from lumihub.operations.users import find_all
    from lumihub.settings import load_settings

    accounts = find_all(load_settings(values))
    if as_json:
        output.json(accounts)
        return
    table = Table("Name", "May log in", "Server", "Last seen", box=None, header_style="bold")
    for account in accounts:
        approved = "administrator" if account["admin"] else "yes" if account["approved"] else "waits for approval"
        table.add_row(account["name"], approved, "running" if account["running"] else "", account["lastActivity"][:16])
    output.table(table)


def _remove(
    names: _Names,
    delete_home: Annotated[bool, typer.Option("--delete-home", help="Delete their notebooks too, for good.")] = False,
    yes: Yes = False,
    values: ValuesFile = None,
) -> None:
    """Remove accounts and stop their servers; homes stay unless --delete-home."""
    from lumihub.operations.users import remove
    from lumihub.settings import load_settings

    settings = load_settings(values)
    if not yes:
        homes = "and delete all their notebooks for good" if delete_home else "and keep their homes"
        typer.confirm(f"Remove {', '.join(names)} {homes}?", abort=True, err=True)
    remove(settings, names, output, delete_home=delete_home)
    output.step(f"removed {', '.join(names)}" + ("" if delete_home else "; the homes are kept"))


def _password(
    name: Annotated[str, typer.Argument(metavar="NAME", help="User name.")],
    password_file: _PasswordFile = None,
    values: ValuesFile = None,
    as_json: Json = False,
) -> None:
    """Give somebody a new password, and end their sessions."""
    from lumihub.operations.users import reset_password
    from lumihub.settings import load_settings

    password = reset_password(load_settings(values), name, _read_password(password_file))
    if as_json:
        output.json({"name": name, "password": password})
    else:
        output.result(f"{name}: {password}  (shown this once)")


def _approve(names: _Names, values: ValuesFile = None) -> None:
    """Let students in who signed up at the login page."""
    from lumihub.operations.users import approve
    from lumihub.settings import load_settings

    approve(load_settings(values), names)
    output.step(f"{', '.join(names)} may log in")


def _read_password(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        password = path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"--password-file: {path} can't be read: {error}", fix="name a file that holds one password"
        ) from error
    if not password:
        raise InputError(f"--password-file: {path} is empty", fix="write the password into it")
    return password
