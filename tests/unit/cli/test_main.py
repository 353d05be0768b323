import subprocess
import sys
from types import ModuleType

import pytest
import typer

from lumihub import __version__
from lumihub.cli.main import VERBS, build_app
from lumihub.errors import InputError, LumiHubError

PROGRAM = typer.main.get_command(build_app())


def walk(command, path=""):
    yield path.strip(), command
    for name, below in getattr(command, "commands", {}).items():
        yield from walk(below, f"{path} {name}")


COMMANDS = {path: command for path, command in walk(PROGRAM) if path}


@pytest.fixture
def failing_verb(monkeypatch):
    """A verb that raises what the test gives it."""

    def add(error):
        def fail():
            raise error

        module = ModuleType("failing_verb")
        module.register = lambda app: app.command("fail", help="Fails.")(fail)
        monkeypatch.setitem(sys.modules, "failing_verb", module)
        monkeypatch.setitem(VERBS, "fail", ("failing_verb", "Fails."))

    return add


def test_every_verb_is_there():
    assert set(PROGRAM.commands) == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_says_of_itself_what_the_list_says(verb):
    """`lumihub --help` shows the list's line without loading the verb; its own help must not say something else."""
    own = " ".join((PROGRAM.commands[verb].help or "").split())
    assert own.startswith(VERBS[verb][1].removesuffix("."))


@pytest.mark.parametrize("path", COMMANDS)
def test_help_explains_every_verb_option_and_argument(path):
    command = COMMANDS[path]
    assert command.help
    silent = [parameter.name for parameter in command.params if not parameter.help and not parameter.hidden]
    assert silent == []


def test_help_lists_every_verb(lumihub):
    done = lumihub("--help")
    assert done.returncode == 0
    for verb in VERBS:
        assert f" {verb} " in done.stdout
    assert lumihub().stdout == done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_of_its_own(lumihub, verb):
    done = lumihub(verb, "--help")
    assert done.returncode == 0
    assert f"lumihub {verb}" in done.stdout


def test_the_version(lumihub):
    assert lumihub("--version").stdout == f"{__version__}\n"


def test_a_misspelt_verb_is_bad_input_with_a_suggestion(lumihub):
    done = lumihub("stauts")
    assert done.returncode == 2
    assert "No such command 'stauts'. Did you mean 'status'?" in " ".join(done.stderr.replace("│", " ").split())


def test_an_unknown_option_is_bad_input(lumihub):
    assert lumihub("validate", "--nope").returncode == 2


@pytest.mark.parametrize(
    ("error", "code"), [(LumiHubError("the hub died", fix="./deploy.py up"), 1), (InputError("x is wrong"), 2)]
)
def test_an_error_goes_to_stderr_without_a_traceback(lumihub, failing_verb, error, code):
    failing_verb(error)
    done = lumihub("fail")
    assert (done.returncode, done.stdout, done.stderr) == (code, "", f"{error}\n")


@pytest.mark.parametrize("arguments", [("--verbose", "fail"), ("fail", "--verbose")])
def test_verbose_anywhere_adds_the_traceback(lumihub, failing_verb, arguments):
    failing_verb(LumiHubError("the hub died"))
    done = lumihub(*arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the hub died\n")
    assert "Traceback (most recent call last)" in done.stderr


def test_an_interruption_says_how_to_go_on(lumihub, failing_verb):
    failing_verb(KeyboardInterrupt())
    done = lumihub("fail")
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "! interrupted; type the same command again to go on\n"


def test_a_fault_of_ours_is_not_hidden(failing_verb, monkeypatch):
    from lumihub.cli.main import main

    failing_verb(ZeroDivisionError())
    monkeypatch.setattr(sys, "argv", ["lumihub", "fail"])
    with pytest.raises(ZeroDivisionError):
        main()


def test_only_the_module_of_the_typed_verb_is_loaded():
    code = """
import sys
from lumihub.cli.main import VERBS, build_app
build_app("explain")
print(*[verb for verb, (module, _) in VERBS.items() if module in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["explain"]
