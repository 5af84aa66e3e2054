"""The command `jobs reap`, with a runner whose jobs may be left behind."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from tradai.core.exceptions import ExternalServiceError
from tradai.entrypoint import ExitCode, Interrupts
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._commands.jobs import reap


@dataclass(frozen=True, kw_only=True)
class Expired:
    job_id: str
    task_arn: str = "arn:task"
    expired_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    is_stopped: bool = False


class Runner:
    """A runner with these expired jobs; the runners that have some are in adapters."""

    def __init__(self, *expired: Expired) -> None:
        self.stopped: list[str] = []
        self._expired = expired

    def reap(self, *, dry_run: bool = True) -> Iterator[Expired]:
        for job in self._expired:
            if not dry_run:
                self.stopped.append(job.job_id)
            yield replace(job, is_stopped=not dry_run)


def call(*words: str) -> int:
    return run_command(["jobs", "reap", *words], interrupts=Interrupts())


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Runner:
    runner = Runner(Expired(job_id="job-1"), Expired(job_id="job-2"))
    monkeypatch.setattr(reap, "backend_for", lambda _group, _uri: runner)
    return runner


def test_nothing_is_stopped_unless_it_is_asked_for(
    runner: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--on", "ecs:") == 0

    out = capsys.readouterr().out
    assert "job-1  2026-01-01 00:00:00Z  -" in out
    assert "nothing was stopped: --yes stops them" in out
    assert runner.stopped == []


def test_every_expired_job_is_stopped_when_it_is_asked_for(
    runner: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--on", "ecs:", "--yes", "--json") == 0

    assert runner.stopped == ["job-1", "job-2"]
    first, _ = json.loads(capsys.readouterr().out)
    assert first == {
        "job_id": "job-1",
        "native_id": "arn:task",
        "expired_at": "2026-01-01T00:00:00+00:00",
        "is_stopped": True,
    }


def test_a_job_that_cannot_be_stopped_does_not_hide_the_others(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail_in_the_end(*, dry_run: bool = True) -> Iterator[Expired]:
        yield from Runner(Expired(job_id="job-1")).reap(dry_run=dry_run)
        message = "job-2 cannot be stopped"
        raise ExternalServiceError(message, service="fake", operation="stop")

    monkeypatch.setattr(runner, "reap", fail_in_the_end)

    assert call("--on", "ecs:", "--yes") == ExitCode.UNAVAILABLE

    out, err = capsys.readouterr()
    assert "job-1  2026-01-01 00:00:00Z  requested" in out
    assert "job-2 cannot be stopped" in err


def test_a_runner_without_expired_jobs_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reap, "backend_for", lambda _group, _uri: Runner())

    assert call("--on", "ecs:") == 0

    assert capsys.readouterr().out == "no job on ecs: has expired\n"


def test_a_runner_that_leaves_nothing_behind_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call("--on", "local:") == ExitCode.CONFIGURATION

    assert "jobs on local: leave nothing to reap" in capsys.readouterr().err
