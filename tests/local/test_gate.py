"""A student's server is shown to its owner's browser alone: a real hub, its proxy, and a server that records all."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
import toml
import websocket

from lumihub.hub.server_keys import COOKIE
from lumihub.operations.student import StudentSession
from servers.stage import SEEN, read_lines, set_the_stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servers.hub import Installation

pytestmark = pytest.mark.timeout(600)

# A page is what a person waits for; anything else is asked for by a program.
PERSON = {"Accept": "text/html,application/xhtml+xml"}
WAYS = (
    "user/{name}",
    "user/{name}/",
    "user/{name}/stage",
    "user/{escaped}/stage",
    "user//{name}/stage",
    "user/{name}//stage",
    "user/ben/../{name}/stage",
    "user/ben/%2e%2e/{name}/stage",
    "user/ben/..%2f{name}/stage",
    "user/ben%2f..%2f{name}/stage",
    "user/{name}/../{name}/stage",
    "user/{name};x/stage",
    "user/{upper}/stage",
    "hub/user/{name}/stage",
    "hub/../user/{name}/stage",
    "./user/{name}/stage",
    "services/../user/{name}/stage",
)


@pytest.fixture(scope="module")
def passwords(hub: Installation) -> dict[str, str]:
    return {**hub.add("anna", "ben", "mal@school.org"), "admin": hub.admin_password}


@pytest.fixture(scope="module")
def mallory(hub: Installation, passwords: dict[str, str]) -> Iterator[StudentSession]:
    name = "mal@school.org"
    with hub.student(name, passwords[name]) as session:
        set_the_stage(session)
        yield session


@pytest.fixture
def log_in(hub: Installation, passwords: dict[str, str]) -> Iterator[Callable[[str], StudentSession]]:
    """A browser in which somebody just logged in."""
    opened = []

    def enter(name: str) -> StudentSession:
        opened.append(StudentSession(hub.url, name))
        opened[-1].log_in(passwords[name])
        return opened[-1]

    yield enter
    for session in opened:
        session._http.close()


def drop_key(browser: StudentSession) -> str:
    """Take the key out of the browser, as its end does."""
    (cookie,) = (one for one in browser._http.cookies if one.name == COOKIE)
    browser._http.cookies.clear(cookie.domain, cookie.path, cookie.name)
    return str(cookie.value)


def send(browser: StudentSession, method: str, path: str, **headers: str) -> requests.Response:
    """Ask for exactly this address, which `requests` would tidy up, with all cookies; no redirect is followed."""
    request = requests.Request(method, browser.url, headers=headers).prepare()
    request.url = browser.url + path
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser._http.cookies)
    request.headers.setdefault("Cookie", cookies)
    return browser._http.send(request, allow_redirects=False, timeout=30)


def make_token(browser: StudentSession) -> str:
    """A token of theirs, as the hub's page makes them."""
    address, headers = f"{browser.url}hub/api/users/{browser.name}/tokens", {"X-XSRFToken": browser._xsrf("/hub/")}
    return str(browser._http.post(address, json={}, headers=headers, timeout=30).json()["token"])


def open_socket(browser: StudentSession, path: str) -> Any:
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser._http.cookies)
    return websocket.create_connection(
        browser.url.replace("http", "ws") + path, cookie=cookies, http_no_proxy=["*"], timeout=30
    )


def test_the_owner_passes(mallory: StudentSession, log_in: Callable[[str], StudentSession]) -> None:
    browser = log_in(mallory.name)
    path = mallory.base.removeprefix(mallory.url)
    assert "My results" in send(browser, "GET", f"{path}stage").text
    connection = open_socket(browser, f"{path}stage/socket")
    assert connection.recv() == "hello"
    connection.close()


def test_the_owners_pages_get_no_service_worker(
    mallory: StudentSession, log_in: Callable[[str], StudentSession]
) -> None:
    browser, path = log_in(mallory.name), "user/mal@school.org/stage"
    assert send(browser, "GET", path).status_code == 200
    assert send(browser, "GET", path, **{"Service-Worker": "script"}).status_code == 302
    assert send(browser, "GET", path, **{"Service-Worker": "script", "Authorization": "token x"}).status_code == 302


