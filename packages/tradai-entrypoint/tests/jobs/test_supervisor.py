import json
import os
import time
from pathlib import Path

import pytest

from tradai.core import JobInfo, JobStatus
from tradai.entrypoint._jobs import supervisor


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
