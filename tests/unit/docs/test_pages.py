"""What the pages tell people to type must work: commands, keys, values files and links."""

import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml

from lumihub.cli.main import VERBS, build_app
from lumihub.settings.document import parse_document
from lumihub.settings.generate import PROJECT
from lumihub.settings.keys import build_keys, find_key
from lumihub.settings.loading import build_settings

PAGES = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])
SECTIONS = {key.name for key in build_keys()}
PROGRAM = typer.main.get_command(build_app())

# `sudo python3 deploy.py users add anna`, `./deploy.py up`, `lumihub analyse higgs-4l`.
COMMAND = re.compile(r"(?:deploy\.py|(?<![\w/.])(?:\.venv/bin/)?lumihub) ([a-z-][^`\n|]*)")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def page_id(path):
    return str(path.relative_to(PROJECT))


def find_code(text):
    """What stands in backquotes, between fences, or indented by four spaces."""
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, flags=re.S | re.M)
    rest = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.S | re.M)
    indented = [
        "\n".join(line[4:] for line in block.strip("\n").splitlines())
        for block in re.findall(r"(?:^(?:    .*|[ ]*)\n)+", rest, flags=re.M)
        if block.strip()
    ]
    return fenced + indented, re.findall(r"`([^`\n]+)`", rest)


def find_commands(path):
    blocks, words = find_code(path.read_text())
    return [command.strip() for code in (*blocks, *words) for command in COMMAND.findall(code)]


def find_values_files(path):
    blocks, _ = find_code(path.read_text())
    return [block for block in blocks if re.match(rf"(?:#.*\n)*({'|'.join(SECTIONS)}):", block)]


def check_command(text):
    """Follow a command line through the verbs; returns what is wrong with it, or None."""
    command = PROGRAM
    for word in shlex.split(text, comments=True):
        if word in {"&&", ";", "|", ">"}:
            return None
        below = getattr(command, "commands", None)
        if below is not None and not word.startswith("-"):
            if word not in below:
                return f"no verb {word}"
            command = below[word]
        elif word.startswith("-"):
            option = word.partition("=")[0]
            known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
            if option not in known | {"--help", "--verbose"}:
                return f"no option {option}"
    return None


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_every_command_on_a_page_exists(path):
    wrong = {command: fault for command in find_commands(path) if (fault := check_command(command))}
    assert wrong == {}


def test_the_check_of_commands_finds_what_is_wrong():
    assert check_command("upp") == "no verb upp"
    assert check_command("validate --nope") == "no option --nope"
    assert check_command("data fetsh 4lep") == "no verb fetsh"
    assert check_command("explain cull.timeout -f x.yaml  # a comment") is None


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_every_values_file_on_a_page_is_valid(path):
    for text in find_values_files(path):
        build_settings(parse_document(text, page_id(path)))


def test_pages_show_values_files():
    assert sum(len(find_values_files(path)) for path in PAGES) >= 2


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_every_key_on_a_page_exists(path):
    _, words = find_code(path.read_text())
    keys = [
        word.partition(":")[0] for word in words if re.fullmatch(rf"(?:{'|'.join(SECTIONS)})(?:\.\w+)+(?::.*)?", word)
    ]
    free = ("hub.config.", "singleuser.extraEnv.")
    assert [key for key in keys if find_key(key) is None and not key.startswith(free)] == []


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_every_link_leads_to_a_file(path):
    links = [link for link in LINK.findall(path.read_text()) if not re.match(r"[a-z]+:", link)]
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_verb_is_used_on_a_page_that_is_written_by_hand():
    pages = [path for path in PAGES if path.name != "cli.md"]
    used = {shlex.split(command, comments=True)[0] for path in pages for command in find_commands(path)}
    assert sorted(set(VERBS) - used) == []


@pytest.mark.parametrize("path", [PROJECT / "README.md", PROJECT / "values.example.yaml"], ids=page_id)
def test_pages_name_no_key_that_is_not_there_in_commands(path):
    for key in re.findall(r"explain ([a-z]\w*(?:\.\w+)*)", path.read_text()):
        assert find_key(key) is not None


def test_generated_pages_say_where_they_come_from():
    for name in ("values.md", "cli.md"):
        assert "<!-- Made from platform/lumihub/" in (PROJECT / "docs/reference" / name).read_text()


def test_the_example_names_every_section():
    text = Path(PROJECT / "values.example.yaml").read_text()
    assert set(yaml.safe_load(text)) == SECTIONS