@pytest.mark.parametrize("name", ["ben", "admin"])
def test_nothing_of_anothers_request_reaches_the_server(
    mallory: StudentSession, log_in: Callable[[str], StudentSession], name: str
) -> None:
    browser = log_in(name)
    words = {"name": mallory.name, "escaped": "mal%40school.org", "upper": mallory.name.upper()}
    for way in WAYS:
        path = f"{way.format(**words)}?by={name}"
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"):
            send(browser, method, path)
            send(browser, method, path, **PERSON)
        with pytest.raises(websocket.WebSocketBadStatusException):
            open_socket(browser, f"{way.format(**words)}/socket?by={name}")
    assert read_lines(mallory, SEEN, f"by={name}") == []
    # The server does write down what comes.
    send(mallory, "GET", f"{WAYS[2].format(**words)}?by={name}")
    assert len(read_lines(mallory, SEEN, f"by={name}")) == 1


def test_what_others_are_told(mallory: StudentSession, log_in: Callable[[str], StudentSession]) -> None:
    page = mallory.base + "stage"
    ben, admin = log_in("ben"), log_in("admin")
    assert ben._http.get(page, headers=PERSON).status_code == 404
    assert ben._http.post(page).json()["message"].startswith("This server does not run, or is not shown")
    assert admin._http.get(page).headers["Content-Type"] == "application/json"
    question = admin._http.get(page, headers=PERSON)
    assert question.status_code == 403
    assert f"The server of {mallory.name}" in question.text
    assert "with all the rights of an administrator" in question.text
    nobody = requests.Session()
    nobody.trust_env = False
    assert "hub/login" in nobody.get(page, headers=PERSON).url


def test_an_administrator_who_agreed_sees_it_until_the_own_server(
    mallory: StudentSession, log_in: Callable[[str], StudentSession]
) -> None:
    admin, page = log_in("admin"), mallory.base + "stage"
    admin.start_server()
    visit = f"{admin.url}hub/lumihub/visits/mal%40school.org"
    own, kept = f"{admin.base}api/status", admin._http.cookies[COOKIE]
    form = {"_xsrf": admin._xsrf("/hub/"), "next": "/user/mal@school.org/stage"}
    assert admin._http.post(visit, data={**form, "_xsrf": ""}).status_code == 403
    assert "My results" in admin._http.post(visit, data=form).text
    # Their own page that is open elsewhere goes on asking for news, which must not end the visit.
    assert admin._http.get(own).status_code == 403
    assert "My results" in admin._http.get(page).text
    assert admin._http.get(own, headers=PERSON).status_code == 200
    assert admin._http.cookies[COOKIE] == kept
    assert admin._http.get(page, headers=PERSON).status_code == 403
    elsewhere = admin._http.post(visit, data={**form, "next": "/hub/home"}, allow_redirects=False)
    assert elsewhere.headers["Location"] == "/user/mal@school.org/"
    admin.stop_server()


def test_nobody_gets_the_key_of_a_server_without_the_right(
    mallory: StudentSession, log_in: Callable[[str], StudentSession]
) -> None:
    ben = log_in("ben")
    kept, form = ben._http.cookies[COOKIE], {"_xsrf": ben._xsrf("/hub/")}
    for name in ("mal@school.org", "nobody"):
        assert ben._http.post(f"{ben.url}hub/lumihub/visits/{name}", data=form).status_code == 404
    assert ben._http.cookies[COOKIE] == kept


def test_a_token_passes_and_a_password_or_a_query_does_not(
    mallory: StudentSession, log_in: Callable[[str], StudentSession]
) -> None:
    nobody = StudentSession(mallory.url, "nobody")
    path = "user/mal@school.org/stage"
    for header in ("token x", "Bearer x"):
        assert send(nobody, "GET", path, Authorization=header).status_code == 200
    for header in ("Basic eDp5", "token", "tokenx", "Digest token x"):
        assert send(nobody, "GET", path, Authorization=header).status_code == 302
    assert send(nobody, "GET", f"{path}?token=x").status_code == 302


def test_of_two_keys_none_counts(mallory: StudentSession, log_in: Callable[[str], StudentSession]) -> None:
    admin, theirs = log_in("admin"), drop_key(log_in(mallory.name))
    own, path = admin._http.cookies[COOKIE], "user/mal@school.org/stage"
    for cookies in (
        f"{COOKIE}={theirs}; {COOKIE}={own}",
        f"a=b; {COOKIE}={own}; c=d; {COOKIE}={theirs}",
        f"{COOKIE}={theirs};{COOKIE}={theirs}",
        f"x{COOKIE}={theirs}",
        f"{COOKIE}={theirs}0",
        f"{COOKIE}=0{theirs}",
        f"{COOKIE}={own}; a={COOKIE}={theirs}",
        f"__Host-{COOKIE}={theirs}",
    ):
        assert send(admin, "GET", path, Cookie=cookies).status_code != 200, cookies
    for cookies in (f"{COOKIE}={theirs}", f"a=b;{COOKIE}={theirs}; c=d", f"x{COOKIE}={own}; {COOKIE}={theirs}"):
        assert send(admin, "GET", path, Cookie=cookies).status_code == 200, cookies
    told = send(admin, "GET", path, Cookie=f"{COOKIE}={theirs}; {COOKIE}={own}")
    assert told.status_code == 400
    assert f"more than one cookie {COOKIE}" in told.text.replace(" named", "")


