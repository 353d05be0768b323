"""A page that a student has open, in a real Chromium, while the platform under it is changed and changed back.

The page docs/how-to/update.md tells the same to admins. Each stage leaves a picture in the folder that
LUMIHUB_SCREENSHOTS names, for people to look at.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from browser.chromium import person, running_chromium
from browser.jupyterlab import JupyterLab, log_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from cluster.installation import ClusterInstallation

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.xrootd,
    pytest.mark.opendata,
    pytest.mark.browser,
]

WELCOME = "Welcome: hunting for the Higgs boson"
INTERRUPTED = "The way to your server is interrupted."
# From the end of the command until the page has answered to a student who goes on as if nothing had been.
MINUTE = 60


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as chromium:
        yield chromium


def watch(lab: JupyterLab, name: str, change: Callable[[], object]) -> list[str]:
    """Make a change, and look at the page all the while; returns each thing that it said, once."""
    seen: list[str] = []
    folder = os.environ.get("LUMIHUB_SCREENSHOTS")
    with ThreadPoolExecutor(1) as pool:
        changing = pool.submit(change)
        while not changing.done():
            lab.page.wait_for_timeout(250)
            for text in lab.page.locator(".jp-Dialog-content, body > [role=status]").all_inner_texts():
                if text and text not in seen:
                    seen.append(text)
                    if folder:
                        lab.page.screenshot(path=Path(folder) / f"{name}-{len(seen)}.png")
        changing.result()
    return seen


def check_page(lab: JupyterLab, code: str, answer: str) -> float:
    """The page runs a cell with what the kernel held; returns the seconds until it showed that."""
    began = time.monotonic()
    expect(lab.run_instead(lab.cell("kept_mass"), code)).to_have_text(answer, timeout=MINUTE * 1000)
    seconds = time.monotonic() - began
    assert seconds < MINUTE
    return seconds


@pytest.mark.core
def test_open_page_goes_on_through_an_upgrade_and_a_rollback(one: ClusterInstallation, browser: Browser) -> None:
    password = one.add("viewer")["viewer"]
    with person(browser) as context:
        page = context.new_page()
        page.goto(one.url)
        log_in(page, "viewer", password)
        lab = JupyterLab(page, [])
        lab.wait_until_ready(WELCOME)
        page.evaluate("window.opened = true")
        expect(lab.run_instead(lab.cell("2 + 3 * 7"), "kept_mass = 125.25; kept_mass")).to_have_text("125.25")
        changed = {"cull": {"timeout": 1800}, "proxy": {"chp": {"resources": {"requests": {"memory": "80Mi"}}}}}
        with one.changed(**changed):
            said = watch(lab, "upgrade", lambda: one.up("--no-check"))
            upgraded = check_page(lab, "kept_mass + 1", "126.25")
        said += watch(lab, "rollback", lambda: one.lumihub("rollback", "--yes"))
        rolled_back = check_page(lab, "kept_mass + 2", "127.25")
        print(f"after the upgrade {upgraded:.1f} s, after the rollback {rolled_back:.1f} s; the page said {said}")
        assert all(words.startswith(INTERRUPTED) for words in said), said
        # What it said of that is gone, what was written is saved, and nobody loaded it anew.
        expect(page.locator("body > [role=status]")).to_be_hidden()
        lab.press("ControlOrMeta+s")
        page.wait_for_function("document.querySelector('.jp-mod-dirty') === null")
        assert page.evaluate("window.opened")
    one.lumihub("users", "remove", "viewer", "--delete-home", "--yes")
    assert one.up("--no-check")["changes"] == []
