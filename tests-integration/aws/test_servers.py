"""Stand-ins for AWS: they listen on loopback only, and a stopped server leaves no process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from servers.aws import STANDINS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def _listeners() -> Iterator[tuple[str, str, str]]:
    """Yield address, port and socket of every listener."""
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                address, port = fields[1].split(":")
                yield address, port, f"socket:[{fields[9]}]"


def _sockets() -> dict[int, set[str]]:
    """Return the sockets of each group of processes."""
    sockets: dict[int, set[str]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, PermissionError, ProcessLookupError):
            group = os.getpgid(int(process.name))
            sockets.setdefault(group, set()).update(_files(process))
    return sockets


def _files(process: Path) -> Iterator[str]:
    """Yield the open files of a process, without those that it closes meanwhile."""
    for file in (process / "fd").iterdir():
        with suppress(FileNotFoundError):
            yield str(file.readlink())


@pytest.mark.parametrize("name", STANDINS)
def test_a_standin_is_reachable_from_this_machine_only(
    name: str, request: pytest.FixtureRequest
) -> None:
    port = f"{urlsplit(request.getfixturevalue(name)).port:04X}"

    listeners = list(_listeners())

    (own,) = [socket for _, used, socket in listeners if used == port]
    group = next(sockets for sockets in _sockets().values() if own in sockets)
    assert {address for address, _, socket in listeners if socket in group} == {"0100007F"}


def test_a_stopped_server_leaves_no_process(tmp_path: Path) -> None:
    standin = STANDINS["moto"](tmp_path)

    with standin.server.running() as group:
        pass

    done = subprocess.run(["ps", "-o", "pid=", "-g", str(group)], capture_output=True, check=False)
    assert done.stdout.split() == []
