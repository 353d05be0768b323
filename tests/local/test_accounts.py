"""Accounts from the command line and from the login page, with a real hub."""

from __future__ import annotations

import json
import os
import pwd
from typing import TYPE_CHECKING

import pytest

from lumihub.errors import LumiHubError
from lumihub.operations.student import StudentSession
from servers.hub import PREFIX, Installation

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)
GOOD = "seven-quarks-in-a-row"


def log_in(hub: Installation, name: str, password: str) -> str:
    """What the login page said; empty when it let in."""
    with StudentSession(hub.url, name) as session:
        try:
            session.log_in(password)
        except LumiHubError as error:
            return error.faults[0].what.partition(": ")[2]
    return ""


def test_add_makes_accounts_once(hub: Installation) -> None:
    done = hub.lumihub("users", "add", "marie.curie", "lise")
    assert "marie.curie" in done.stdout
    password = next(line.split()[1] for line in done.stdout.splitlines() if line.strip().startswith("lise"))
    assert log_in(hub, "lise", password) == ""
    again = hub.lumihub("users", "add", "lise")
    assert "has an account already" in again.stdout
    assert log_in(hub, "lise", password) == ""


def test_add_reads_a_roster_and_a_password_file(hub: Installation, tmp_path: Path) -> None:
    roster = tmp_path / "class.csv"
    roster.write_text("\ufeffname,password\nnoether,hidden-symmetry-1\n\n# a comment\nwu\n", encoding="utf-8")
    answer = json.loads(hub.lumihub("users", "add", "--file", str(roster), "--json").stdout)
    assert [account["name"] for account in answer] == ["noether", "wu"]
    assert log_in(hub, "noether", "hidden-symmetry-1") == ""
    assert log_in(hub, "wu", answer[1]["password"]) == ""
    (tmp_path / "password").write_text(GOOD + "\n")
    hub.lumihub("users", "add", "bell", "--password-file", str(tmp_path / "password"))
    assert log_in(hub, "bell", GOOD) == ""


def test_roster_with_faults_makes_nobody(hub: Installation, tmp_path: Path) -> None:
    roster = tmp_path / "class.csv"
    roster.write_text("fine\nMarie Curie\n../etc\n")
    done = hub.lumihub("users", "add", "--file", str(roster), check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "error: 'Marie Curie' can't be a user name\n"
        f"  in {roster}, line 2\n"
        "  did you mean marie.curie?\n"
        "  fix: use 1 to 64 of a-z, 0-9 and . _ @ - with a letter or digit first\n"
        "\n"
        "error: '../etc' can't be a user name\n"
        f"  in {roster}, line 3\n"
        "  fix: use 1 to 64 of a-z, 0-9 and . _ @ - with a letter or digit first\n"
    )
    assert "fine" not in hub.lumihub("users", "list").stdout


