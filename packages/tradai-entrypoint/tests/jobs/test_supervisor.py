import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tradai.core import JobInfo, JobStatus
from tradai.entrypoint._jobs import supervisor
from tradai.entrypoint._process.exec_child import child_starter


@pytest.mark.parametrize(
    ("code", "cause", "end"),
    [
        (0, None, ("completed", 0, "it ended with exit code 0")),
        (3, None, ("failed", 3, "it ended with exit code 3")),
        (-9, None, ("failed", 137, "SIGKILL ended it")),
        (-15, None, ("failed", 143, "SIGTERM ended it")),
        (-64, None, ("failed", 192, "SIGRTMAX ended it")),
        (-40, None, ("failed", 168, "signal 40 ended it")),
        (0, ("cancelled", "it was stopped"), ("cancelled", 0, "it was stopped")),
        (-15, ("cancelled", "it was stopped"), ("cancelled", 143, "it was stopped")),
        (0, ("failed", "its time limit"), ("failed", 0, "its time limit")),
    ],
)
def test_only_exit_code_0_of_a_job_that_was_not_stopped_is_a_success(
    code: int, cause: tuple[str, str] | None, end: tuple[str, int, str]
) -> None:
    assert supervisor.verdict(code, cause) == end
    info = JobInfo(status=JobStatus(end[0]), exit_code=end[1], reason=end[2])
    assert info.status.is_terminal


@pytest.mark.parametrize("lacks", [(), ("waitid",), ("waitid", "pidfd_open")])
def test_the_end_of_a_child_is_seen_without_the_calls_that_some_systems_lack(
    lacks: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in lacks:
        monkeypatch.delattr(os, name, raising=False)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(7)
    os.close(reader)

    with supervisor.ExitWatch(child) as watch:
        assert not watch.has_ended()
        os.close(writer)
        while not watch.has_ended():
            watch.wait(0.1)
        assert watch.exit_code() == 7
        assert watch.has_ended()


def test_a_verdict_waits_until_the_disk_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refusals = [OSError(28, "no space"), OSError(28, "no space")]
    write = supervisor.write_json

    def write_on_a_full_disk(name: str, value: object) -> None:
        if refusals:
            raise refusals.pop()
        write(name, value)

    pauses: list[float] = []
    monkeypatch.setattr(supervisor, "write_json", write_on_a_full_disk)
    monkeypatch.setattr(time, "sleep", pauses.append)

    supervisor.write_until_it_works({"status": "failed"})

    assert json.loads((tmp_path / "state.json").read_text()) == {"status": "failed"}
    assert len(pauses) == 2


def test_a_failed_write_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    supervisor.write_json("state.json", {"status": "running"})

    with pytest.raises(TypeError):
        supervisor.write_json("state.json", {"status": object()})

    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]
    assert json.loads((tmp_path / "state.json").read_text()) == {"status": "running"}


@pytest.fixture
def _signals_are_restored() -> Iterator[None]:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    former = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_signals_are_restored")
@pytest.mark.parametrize(
    ("change", "stop", "end"),
    [
        ({}, None, ("failed", 3, "it ended with exit code 3")),
        ({"is_found": False}, None, ("failed", 127, "the program sh was not found")),
        ({}, "enough", ("cancelled", None, "it was stopped: enough")),
        (
            {"command": ["sh", "-c", "sleep 600"], "time_limit_s": 0},
            None,
            ("failed", 143, "its time limit of 0 s has passed"),
        ),
        ({"starter": ["/no/such/starter"]}, None, ("failed", 126, "it ended with exit code 126")),
    ],
)
def test_a_supervisor_takes_its_job_from_start_to_end(
    change: dict[str, object],
    stop: str | None,
    end: tuple[str, int | None, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    # This process keeps its terminal, and the session of its test run.
    monkeypatch.setattr(supervisor, "_release_terminal", lambda: None)
    (tmp_path / "work").mkdir()
    if stop is not None:
        supervisor.write_json("stop.json", {"reason": stop})
    reader, writer = os.pipe()
    lock = os.open("lock", os.O_RDWR | os.O_CREAT)
    job = {
        "starter": child_starter(),
        "command": ["sh", "-c", "echo out; exit 3"],
        "is_found": True,
        "environment": {"PATH": os.environ["PATH"]},
        "time_limit_s": None,
        "stop_grace_s": 60,
    }

    supervisor.Supervisor(job | change).run(begun=writer, lock=lock)

    assert os.read(reader, 1) == b"1"
    os.close(reader)
    os.close(lock)
    state = json.loads((tmp_path / "state.json").read_text())
    info = JobInfo.from_json(state)
    assert (info.status.value, info.exit_code, info.reason) == end
    assert state["log_bytes"] == (tmp_path / "output.log").stat().st_size


@pytest.mark.usefixtures("_signals_are_restored")
def test_a_stop_that_comes_before_the_program_is_started_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    log = os.open("output.log", os.O_RDWR | os.O_CREAT)
    lock = os.open("lock", os.O_RDWR | os.O_CREAT)
    signal.signal(signal.SIGTERM, lambda *_: None)  # as the supervisor does

    def wait_for_a_signal(*_: object) -> NoReturn:
        signal.pause()
        os._exit(5)

    monkeypatch.setattr(supervisor, "_become", wait_for_a_signal)
    child = supervisor._start({}, log, lock)  # noqa: SLF001 - the moment is inside of it
    os.kill(child, signal.SIGTERM)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    os.close(log)
    os.close(lock)
