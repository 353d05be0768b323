"""A real Chromium, and people at computers of their own."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, BrowserType

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
def person(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """Somebody at a computer of their own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()