def test_common_password_is_refused_by_the_hub(hub: Installation, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("password")
    words = ("users", "add", "curious", "--password-file", str(tmp_path / "password"))
    done = hub.lumihub(*words, check=False)
    assert done.returncode == 2
    assert "error: the password for curious is too common, too short or too long" in done.stderr


def test_new_password_replaces_the_old_one_and_ends_sessions(hub: Installation) -> None:
    old = hub.add("forgetful")["forgetful"]
    with StudentSession(hub.url, "forgetful") as session:
        session.log_in(old)
        assert "forgetful" in session._ask("GET", f"{hub.url}hub/home").text
        new = json.loads(hub.lumihub("users", "password", "forgetful", "--json").stdout)["password"]
        assert "Log in" in session._ask("GET", f"{hub.url}hub/home").text
    assert log_in(hub, "forgetful", old) == "Invalid username or password"
    assert log_in(hub, "forgetful", new) == ""


def test_sign_up_waits_for_approval(hub: Installation) -> None:
    with StudentSession(hub.url, "newcomer") as session:
        assert session.sign_up(GOOD) == ("Your request is with your teacher. You can log in as soon as it is approved.")
    assert log_in(hub, "newcomer", GOOD) == "Your account waits for approval: ask your teacher."
    assert "waits for approval" in hub.lumihub("users", "list").stdout
    hub.lumihub("users", "approve", "newcomer")
    assert log_in(hub, "newcomer", GOOD) == ""


def test_nobody_signs_up_as_an_administrator(hub: Installation) -> None:
    hub.change(auth={"admins": ["admin", "second"]})
    with StudentSession(hub.url, "second") as session:
        hub_config = hub.up()
        assert "made the administrator's account second" in hub_config["changes"]
        session.sign_up(GOOD)
    assert log_in(hub, "second", GOOD) == "Invalid username or password"


def test_wrong_passwords_lock_for_a_while(hub: Installation) -> None:
    password = hub.add("locked")["locked"]
    for _ in range(10):
        assert log_in(hub, "locked", "wrong-one") == "Invalid username or password"
    said = "Too many wrong passwords: try again in 5 minutes, or ask for a new one."
    assert log_in(hub, "locked", password) == said
    new = json.loads(hub.lumihub("users", "password", "locked", "--json").stdout)["password"]
    assert log_in(hub, "locked", new) == ""


@pytest.mark.parametrize(
    "form", [{}, {"username": "lise"}, {"password": GOOD}, {"username": "lise", "password": ""}], ids=str
)
def test_a_login_without_all_its_words_is_told_what_is_missing(hub: Installation, form: dict[str, str]) -> None:
    with StudentSession(hub.url, "lise") as session:
        session._get(f"{hub.url}hub/login")
        form = {**form, "_xsrf": session._xsrf("/hub/")}
        page = session._ask("POST", f"{hub.url}hub/login", data=form)
        assert page.status_code == 400
        assert "Type your user name and your password." in page.text
        assert 'name="password"' in page.text


@pytest.mark.parametrize("left_out", ["username", "signup_password", "signup_password_confirmation"])
def test_a_sign_up_without_all_its_words_makes_nobody(hub: Installation, left_out: str) -> None:
    with StudentSession(hub.url, "halfway") as session:
        session._get(f"{hub.url}hub/signup")
        form = {"username": "halfway", "signup_password": GOOD, "signup_password_confirmation": GOOD}
        del form[left_out]
        page = session._ask("POST", f"{hub.url}hub/signup", data={**form, "_xsrf": session._xsrf("/hub/")})
        assert page.status_code == 400
        assert f"Missing argument {left_out}" in page.text
    assert "halfway" not in hub.lumihub("users", "list").stdout


def test_approval_is_not_to_be_had_by_a_link(hub: Installation) -> None:
    with StudentSession(hub.url, "hopeful") as session:
        session.sign_up(GOOD)
    with StudentSession(hub.url, "admin") as admin:
        admin.log_in(hub.admin_password)
        page = admin._ask("GET", f"{hub.url}hub/authorize")
        assert "hopeful" in page.text
        assert admin._ask("GET", f"{hub.url}hub/authorize/hopeful").status_code == 405
        assert admin._ask("POST", f"{hub.url}hub/authorize/hopeful").status_code == 403
        assert log_in(hub, "hopeful", GOOD).startswith("Your account waits")
        answer = admin._ask("POST", f"{hub.url}hub/authorize/hopeful", data={"_xsrf": admin._xsrf("/hub/")})
        assert answer.ok
    assert log_in(hub, "hopeful", GOOD) == ""


def test_remove_asks_and_names_who_is_missing(hub: Installation) -> None:
    hub.add("stays")
    assert hub.lumihub("users", "remove", "stays", check=False, given="n\n").returncode == 1
    assert "stays" in hub.lumihub("users", "list").stdout
    done = hub.lumihub("users", "remove", "stays", "nobody1", "--yes", check=False)
    assert done.stderr.startswith("error: there is no account nobody1\n  fix: ./deploy.py users list\n")
    assert done.returncode == 2
    assert "stays" in hub.lumihub("users", "list").stdout


def test_an_account_whose_server_is_starting_is_removed(hub: Installation) -> None:
    with hub.student("hasty", hub.add("hasty")["hasty"], server=False) as session:
        headers = {"X-XSRFToken": session._xsrf("/hub/"), "Referer": f"{hub.url}hub/home"}
        answer = session._ask("POST", f"{hub.url}hub/api/users/hasty/server", headers=headers)
        assert answer.status_code == 202
        hub.lumihub("users", "remove", "hasty", "--yes")
    assert "hasty" not in hub.lumihub("users", "list").stdout


@pytest.mark.long
@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give students accounts of their own")
def test_odd_and_long_names_get_accounts_of_their_own_and_lose_them(hub: Installation) -> None:
    names = ["ada.l", "ada@l", "a" * 52 + "@school.org"]
    passwords = hub.add(*names)
    uids = {}
    for name in names:
        with hub.student(name, passwords[name]) as session:
            kernel = session.start_kernel()
            uids[name] = int(kernel.run("import os; open('mine.txt', 'w').write('x'); print(os.getuid())").text)
            kernel.close()
    assert len(set(uids.values())) == 3
    homes = {name: pwd.getpwuid(uid).pw_dir for name, uid in uids.items()}
    assert all(pwd.getpwuid(uid).pw_name.startswith(PREFIX) for uid in uids.values())
    hub.lumihub("users", "remove", "ada.l", "--yes")
    hub.lumihub("users", "remove", "ada@l", "--yes", "--delete-home")
    assert os.path.exists(f"{homes['ada.l']}/mine.txt")  # noqa: PTH110
    assert not os.path.exists(homes["ada@l"])  # noqa: PTH110
    for name in ("ada.l", "ada@l"):
        with pytest.raises(KeyError):
            pwd.getpwuid(uids[name])
    # The id of one who left is nobody else's; who comes back finds the kept home.
    password = hub.add("stranger", "ada.l")
    for name in ("stranger", "ada.l"):
        with hub.student(name, password[name]) as session:
            kernel = session.start_kernel()
            uid = int(kernel.run("import os; print(os.getuid())").text)
            kernel.close()
            assert (uid == uids["ada.l"]) == (name == "ada.l")
            if name == "ada.l":
                assert session.read_file("mine.txt") == "x"
