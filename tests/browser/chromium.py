"""A real Chromium, and people at computers of their own."""

from __future__ import annotations

import os
import shutil
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, BrowserType, Page

CHROMIUM = shutil.which("chromium")
# A machine that does other things meanwhile needs it; nothing waits longer than it must.
PATIENCE_MS = 180_000
# No calls but ours, and nothing that a container lacks.
OPTIONS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def running_chromium(*more: str) -> Iterator[Browser]:
    """While Playwright is there, no other test can run an event loop of its own: for one module at a time.

    Args:
        more: words of the command line.
    """
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright, launched(playwright.chromium, *more) as chromium:
        yield chromium


@contextmanager
def launched(kind: BrowserType, *more: str) -> Iterator[Browser]:
    """A Chromium of its own; `more` are words of its command line."""
    options = [*OPTIONS, *more, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    chromium = kind.launch(executable_path=CHROMIUM, args=options)
    yield chromium
    chromium.close()


@contextmanager
def telling_traffic(page: Page) -> Iterator[None]:
    """Print what the page asked last, and what it was answered, if the block fails."""
    began = time.monotonic()
    last: deque[str] = deque(maxlen=60)

    def note(what: object, method: str, url: str) -> None:
        last.append(f"{time.monotonic() - began:6.1f} s  {what} {method} {url}")

    page.on("request", lambda one: note("asks", one.method, one.url))
    page.on("response", lambda one: note(one.status, one.request.method, one.url))
    page.on("requestfailed", lambda one: note(one.failure, one.method, one.url))
    page.on("crash", lambda one: note("the page crashed", "at", one.url))
    try:
        yield
    except BaseException:
        print("what the page asked last, and was answered:", *last, sep="\n")
        raise


@contextmanager
def person(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """Somebody at a computer of their own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()
