"""A link to a hostile student's server, in a real Chromium over https: the login of who follows it stays theirs."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from browser.chromium import launched, person, running_chromium, telling_traffic
from browser.jupyterlab import JupyterLab, log_in
from lumihub.operations.student import StudentSession
from servers.hub import running_hub
from servers.stage import LOOT, SEEN, read_lines, set_the_stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from servers.hub import Installation

pytestmark = [
    pytest.mark.timeout(900),
    # The certificate is made for this test alone.
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
    pytest.mark.browser,
]

COOKIE = "__Host-lumihub-server"
WELCOME = "Welcome: hunting for the Higgs boson"
HUBS_SCRIPT = "/hub/static/components/requirejs/require.js"
REGISTER = """([script, scope]) => navigator.serviceWorker.register(script, scope ? {scope} : {})
    .then(() => "registered", error => error.message)"""
LEFT = """async () => [localStorage.getItem("left"), (await navigator.serviceWorker.getRegistrations()).length]"""
CERTIFICATE = (
    "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=127.0.0.1"
    " -addext subjectAltName=IP:127.0.0.1"
)


@pytest.fixture(scope="module")
def hub() -> Iterator[Installation]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["openssl", *CERTIFICATE.split()], cwd=folder, check=True, capture_output=True)
        files = {name: str(Path(folder) / f"{name}.pem") for name in ("cert", "key")}
        with running_hub(proxy={"https": {"enabled": True, "manual": files}}) as one:
            yield one


@pytest.fixture(scope="module")
def url(hub: Installation) -> str:
    return hub.url.replace("http:", "https:")


@pytest.fixture(scope="module")
def passwords(hub: Installation) -> dict[str, str]:
    return {**hub.add("anna", "ben", "mallory"), "admin": hub.admin_password}


@pytest.fixture(scope="module")
def mallory(url: str, passwords: dict[str, str]) -> Iterator[StudentSession]:
    with StudentSession(url, "mallory") as session:
        session.log_in(passwords["mallory"])
        session.start_server()
        set_the_stage(session)
        yield session


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as chromium:
        yield chromium


@contextmanager
def logged_in(browser: Browser, url: str, name: str, password: str) -> Iterator[Page]:
    """Somebody who has just logged in and is at the hub's own page."""
    with person(browser, ignore_https_errors=True) as context:
        page = context.new_page()
        page.goto(f"{url}hub/login?next=%2Fhub%2Fhome")
        log_in(page, name, password)
        page.wait_for_url(f"{url}hub/home")
        yield page


def find_owner(url: str, token: str) -> str:
    """Whose token it is."""
    with StudentSession(url, "nobody") as session:
        session.enter(token)
        return str(session._get(f"{url}hub/api/user").json()["name"])


def test_an_administrator_who_follows_the_link_keeps_the_login(
    url: str, passwords: dict[str, str], mallory: StudentSession, browser: Browser
) -> None:
    stage = f"{url}user/mallory/stage"
    with logged_in(browser, url, "admin", passwords["admin"]) as page:
        (cookie,) = (one for one in page.context.cookies() if one["name"] == COOKIE)
        assert {name: cookie[name] for name in ("path", "secure", "httpOnly", "sameSite", "expires")} == {
            "path": "/",
            "secure": True,
            "httpOnly": True,
            "sameSite": "Lax",
            "expires": -1,
        }
        page.goto(f"{stage}?by=admin")
        expect(page.get_by_role("heading", name="The server of mallory")).to_be_visible()
        expect(page.get_by_text("with all the rights of an administrator")).to_be_visible()
        # Nor does a page that a student is shown get anywhere with what it asks for in the background.
        script = "stage => fetch(stage, {method: 'POST', body: 'x'}).then(answer => answer.status)"
        assert page.evaluate(script, f"{stage}?by=admin") == 403
        assert read_lines(mallory, SEEN, "by=admin") == []
        assert read_lines(mallory, LOOT) == []
        # Past the gate, by the visitor's own wish, that page takes what it wants: so it was the gate that kept it off.
        page.get_by_role("button", name="Open the server of mallory").click()
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
        (loot,) = read_lines(mallory, LOOT)
        assert loot.startswith("admin ")
        assert find_owner(url, loot.partition(" ")[2]) == "admin"
        page.goto(f"{url}hub/logout")
        page.goto(f"{url}hub/login?next=%2Fhub%2Fhome")
        log_in(page, "admin", passwords["admin"])
        page.wait_for_url(f"{url}hub/home")
        page.goto(stage)
        expect(page.get_by_role("heading", name="The server of mallory")).to_be_visible()
    assert len(read_lines(mallory, LOOT)) == 1


