"""Number of runs at a time: one for each core, as far as memory allows."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, final

from tradai.entrypoint._report.formatting import counted

_GIB: Final = 2**30
# The engine and its run took 0.41 GiB on the candles of the quickstart; those of years need more.
_RUN_BYTES: Final = _GIB
_ROOT: Final = Path("/")
# Where the limit of a control group is, for version 2 and version 1.
_LIMITS: Final = (("", "memory.max"), ("memory", "memory.limit_in_bytes"))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimit:
    """Number of runs that this machine has room for.

    Attributes:
        cores: Cores that this process may use.
        memory_bytes: Memory that is free for it; None where the system does not say.
    """

    cores: int
    memory_bytes: int | None

    @classmethod
    def of_machine(cls, root: Path = _ROOT) -> Self:
        """Measure this machine, or the container around this process; `root` has its files."""
        return cls(cores=_cores(), memory_bytes=min(_memory(root), default=None))

    @property
    def runs(self) -> int:
        """Number of runs at a time, at least one."""
        if self.memory_bytes is None:
            return self.cores
        return max(1, min(self.cores, self.memory_bytes // _RUN_BYTES))

    def sentence(self) -> str:
        """Return the number and its reason, for people."""
        cores, free = counted(self.cores, "core"), self.memory_bytes
        memory = "" if free is None else f", {free / _GIB:.1f} GiB of memory at 1 GiB a run"
        return f"{self.runs} at a time ({cores}{memory}); --limit K changes it"


def _cores() -> int:
    # macOS has no affinity.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory(root: Path) -> Iterator[int]:
    """Yield the free memory of the machine, and each limit of the control groups around it."""
    for line in _lines(root / "proc/meminfo"):
        name, _, size = line.partition(":")
        if name == "MemAvailable":
            yield int(size.split()[0]) * 1024
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, group = line.split(":", 2)
        for controller, name in _LIMITS:
            if controller in controllers.split(","):
                yield from _group_limits(root / "sys/fs/cgroup" / controller, group, name)


def _group_limits(mount: Path, group: str, name: str) -> Iterator[int]:
    # In a container the mount may begin at the group itself, whose path is then not below it.
    place = mount / group.lstrip("/")
    for folder in (place, *place.parents):
        if folder.is_relative_to(mount):
            yield from (int(line) for line in _lines(folder / name) if line.isdigit())


def _lines(path: Path) -> list[str]:
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    return []
