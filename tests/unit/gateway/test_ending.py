from __future__ import annotations

import asyncio

import pytest

from lumihub.gateway.ending import Owners, find_end


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({}, None),
        ({"abandoned": True}, "its student has no server"),
        ({"age": 3601.0}, "it is older than 3600 s"),
        ({"running": False}, None),
        ({"running": False, "age": 301.0}, "its scheduler did not start within 300 s"),
    ],
)
def test_why_a_cluster_ends(state: dict[str, float], reason: str | None) -> None:
    assert find_end(**{"age": 10.0, "running": True, "abandoned": False, "max_age": 3600.0, **state}) == reason


@pytest.mark.parametrize(
    ("answers", "gone"),
    [
        ([True, True], False),
        ([False], False),
        ([False, False], True),
        ([False, True, False], False),
        # A hub that is away neither ends a cluster nor saves one.
        ([None, None, None], False),
        ([False, None, False], True),
    ],
)
def test_an_owner_is_gone_when_the_hub_says_so_twice(answers: list[bool | None], gone: bool) -> None:
    said = iter(answers)

    async def ask(name: str) -> bool | None:
        assert name == "ada"
        return next(said)

    async def look() -> bool:
        owners = Owners(ask)
        for _ in answers:
            await owners.look(["ada"])
        return owners.is_gone("ada")

    assert asyncio.run(look()) is gone
