import pytest

from lumihub.errors import InputError
from lumihub.operations.init import (
    QUESTIONS,
    build_values_file,
    count_servers,
    describe_capacity,
    read_answer,
    read_answers,
    write_values_file,
)
from lumihub.settings import Settings, load_settings
from lumihub.settings.document import parse_document
from lumihub.settings.loading import build_settings

GIB = 1024**3


def question(option):
    return next(question for question in QUESTIONS if question.option == option)


def test_the_defaults_make_the_default_settings():
    text = build_values_file(read_answers({}), 16 * GIB)
    assert build_settings(parse_document(text, "values.yaml")) == Settings()


def test_the_file_is_short_and_explains_only_what_it_sets():
    text = build_values_file(
        read_answers({"--admin": "mara, jo", "--signup": "closed", "--listen": "this-machine", "--memory": "1G"}),
        16 * GIB,
    )
    assert (
        text
        == """\
# Settings of LumiHub. Every other key, and what it means: values.example.yaml, or ./deploy.py explain
# After a change: ./deploy.py validate, then ./deploy.py up

auth:
  # accounts that approve students and stop servers
  admins: [mara, jo]
  native:
    # students' accounts: ./deploy.py users add makes them
    signup: closed

proxy:
  # who connects, by the address of this machine: browsers of this machine alone
  address: 127.0.0.1
  # the port that browsers open; below 1024 needs root
  port: 8000

singleuser:
  memory:
    # this machine (16G) holds 14 such servers at full use, more when students use less
    limit: 1G

data:
  # how data travels: what one student has read is kept for the next
  mode: cache
  origin:
    # where data comes from: CERN, by XRootD (port 1094)
    url: root://eospublic.cern.ch//eos/opendata/atlas
"""
    )


def test_each_question_offers_its_default():
    for each in QUESTIONS:
        assert not each.choices or each.default in each.choices


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("--admin", "mara,jo", ["mara", "jo"]),
        ("--listen", "network", "0.0.0.0"),
        ("--listen", "192.168.1.5", "192.168.1.5"),
        ("--port", " 443 ", 443),
        ("--memory", "1.5G", "1.5G"),
        ("--origin", "cern-https", "https://opendata.cern.ch/eos/opendata/atlas"),
        ("--origin", "/srv/opendata", "/srv/opendata"),
    ],
)
def test_answers_become_values(option, text, value):
    assert read_answer(question(option), text) == value


@pytest.mark.parametrize(
    ("option", "text", "expected"),
    [
        (
            "--admin",
            "Mara",
            "--admin should be a name of at most 64 small letters, digits, '.', '_', '@' and '-',"
            " beginning with a letter or digit, not 'Mara'",
        ),
        ("--port", "70000", "--port should be a whole number from 1 to 65535, not 70000"),
        ("--port", "web", "--port should be a whole number from 1 to 65535, not 'web'"),
        ("--signup", "all", "--signup should be one of approval, open, closed, not 'all'"),
        (
            "--memory",
            "2",
            "--memory should be 128M or more, written with a unit: K, M, G or T (powers of 1024), as in 512M or 2G,"
            " not '2'",
        ),
        (
            "--listen",
            "every one",
            "--listen should be network, this-machine, or an IP address or a host name of this machine,"
            " not 'every one'",
        ),
    ],
)
def test_a_wrong_answer_names_its_option(option, text, expected):
    with pytest.raises(InputError) as caught:
        read_answer(question(option), text)
    assert [fault.what for fault in caught.value.faults] == [expected]


def test_all_wrong_options_are_told_at_once():
    with pytest.raises(InputError) as caught:
        read_answers({"--port": "0", "--data-mode": "copy"})
    assert [fault.what for fault in caught.value.faults] == [
        "--port should be a whole number from 1 to 65535, not 0",
        "--data-mode should be one of cache, stream, mirror, not 'copy'",
    ]


@pytest.mark.parametrize(("limit", "memory", "count"), [("2G", 16 * GIB, 7), ("512M", 4 * GIB, 4), ("2G", GIB, 0)])
def test_the_platform_keeps_two_gigabytes_for_itself(limit, memory, count):
    assert count_servers(limit, memory) == count


def test_one_server_is_singular():
    assert describe_capacity("2G", 4 * GIB).startswith("this machine (4G) holds 1 such server at")


def test_an_existing_file_stays_unless_it_may_be_replaced(tmp_path):
    path = tmp_path / "values.yaml"
    path.write_text("proxy: {port: 81}\n")
    with pytest.raises(InputError) as caught:
        write_values_file(path, "", replace=False)
    assert str(caught.value) == (
        f"error: {path} exists already\n  fix: keep it, name another with --output, or replace it with --force"
    )
    assert load_settings(path).proxy.port == 81
    write_values_file(path, "proxy: {port: 82}\n", replace=True)
    assert load_settings(path).proxy.port == 82
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "nowhere" / "values.yaml"
    with pytest.raises(InputError) as caught:
        write_values_file(path, "", replace=False)
    assert str(caught.value) == (
        f"error: {path} can't be written: No such file or directory\n  fix: name another file with --output"
    )
