from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from lumihub.compute import limits
from lumihub.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1024**3


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CPU_LIMIT", "MEM_LIMIT", "LUMIHUB_DASK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)


def machine(root: Path, groups: str, files: dict[str, str]) -> Path:
    for name, text in {"proc/self/cgroup": groups, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_version_2_limits_of_the_group_and_of_those_above_it_hold(tmp_path: Path) -> None:
    root = machine(
        tmp_path,
        "0::/school/ada\n",
        {
            "sys/fs/cgroup/school/ada/cpu.max": "max 100000\n",
            "sys/fs/cgroup/school/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/school/ada/memory.max": f"{2 * GIB}\n",
            "sys/fs/cgroup/school/memory.max": f"{1 * GIB}\n",
        },
    )
    assert limits.cpu_limit(root) == 1.5
    assert limits.memory_limit(root) == GIB


def test_version_1_limits_hold_and_its_unlimited_number_does_not(tmp_path: Path) -> None:
    root = machine(
        tmp_path,
        "4:memory:/docker/ada\n2:cpu,cpuacct:/docker/ada\n",
        {
            "sys/fs/cgroup/cpu,cpuacct/docker/ada/cpu.cfs_quota_us": "200000\n",
            "sys/fs/cgroup/cpu,cpuacct/docker/ada/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/docker/ada/memory.limit_in_bytes": f"{GIB}\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        },
    )
    assert limits.cpu_limit(root) == 2.0
    assert limits.memory_limit(root) == GIB


def test_without_groups_the_machine_is_the_limit(tmp_path: Path) -> None:
    assert limits.cpu_limit(tmp_path) == 64
    assert limits.memory_limit(tmp_path) == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_the_servers_own_limits_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPU_LIMIT", "2.0")
    monkeypatch.setenv("MEM_LIMIT", str(GIB))
    assert limits.cpu_limit(tmp_path) == 2.0
    assert limits.memory_limit(tmp_path) == GIB


@pytest.mark.parametrize(
    ("cores", "memory", "most", "workers"),
    [
        (2, 24 * GIB, 4, 2),
        (64, 24 * GIB, 4, 4),
        (2, 2 * GIB, 4, 2),
        (8, 2 * GIB, 8, 3),
        (1.5, GIB, 4, 1),
        (2, GIB // 2, 4, 0),
    ],
)
def test_workers_fit_cores_memory_and_the_administrators_limit(
    cores: float, memory: int, most: int, workers: int
) -> None:
    assert limits.worker_count(cores, memory, most) == workers


def test_numerical_libraries_get_whole_cores_and_at_least_one() -> None:
    assert limits.thread_environment(2.7)["OMP_NUM_THREADS"] == "2"
    assert limits.thread_environment(0.5)["OPENBLAS_NUM_THREADS"] == "1"
    assert limits.thread_environment(3)["LOKY_MAX_CPU_COUNT"] == "3"


def test_what_the_hub_writes_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits.DaskLimits.current() == limits.DaskLimits(enabled=True, max_workers=4)
    monkeypatch.setenv("LUMIHUB_DASK", '{"enabled": false, "maxWorkers": 2}')
    assert limits.DaskLimits.current() == limits.DaskLimits(enabled=False, max_workers=2)


def test_a_broken_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUMIHUB_DASK", '{"maxWorkers": "many"}')
    with pytest.raises(InputError) as caught:
        limits.DaskLimits.current()
    assert str(caught.value) == (
        "error: LUMIHUB_DASK cannot be read: Input should be a valid integer, unable to parse string as an integer\n"
        '  in the environment variable, \'{"maxWorkers": "many"}\'\n'
        '  fix: unset it, or give it as {"enabled": true, "maxWorkers": 4}'
    )
