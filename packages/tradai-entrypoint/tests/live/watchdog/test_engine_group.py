"""A group is killed by its leader, never by a number that another process has by now."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tradai.entrypoint._live._watchdog.engine_group import EngineGroup, started_at


def _no_descriptor(_pid: int) -> int:
    raise OSError(errno.ENOSYS, "not in this kernel")


@pytest.fixture(params=["descriptor", "start"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell processes apart by descriptor, and by start where a kernel has no descriptors."""
    if request.param == "start":
        monkeypatch.setattr(os, "pidfd_open", _no_descriptor)


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Note what would be killed."""
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "killpg", lambda *group: killed.append(group))
    return killed


@pytest.fixture
def leader() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that leads a group."""
    program = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(program, start_new_session=True) as process:
        yield process
        process.kill()


def _group(leader: "subprocess.Popen[bytes]") -> EngineGroup:
    return EngineGroup(leader.pid, started=started_at(leader.pid))


def test_a_group_is_killed_and_waited_for(leader: "subprocess.Popen[bytes]") -> None:
    group = _group(leader)
    assert group.is_running

    group.kill()

    assert leader.wait() == -signal.SIGKILL
    assert group.wait(60)
    assert not group.is_running
    group.close()


def test_a_leader_that_lives_on_is_waited_for_no_longer_than_asked(
    leader: "subprocess.Popen[bytes]",
) -> None:
    assert not _group(leader).wait(0.1)


def test_the_number_of_a_leader_that_has_ended_is_not_killed(
    leader: "subprocess.Popen[bytes]", kills: list[tuple[int, int]]
) -> None:
    group = _group(leader)
    leader.kill()
    leader.wait()

    group.kill()

    assert kills == []


def test_another_process_with_the_number_of_the_leader_is_not_killed(
    leader: "subprocess.Popen[bytes]",
    kills: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "pidfd_open", _no_descriptor)
    group = _group(leader)
    module = "tradai.entrypoint._live._watchdog.engine_group"
    monkeypatch.setattr(f"{module}.started_at", lambda _pid: "a later start")

    group.kill()

    assert kills == []
    assert not group.is_running


def test_a_leader_with_another_start_is_refused(leader: "subprocess.Popen[bytes]") -> None:
    with pytest.raises(ProcessLookupError):
        EngineGroup(leader.pid, started="1")


def test_a_leader_that_is_gone_is_refused(leader: "subprocess.Popen[bytes]") -> None:
    started = started_at(leader.pid)
    leader.kill()
    leader.wait()

    with pytest.raises(ProcessLookupError):
        EngineGroup(leader.pid, started=started)


def test_a_later_process_has_a_later_start(leader: "subprocess.Popen[bytes]") -> None:
    mine, its = started_at(os.getpid()), started_at(leader.pid)

    assert mine is not None
    assert its is not None
    assert int(mine) < int(its)
