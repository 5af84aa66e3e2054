"""The stand-ins listen on loopback only."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from servers.aws import STANDINS


def _files(process: Path) -> Iterator[str]:
    """Yield what a process has open; files that it closes meanwhile are passed over."""
    for file in (process / "fd").iterdir():
        with suppress(FileNotFoundError):
            yield str(file.readlink())


def _listening(group: int) -> set[str]:
    """Return the addresses on which the processes of a group listen, from /proc."""
    sockets: set[str] = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if os.getpgid(int(process.name)) == group:
                sockets |= set(_files(process))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A" and f"socket:[{rest[5]}]" in sockets:
                found.add(local.split(":")[0])
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("name", STANDINS)
def test_a_standin_is_reachable_from_this_machine_only(name: str, tmp_path: Path) -> None:
    standin = STANDINS[name](tmp_path)

    with standin.server.running() as group:
        listening = _listening(group)

    assert listening == {"0100007F"}


@pytest.mark.skipif(sys.platform != "linux", reason="uses ps")
def test_a_stopped_server_leaves_no_process(tmp_path: Path) -> None:
    standin = STANDINS["moto"](tmp_path)

    with standin.server.running() as group:
        pass

    done = subprocess.run(["ps", "-o", "pid=", "-g", str(group)], capture_output=True, check=False)
    assert done.stdout.split() == []
