from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lumihub.gateway.room import Orders, find_refusal

if TYPE_CHECKING:
    from lumihub.gateway.configuration import Configuration

DEFAULT, OTHER = "lumihub-dask-default", "lumihub-dask-class-9b"


def record(student: str, namespace: str = DEFAULT, phase: str = "", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"namespace": namespace, "name": student},
        "spec": {"username": student, **spec},
        "status": {"phase": phase} if phase else {},
    }


# Three clusters and six workers fit into a cohort.
@pytest.mark.parametrize(
    ("living", "refusal"),
    [
        ([], None),
        ([record("ada")], "you have 1 Dask cluster, the most a student may have"),
        # A student who has changed the cohort has no more for it.
        ([record("ada", OTHER)], "you have 1 Dask cluster, the most a student may have"),
        ([record("ben"), record("cy"), record("dora", OTHER)], None),
        ([record("ben"), record("cy"), record("dora")], "all 3 Dask clusters of your class are in use"),
        ([record("ben", replicas=4), record("cy", replicas=2)], "all 6 Dask workers of your class are in use"),
        ([record("ben", replicas=4), record("cy", replicas=1)], None),
    ],
)
def test_why_a_student_gets_no_cluster(
    living: list[dict[str, Any]], refusal: str | None, configuration: Configuration
) -> None:
    assert find_refusal("ada", DEFAULT, living, configuration) == refusal


def test_a_student_who_may_have_two_is_told_of_two(configuration: Configuration) -> None:
    two = replace(configuration, clusters_per_student=2)
    assert find_refusal("ada", DEFAULT, [record("ada")], two) is None
    assert (
        find_refusal("ada", DEFAULT, [record("ada")] * 2, two)
        == "you have 2 Dask clusters, the most a student may have"
    )


def test_what_has_ended_takes_no_room() -> None:
    seen = {
        "running": record("ada", phase="Running"),
        "stopped": record("ben", phase="Stopped"),
        "failed": record("cy", phase="Failed"),
        "ending": record("dora", active=False),
    }
    assert Orders().add_to(seen) == [seen["running"]]


def test_an_order_takes_room_once_until_its_cluster_is_seen() -> None:
    orders = Orders()
    orders.add("one", record("ada"))
    assert orders.add_to({}) == [record("ada")]
    assert orders.add_to({"one": record("ada", phase="Pending")}) == [record("ada", phase="Pending")]
    # Seen as ended: the order has come to its end too.
    assert orders.add_to({"one": record("ada", phase="Stopped")}) == []
    orders.remove(["one"])
    assert orders.add_to({}) == []


def test_a_list_shows_what_was_made_before_it_was_begun() -> None:
    orders = Orders()
    for name in ("made", "on its way"):
        orders.add(name, record(name))
    orders.mark_made("made")
    orders.mark_made("seen long ago")
    assert orders.made == {"made"}
    orders.remove(orders.made)
    assert orders.add_to({}) == [record("on its way")]
    assert orders.made == set()
