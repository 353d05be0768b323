"""More students than may start or run at once: whoever comes last waits on a page that comes again by itself."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from servers.hub import running_hub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lumihub.operations.student import StudentSession
    from servers.hub import Installation

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def hub() -> Iterator[Installation]:
    with running_hub(hub={"concurrentSpawnLimit": 1, "activeServerLimit": 2}) as one:
        yield one


@pytest.fixture(scope="module")
def passwords(hub: Installation) -> dict[str, str]:
    return hub.add("anna", "ben", "carla")


def find_wait(student: StudentSession) -> tuple[str, int]:
    """What the page says to a student who asks for a server, and the seconds until it asks again."""
    answer = student._ask("GET", f"{student.url}hub/spawn")
    assert answer.status_code == 429, answer.text
    wait = re.search(r'<meta http-equiv="refresh" content="(\d+)">', answer.text)
    assert wait is not None, answer.text
    return answer.text, int(wait[1])


def test_who_finds_others_starting_gets_in_by_waiting(hub: Installation, passwords: dict[str, str]) -> None:
    begun = threading.Event()
    with (
        hub.student("anna", passwords["anna"], server=False) as anna,
        hub.student("ben", passwords["ben"], server=False) as ben,
        ThreadPoolExecutor(1) as pool,
    ):
        starting = pool.submit(anna.start_server, listen=lambda _: begun.set())
        assert begun.wait(30)
        text, seconds = find_wait(ben)
        assert "Many servers are starting just now" in text
        assert 10 <= seconds <= 20
        said: list[str] = []
        waited = ben.start_server(listen=said.append)
        assert said[0].startswith("Too many users trying to log in right now")
        assert waited >= 10
        assert starting.result() < 60
        assert anna.get("api/status").ok


def test_who_finds_the_hub_full_gets_in_when_another_ends(hub: Installation, passwords: dict[str, str]) -> None:
    with (
        hub.student("anna", passwords["anna"]) as anna,
        hub.student("ben", passwords["ben"]),
        hub.student("carla", passwords["carla"], server=False) as carla,
    ):
        text, seconds = find_wait(carla)
        assert "Yours starts when another ends" in text
        assert seconds == 60
        anna.stop_server()
        assert carla.start_server() < 60
