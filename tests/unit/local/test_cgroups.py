from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.local.cgroups import Limits, build_limits, find_hierarchy

if TYPE_CHECKING:
    from pathlib import Path


def test_limits_of_version_2() -> None:
    limits = Limits(memory=2**30, cpu=1.5, tasks=100)
    assert build_limits(2, "memory", limits) == [("memory.max", "1073741824"), ("memory.swap.max", "0")]
    assert build_limits(2, "cpu", limits) == [("cpu.max", "150000 100000")]
    assert build_limits(2, "pids", limits) == [("pids.max", "100")]


def test_limits_of_version_1_open_swap_first_and_close_it_last() -> None:
    assert build_limits(1, "memory", Limits(memory=5, cpu=None)) == [
        ("memory.memsw.limit_in_bytes", "-1"),
        ("memory.limit_in_bytes", "5"),
        ("memory.memsw.limit_in_bytes", "5"),
    ]


def test_no_limit() -> None:
    limits = Limits(memory=None, cpu=None)
    assert build_limits(2, "memory", limits)[0] == ("memory.max", "max")
    assert build_limits(2, "cpu", limits) == [("cpu.max", "max 100000")]
    assert build_limits(1, "memory", limits)[1] == ("memory.limit_in_bytes", "-1")
    assert build_limits(1, "cpu", limits)[1] == ("cpu.cfs_quota_us", "-1")


def test_machine_without_control_groups(tmp_path: Path) -> None:
    assert find_hierarchy("abc", tmp_path) is None


def test_version_2_is_taken_where_its_controllers_can_be_delegated(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids")
    hierarchy = find_hierarchy("abc", tmp_path)
    assert hierarchy is not None
    assert hierarchy.version == 2
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory +cpu +pids"
    assert hierarchy.group("anna").entrances == (tmp_path / "lumihub/abc/anna/cgroup.procs",)


def test_version_2_without_memory_is_not_enough(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("hugetlb")
    for controller in ("memory", "pids"):
        (tmp_path / controller).mkdir()
        (tmp_path / controller / "cgroup.procs").touch()
    hierarchy = find_hierarchy("abc", tmp_path)
    assert hierarchy is not None
    assert (hierarchy.version, sorted(hierarchy.parents)) == (1, ["memory", "pids"])
    assert hierarchy.limits_memory
