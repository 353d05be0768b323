"""What people see: a real Chromium with mouse and keyboard on a real hub, from the login page to the Higgs boson.

Each stage leaves a picture in the folder that LUMIHUB_SCREENSHOTS names, for people to look at.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from browser.chromium import person, running_chromium
from browser.jupyterlab import ERRORS, Card, JupyterLab, find_colours, log_in
from lumihub.analysis.plots import SIGNAL_COLOUR
from lumihub.analysis.questions import load_question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Locator, Page

    from servers.hub import Installation

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.browser,
]

WELCOME = "Welcome: hunting for the Higgs boson"
FOUR_LEPTONS = "Higgs boson to four leptons"
SIMULATED = "simulated sample, not ATLAS data"


@pytest.fixture(scope="module")
def passwords(hub: Installation) -> dict[str, str]:
    return hub.add("anna", "ben")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as chromium:
        yield chromium


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A browser that nobody logged in with."""
    with person(browser) as newcomer:
        yield newcomer.new_page()


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Page, str], None]:
    """Keeps a picture of what is on the screen."""
    folder = Path(os.environ.get("LUMIHUB_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png")

    return take


@pytest.fixture(scope="module")
def anna(
    hub: Installation, passwords: dict[str, str], browser: Browser, picture: Callable[[Page, str], None]
) -> Iterator[JupyterLab]:
    """Anna, who logged in for the first time and did nothing yet."""
    with person(browser) as context:
        page = context.new_page()
        complaints = listen(page)
        page.goto(hub.url)
        log_in(page, "anna", passwords["anna"])
        page.get_by_text("Your server is starting up").wait_for()
        picture(page, "13-server-starts")
        lab = JupyterLab(page, complaints)
        lab.wait_until_ready(WELCOME)
        picture(page, "20-welcome")
        yield lab


@pytest.fixture(scope="module")
def lesson(anna: JupyterLab, picture: Callable[[Page, str], None]) -> JupyterLab:
    """Anna's second lesson after *Run All Cells*."""
    anna.open_file("01-higgs-to-four-leptons.ipynb")
    anna.wait_until_ready(FOUR_LEPTONS)
    picture(anna.page, "30-lesson")
    anna.choose("Run", "Run All Cells")
    anna.outputs("figure.savefig").get_by_text("saved as four-leptons.png").wait_for()
    return anna


def listen(page: Page) -> list[str]:
    """The list that will hold whatever the browser's console says of errors."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


def test_the_login_page_is_ours_and_refuses_a_wrong_password_in_plain_words(
    hub: Installation, passwords: dict[str, str], page: Page, picture: Callable[[Page, str], None]
) -> None:
    complaints = listen(page)
    page.goto(hub.url)
    expect(page).to_have_title("LumiHub")
    logo = page.get_by_role("img", name="LumiHub")
    expect(logo).to_be_visible()
    assert logo.evaluate("image => image.naturalWidth") > 0
    expect(page.get_by_label("User name")).to_be_focused()
    picture(page, "10-login")
    assert complaints == []
    log_in(page, "anna", "not-her-password")
    expect(page.get_by_role("alert")).to_have_text("Invalid username or password")
    expect(page.get_by_label("User name")).to_have_value("anna")
    expect(page.get_by_label("Password")).to_have_value("")
    picture(page, "12-wrong-password")


def test_the_right_password_leads_to_the_welcome_lesson(anna: JupyterLab) -> None:
    assert "/user/anna/lab" in anna.page.url
    expect(anna.page.get_by_role("tab", name="00-welcome.ipynb")).to_be_visible()
    expect(anna.page.locator(".jp-DirListing-item")).to_have_count(3)
    assert anna.complaints == []


def test_the_keyboard_is_enough(anna: JupyterLab, picture: Callable[[Page, str], None]) -> None:
    anna.page.get_by_role("tab", name="00-welcome.ipynb").click()
    anna.wait_until_ready(WELCOME)
    # From here on no mouse: text, text, the first cell, text, the plot, text.
    anna.press("Home", *["Shift+Enter"] * 3)
    expect(anna.outputs("2 + 3 * 7")).to_have_text("23")
    anna.press(*["Shift+Enter"] * 3)
    plot = anna.outputs("m4l_notebook").get_by_role("img")
    plot.wait_for()
    expect(anna.focused()).to_contain_text("welcome-label")
    picture(anna.page, "21-first-plot")
    anna.press("Control+Enter")
    card = Card(anna.cell("welcome-label"))
    asked = load_question("welcome-label")
    card.reply.wait_for(state="attached")
    walk_to(anna, card.card.get_by_role("radio", name=asked.options[0].text))
    anna.press("Space")
    walk_to(anna, card.card.get_by_role("button", name="Check"))
    anna.press("Space")
    expect(card.reply).to_have_text(f"✗ Not yet. {asked.wrong}")
    walk_to(anna, card.card.get_by_role("button", name="Hint"))
    anna.press("Space")
    expect(card.reply).to_have_text(f"Hint 1 of {len(asked.hints)}: {asked.hints[0]}")
    right = card.card.get_by_role("radio", name=asked.options[1].text)
    walk_to(anna, right, "Shift+Tab")
    anna.press("Space")
    expect(right).to_be_checked()
    walk_to(anna, card.card.get_by_role("button", name="Check"))
    anna.press("Space")
    expect(card.reply).to_have_text(f"✓ Right. {asked.right}")
    card.reply.scroll_into_view_if_needed()
    picture(anna.page, "22-answered-by-keyboard")


def test_the_diagram_of_decays_is_drawn(anna: JupyterLab, picture: Callable[[Page, str], None]) -> None:
    anna.page.get_by_role("tab", name="00-welcome.ipynb").click()
    anna.wait_until_ready(WELCOME)
    anna.cell("figure = draw_sankey()").locator(".cm-content").click()
    anna.press("Shift+Enter")
    diagram = anna.outputs("figure = draw_sankey()").get_by_role("img")
    diagram.scroll_into_view_if_needed()
    picture(anna.page, "23-diagram")
    assert len(find_colours(diagram)) > 100
    expect(diagram).to_have_attribute("alt", re.compile("^What a Higgs boson decays into, .* bottom quarks 58.1 %"))


def walk_to(lab: JupyterLab, control: Locator, key: str = "Tab", most: int = 4) -> None:
    """Press Tab, or another key, until the control has the keyboard."""
    for _ in range(most):
        lab.press(key)
        if control.evaluate("element => element === document.activeElement"):
            return
    expect(control).to_be_focused(timeout=1)


def test_a_lesson_runs_to_its_end_and_shows_its_plot(lesson: JupyterLab, picture: Callable[[Page, str], None]) -> None:
    prompts = lesson.prompts()
    assert len(prompts) == 12
    assert all(re.fullmatch(r"\[\d+\]:", prompt) for prompt in prompts), prompts
    assert lesson.notebook.locator(ERRORS).all_inner_texts() == []
    expect(lesson.outputs("data.label()")).to_have_text(f"You work with: {SIMULATED}")
    plot = lesson.outputs('analysis.plot(result, "m4l")').get_by_role("img")
    plot.scroll_into_view_if_needed()
    picture(lesson.page, "31-plot")
    size = plot.bounding_box()
    assert size
    assert size["width"] > 400
    assert size["height"] > 300
    colours = find_colours(plot)
    signal = tuple(bytes.fromhex(SIGNAL_COLOUR.removeprefix("#")))
    assert {(255, 255, 255), (0, 0, 0), signal} <= colours
    expect(plot).to_have_attribute("alt", re.compile("^Histogram of the mass of the four leptons from 80 .* Data: "))
    assert lesson.complaints == []
    lesson.outputs("result.cutflow").first.scroll_into_view_if_needed()
    picture(lesson.page, "32-cutflow")


def test_a_question_is_answered_with_the_mouse(lesson: JupyterLab, picture: Callable[[Page, str], None]) -> None:
    card = Card(lesson.cell("4l-predict"))
    asked = load_question("4l-predict")
    wrong, right = (next(each for each in asked.options if each.right is answer) for answer in (False, True))
    card.card.scroll_into_view_if_needed()
    card.press("Check")
    expect(card.reply).to_have_text("Choose or type an answer first.")
    card.choose(wrong.text)
    card.press("Check")
    expect(card.reply).to_have_text(f"✗ Not yet. {wrong.because}")
    picture(lesson.page, "33-wrong-answer")
    for place, hint in enumerate(asked.hints, 1):
        card.press("Hint")
        expect(card.reply).to_have_text(f"Hint {place} of {len(asked.hints)}: {hint}")
    card.choose(right.text)
    card.press("Check")
    expect(card.reply).to_have_text(f"✓ Right. {right.because}")
    picture(lesson.page, "34-right-answer")


def test_a_number_is_typed_as_an_answer(lesson: JupyterLab, picture: Callable[[Page, str], None]) -> None:
    card = Card(lesson.cell("4l-z-peak"))
    field = card.card.get_by_role("textbox")
    for typed, reply in (("125", "✗ Not yet. That is the peak of the Higgs boson."), ("91,2", "✓ Right. About 91")):
        field.fill(typed)
        card.press("Check")
        expect(card.reply).to_contain_text(reply)
    picture(lesson.page, "35-number")


def test_the_dask_dashboard_is_live_for_its_owner_and_closed_to_others(
    lesson: JupyterLab,
    hub: Installation,
    passwords: dict[str, str],
    page: Page,
    picture: Callable[[Page, str], None],
) -> None:
    lesson.page.get_by_role("button", name="New Launcher (").click()
    picture(lesson.page, "40-launcher")
    with lesson.page.expect_websocket(lambda socket: "/user/anna/dask/status/ws" in socket.url) as opened:
        lesson.page.locator(".jp-LauncherCard", has_text="Dask dashboard").click()
    opened.value.wait_for_event("framereceived")
    dashboard = lesson.page.frame_locator("iframe[src*='/dask/status']")
    expect(dashboard.locator("canvas").first).to_be_visible()
    expect(dashboard.get_by_text("Status", exact=True).first).to_be_visible()
    menu = dashboard.locator(".navbar").bounding_box()
    assert menu
    assert 800 < menu["width"] < 1000
    assert menu["height"] < 50, "the menu covers what is below its first row"
    picture(lesson.page, "41-dashboard")
    page.goto(f"{hub.url}user/anna/dask/status")
    log_in(page, "ben", passwords["ben"])
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()
    assert page.locator("canvas").count() == 0
    picture(page, "42-dashboard-refused")
    answer = page.goto(f"{hub.url}user/anna/dask/status")
    assert answer
    assert answer.status == 404


def test_a_newcomer_signs_up_and_the_admin_approves(
    hub: Installation, browser: Browser, page: Page, picture: Callable[[Page, str], None]
) -> None:
    password = "a-long-password"
    page.goto(hub.url)
    page.get_by_role("link", name="Sign up").click()
    picture(page, "50-sign-up")
    page.get_by_label("User name").fill("clara")
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_label("Password once more").fill(password)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("alert")).to_have_text(
        "Your request is with your teacher. You can log in as soon as it is approved."
    )
    picture(page, "51-signed-up")
    page.get_by_role("link", name="Log in").click()
    log_in(page, "clara", password)
    expect(page.get_by_text("Your account waits for approval: ask your teacher.")).to_be_visible()
    picture(page, "52-waits")
    with person(browser) as admin:
        list_of_students = admin.new_page()
        list_of_students.goto(f"{hub.url}hub/authorize")
        log_in(list_of_students, "admin", hub.admin_password)
        row = list_of_students.get_by_role("row").filter(has_text="clara")
        expect(row).to_contain_text("waits for approval")
        picture(list_of_students, "53-approve")
        row.get_by_role("button", name="Approve").click()
        expect(row).to_contain_text("yes")
        picture(list_of_students, "54-approved")
    page.goto(hub.url)
    log_in(page, "clara", password)
    JupyterLab(page, []).wait_until_ready(WELCOME)
    picture(page, "55-logged-in")
