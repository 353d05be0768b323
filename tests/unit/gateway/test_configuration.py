from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lumihub.gateway.configuration import Configuration


@pytest.mark.parametrize(
    ("groups", "cohort"),
    [
        ([], "default"),
        (["chess"], "default"),
        (["chess", "class-9b"], "class-9b"),
        (["default", "class-9b"], "default"),
    ],
)
def test_a_students_cohort_is_named_by_a_group(configuration: Configuration, groups: list[str], cohort: str) -> None:
    assert configuration.find_cohort(groups) == cohort


def test_no_more_is_kept_than_may_be_taken(configuration: Configuration) -> None:
    assert configuration.worker.memory_guarantee == configuration.worker.memory == 1 << 30
    assert configuration.scheduler.memory_guarantee == 1 << 28
    assert configuration.scheduler.cpu_guarantee == 0.1
