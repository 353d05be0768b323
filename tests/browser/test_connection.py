"""What an open page says while its server does not answer, and that it goes on by itself when it does again."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from browser.chromium import person, running_chromium
from browser.jupyterlab import JupyterLab, log_in
from lumihub.operations.student import StudentSession

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from servers.hub import Installation

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.browser,
]

INTERRUPTED = "The way to your server is interrupted."
ENDED = "Your server does not answer"


@pytest.fixture(scope="module")
def password(hub: Installation) -> str:
    return hub.add("anna")["anna"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as chromium:
        yield chromium


@pytest.fixture
def page(hub: Installation, password: str, browser: Browser) -> Iterator[Page]:
    """Anna's page, whose kernel holds a number."""
    with person(browser) as context:
        one = context.new_page()
        one.goto(hub.url)
        log_in(one, "anna", password)
        lab = JupyterLab(one, [])
        lab.wait_until_ready("Welcome: hunting for the Higgs boson")
        cell = lab.notebook.locator(".jp-CodeCell").first
        expect(lab.run_instead(cell, "kept_mass = 125.25; kept_mass")).to_have_text("125.25")
        yield one


def test_an_interruption_is_told_in_a_corner_and_costs_nothing(hub: Installation, page: Page) -> None:
    os.kill(hub.pid("proxy"), signal.SIGKILL)
    told = page.get_by_role("status").filter(has_text=INTERRUPTED)
    expect(told).to_be_visible()
    # What a student does meanwhile is done as soon as the way is back.
    lab = JupyterLab(page, [])
    result = lab.run_instead(lab.cell("kept_mass"), "kept_mass + 1")
    lab.press("ControlOrMeta+s")
    assert hub.up()["changes"] == ["started the proxy"]
    expect(result).to_have_text("126.25", timeout=60_000)
    expect(told).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_server_that_has_ended_is_told_at_once_and_may_be_started_anew(
    hub: Installation, password: str, page: Page
) -> None:
    with StudentSession(hub.url, "anna") as session:
        session.log_in(password)
        session.stop_server()
    dialog = page.get_by_role("dialog").filter(has_text=ENDED)
    expect(dialog).to_be_visible(timeout=40_000)
    with page.context.expect_page() as opened:
        dialog.get_by_role("button", name="Start").click()
    opened.value.wait_for_url("**/user/anna/lab**")
