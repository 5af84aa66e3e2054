import os
from pathlib import Path

import pytest

from tradai.entrypoint._sweep.run_limit import RunLimit

GIB = 2**30


@pytest.fixture(autouse=True)
def _cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 4, 6}, raising=False)


def machine(
    root: Path,
    *,
    free_kib: int = 64 * 2**20,
    groups: str = "",
    limits: dict[str, str] | None = None,
) -> Path:
    files = {
        "proc/meminfo": f"MemTotal: 99 kB\nMemAvailable: {free_kib} kB\n",
        "proc/self/cgroup": groups,
    } | {f"sys/fs/cgroup/{name}": text for name, text in (limits or {}).items()}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_each_core_that_the_process_may_use_gets_a_run(tmp_path: Path) -> None:
    assert RunLimit.of_machine(machine(tmp_path)).runs == 4


def test_free_memory_bounds_the_runs(tmp_path: Path) -> None:
    limit = RunLimit.of_machine(machine(tmp_path, free_kib=5 * 2**19))

    assert limit.runs == 2
    assert limit.sentence() == (
        "2 at a time (4 cores, 2.5 GiB of memory at 1 GiB a run); --limit K changes it"
    )


def test_little_memory_still_leaves_one_run(tmp_path: Path) -> None:
    assert RunLimit.of_machine(machine(tmp_path, free_kib=1000)).runs == 1


@pytest.mark.parametrize(
    ("groups", "limits"),
    [
        ("0::/job\n", {"job/memory.max": f"{3 * GIB}\n", "memory.max": "max\n"}),
        ("0::/job/step\n", {"job/step/memory.max": "max\n", "job/memory.max": f"{3 * GIB}\n"}),
        ("0::/docker/abc\n", {"memory.max": f"{3 * GIB}\n"}),
        (
            "4:memory:/job\n1:cpu:/\n",
            {"memory/job/memory.limit_in_bytes": f"{3 * GIB}\n"},
        ),
        (
            "4:memory:/docker/abc\n",
            {"memory/memory.limit_in_bytes": f"{3 * GIB}\n"},
        ),
    ],
    ids=["version 2", "group above", "container", "version 1", "container of version 1"],
)
def test_a_control_group_bounds_the_runs(
    tmp_path: Path, groups: str, limits: dict[str, str]
) -> None:
    assert RunLimit.of_machine(machine(tmp_path, groups=groups, limits=limits)).runs == 3


def test_a_system_without_these_files_counts_cores_alone(tmp_path: Path) -> None:
    limit = RunLimit.of_machine(tmp_path)

    assert limit.runs == 4
    assert limit.sentence() == "4 at a time (4 cores); --limit K changes it"


def test_this_machine_has_room_for_a_run() -> None:
    assert RunLimit.of_machine().runs >= 1