def test_a_fellow_student_is_told_that_there_is_nothing(
    url: str, passwords: dict[str, str], mallory: StudentSession, browser: Browser
) -> None:
    with logged_in(browser, url, "ben", passwords["ben"]) as page:
        page.goto(f"{url}user/mallory/stage?by=ben")
        expect(page.get_by_role("heading", name="Not found")).to_be_visible()
    assert read_lines(mallory, SEEN, "by=ben") == []


def test_a_notebook_that_was_open_before_the_gate_goes_on(
    url: str, passwords: dict[str, str], browser: Browser
) -> None:
    """As after an update: JupyterLab is open, and its browser has no key yet."""
    with logged_in(browser, url, "anna", passwords["anna"]) as page:
        # On a busy machine the notebook shows an idle kernel before it has one.
        with page.expect_websocket(lambda socket: "/channels?" in socket.url):
            page.goto(f"{url}hub/spawn")
        lab = JupyterLab(page, [])
        lab.wait_until_ready(WELCOME)
        # HTTP/2 may send each cookie by itself.
        assert page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol") == "h2"
        with telling_traffic(page):
            # It asks for news every few seconds, and is sent to the hub and back. With the key it then has, it may ask
            # anew before a busy server answers that. Playwright's way to delete a cookie would take all away for a
            # moment, and what is asked without any is let through as a program's.
            with page.expect_request(lambda one: "redirects=1" in one.url):
                page.context.new_cdp_session(page).send("Network.deleteCookies", {"name": COOKIE, "url": url})
            assert COOKIE in {one["name"] for one in page.context.cookies()}
            lab.cell("2 + 3 * 7").locator(".cm-content").click()
            lab.press("Shift+Enter")
            expect(lab.outputs("2 + 3 * 7")).to_have_text("23")


def test_who_comes_next_to_a_browser_finds_nothing_that_a_page_left(
    url: str, passwords: dict[str, str], mallory: StudentSession, browser: Browser
) -> None:
    # A context's option to take any certificate does not reach service workers.
    with (
        launched(browser.browser_type, "--ignore-certificate-errors") as shared,
        logged_in(shared, url, "mallory", passwords["mallory"]) as page,
    ):
        page.goto(f"{url}user/mallory/no-such-page")
        # It would stand between the next one and the hub, also where that one types a password.
        assert "behind a redirect" in page.evaluate(REGISTER, ["worker.js", "/"])
        assert read_lines(mallory, SEEN, "worker.js") == []
        # The hub's own script, in place of one that came into this browser before it was refused.
        assert page.evaluate(REGISTER, [HUBS_SCRIPT, None]) == "registered"
        page.evaluate("localStorage.setItem('left', 'by mallory')")
        assert page.evaluate(LEFT) == ["by mallory", 1]
        # A browser that is only closed for a while, not logged out.
        page.context.clear_cookies()
        page.goto(f"{url}hub/login?next=%2Fhub%2Fhome")
        assert page.evaluate(LEFT) == ["by mallory", 1]
        log_in(page, "ben", passwords["ben"])
        page.wait_for_url(f"{url}hub/home")
        assert page.evaluate(LEFT) == [None, 0]
        page.evaluate("localStorage.setItem('left', 'by ben')")
        page.goto(f"{url}hub/logout")
        assert page.evaluate(LEFT) == [None, 0]
