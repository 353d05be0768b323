from __future__ import annotations

from lumihub.kubernetes.doctor.guards import judge_processes


def test_every_node_limits_processes() -> None:
    found = judge_processes({"a": 8192, "b": 4096})
    assert (found.ok, found.detail) == (True, "a pod may start 4,096 at most")


def test_without_a_node_there_is_nothing_to_judge() -> None:
    found = judge_processes({})
    assert (found.ok, found.detail) == (False, "the cluster has no node, so no pod can run")


def test_nodes_without_a_limit_are_named() -> None:
    found = judge_processes({"a": 4096, "b": -1, "c": 0, "d": -1, "e": -1})
    assert not found.ok
    assert not found.stops_up
    assert (
        found.detail == "no limit for a pod on b, c, d and 1 more: one student's fork bomb takes such a node from all"
    )
