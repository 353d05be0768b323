"""JupyterLab and the hub's forms as a person meets them: what to click, and what to wait for."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

ERRORS = "[data-mime-type='application/vnd.jupyter.error'], [data-mime-type='application/vnd.jupyter.stderr']"


def log_in(page: Page, name: str, password: str) -> None:
    """Fill in the login form and send it with the Enter key."""
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_label("Password").press("Enter")


def find_colours(picture: Locator) -> set[tuple[int, int, int]]:
    """The colours of all pixels of what the person sees there."""
    with Image.open(io.BytesIO(picture.screenshot())) as image:
        pixels = image.convert("RGB")
        return {colour for _, colour in pixels.getcolors(pixels.width * pixels.height) or []}  # type: ignore[misc]


class Card:
    """A question and its controls."""

    def __init__(self, cell: Locator) -> None:
        self.card = cell.locator(".widget-vbox")
        self.reply = self.card.get_by_role("status")

    def choose(self, text: str) -> None:
        """Choose an option with the mouse; fails if it then is not chosen."""
        self.card.get_by_role("radio", name=text).check()

    def press(self, button: str) -> None:
        """Press `Check` or `Hint` with the mouse."""
        self.card.get_by_role("button", name=button).click()


class JupyterLab:
    """The notebook that is in front.

    Args:
        page: on its way to JupyterLab.
        complaints: what the browser's console has said of errors so far, as it comes.
    """

    def __init__(self, page: Page, complaints: list[str]) -> None:
        self.page = page
        self.complaints = complaints
        self.notebook = page.locator(".jp-NotebookPanel:visible")

    def wait_until_ready(self, title: str) -> None:
        """Until the lesson of this title is shown and its kernel waits for work."""
        self.page.wait_for_url(re.compile("/user/[^/]+/lab"))
        expect(self.notebook.get_by_role("heading", name=title)).to_be_visible()
        expect(self.notebook.locator(".jp-Notebook-ExecutionIndicator:visible")).to_have_attribute(
            "data-status", "idle"
        )
        # The indicator says so, too, before there is a kernel, and a cell that is run then does nothing.
        expect(self.page.get_by_role("button", name=re.compile(r"\| Idle$"))).to_be_visible()

    def open_file(self, name: str) -> None:
        """Double-click a file in the list on the left, and wait until it is in front."""
        self.page.get_by_role("tab", name="File Browser").wait_for()
        self.page.locator(".jp-DirListing-item", has_text=name).dblclick()
        self.page.locator(".lm-TabBar-tab.lm-mod-current", has_text=name).wait_for()

    def choose(self, menu: str, entry: str) -> None:
        """Choose an entry of the menu bar."""
        self.page.get_by_role("menubar").get_by_role("menuitem", name=menu, exact=True).click()
        self.page.get_by_role("menuitem", name=entry, exact=True).click()

    def cell(self, source: str) -> Locator:
        """The code cell that contains this text."""
        return self.notebook.locator(".jp-CodeCell").filter(
            has=self.page.locator(".jp-InputArea").filter(has_text=source)
        )

    def outputs(self, source: str) -> Locator:
        """What the code cell that contains this text has given."""
        return self.cell(source).locator(".jp-OutputArea-output")

    def run_instead(self, cell: Locator, code: str) -> Locator:
        """Write other code into a cell, and run it; returns what it gives. No other cell may contain this code."""
        editor = cell.locator(".cm-content")
        editor.click()
        expect(editor).to_be_focused()
        self.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(code)
        expect(self.cell(code)).to_be_visible()
        self.press("Shift+Enter")
        return self.outputs(code)

    def prompts(self) -> list[str]:
        """What stands before each code cell: `[3]:` once it ran, `[*]:` while it waits, `[ ]:` when it never ran."""
        return self.notebook.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def focused(self) -> Locator:
        """What the keyboard acts on."""
        return self.page.locator(":focus")