def test_an_owner_without_the_key_is_given_it_and_sent_back(
    mallory: StudentSession, log_in: Callable[[str], StudentSession]
) -> None:
    browser = log_in(mallory.name)
    key = drop_key(browser)
    path = "user/mal@school.org/stage"
    assert browser._http.post(browser.url + path).status_code == 403
    answer = browser._http.get(browser.url + path)
    assert [one.status_code for one in (*answer.history, answer)] == [302, 302, 200]
    assert drop_key(browser) == key
    with pytest.raises(websocket.WebSocketBadStatusException):
        open_socket(browser, f"{path}/socket")
    # JupyterLab's pages ask with a token, and would never get the key if that were enough.
    headers = {"Authorization": f"token {make_token(browser)}"}
    lab = browser._http.get(browser.url + path, headers=headers)
    assert "redirects=1" in lab.url
    drop_key(browser)
    saved = browser._http.put(browser.url + path, data="a file", headers=headers)
    assert [(one.status_code, one.request.method) for one in (*saved.history, saved)] == [
        (307, "PUT"),
        (307, "PUT"),
        (200, "PUT"),
    ]
    assert saved.request.body == "a file"
    drop_key(browser)
    assert browser._http.get(browser.url + path).ok
    open_socket(browser, f"{path}/socket").close()


def test_a_browser_that_does_not_keep_the_key_is_told_so(
    mallory: StudentSession, log_in: Callable[[str], StudentSession]
) -> None:
    browser = log_in(mallory.name)
    drop_key(browser)
    path = "user/mal@school.org/stage"
    for _ in range(2):
        answer = send(browser, "GET", path)
        assert answer.headers["Location"].startswith("/hub/user/")
        answer = send(browser, "GET", answer.headers["Location"][1:], **PERSON)
        path = answer.headers["Location"][1:]
        drop_key(browser)
    answer = send(browser, "GET", f"hub/{path}", **PERSON)
    assert answer.status_code == 400
    assert f"did not keep the cookie {COOKIE}" in answer.text


def test_a_login_takes_the_place_of_what_somebody_left_behind_and_a_logout_leaves_nothing(
    mallory: StudentSession, log_in: Callable[[str], StudentSession], passwords: dict[str, str]
) -> None:
    shared = log_in(mallory.name)
    path = "user/mal@school.org/stage"
    assert send(shared, "GET", path).status_code == 200
    theirs = shared._http.cookies[COOKIE]
    left = shared._http.get(f"{shared.url}hub/logout", allow_redirects=False)
    assert left.headers["Clear-Site-Data"] == '"storage"'
    assert shared._http.cookies.get(COOKIE) is None
    # Kept beyond the logout by whoever sat here before.
    shared._http.cookies.set(COOKIE, theirs, domain="127.0.0.1", path="/")
    assert send(shared, "GET", path).status_code == 200
    shared.name = "ben"
    shared.log_in(passwords["ben"])
    assert shared._http.cookies[COOKIE] != theirs
    assert send(shared, "GET", path).status_code == 302


def test_a_server_that_ran_before_the_gate_gets_it_with_the_hub(
    hub: Installation, mallory: StudentSession, log_in: Callable[[str], StudentSession]
) -> None:
    """After an update from a hub without it, rules of servers that run lie in the file that the proxy reads."""
    file, path = hub.folder / "proxy" / "routes.toml", "user/mal@school.org/stage"
    nobody = StudentSession(hub.url, "nobody")
    hub.kill("hub")
    rules = toml.loads(file.read_text())
    for router in rules["http"]["routers"].values():
        router["rule"] = router["rule"].partition(" && ( ( HeaderRegexp")[0]
    file.write_text(toml.dumps(rules))
    assert wait_for(lambda: send(nobody, "GET", path).status_code, 200) == 200
    hub.up()
    assert wait_for(lambda: send(nobody, "GET", path).status_code, 302) == 302
    # Who was there already notices nothing.
    assert send(mallory, "GET", path).status_code == 200
    assert file.stat().st_mode & 0o777 == 0o600


def wait_for(ask: Callable[[], int], wanted: int) -> int:
    """The last answer: the wanted one, or what it was after a minute."""
    end = time.monotonic() + 60
    while (answer := ask()) != wanted and time.monotonic() < end:
        time.sleep(0.2)
    return answer
