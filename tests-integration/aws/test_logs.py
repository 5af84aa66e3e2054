"""Logs of jobs on each stand-in for CloudWatch: written in batches while they are followed."""

import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import pytest

from tradai.aws import AwsSettings, LogFollower, LogPolicy, LogPosition, LogSchedule, client_for
from tradai.core import JobLine, LogSummary
from tradai.core.exceptions import NotFoundError

POLICY = LogPolicy(calls_per_s=50, first_pause_s=0.05, longest_pause_s=0.2, settle_s=1, reorder_s=5)
LINES = 3_000


@pytest.fixture
def logs(settings: AwsSettings) -> Any:
    return client_for("logs", settings)


@pytest.fixture
def group(logs: Any) -> str:
    """A new log group."""
    name = f"jobs/{uuid.uuid4().hex[:12]}"
    logs.create_log_group(logGroupName=name)
    return name


class Job:
    """A job whose output a driver ships to CloudWatch, in batches."""

    def __init__(self, logs: Any, group: str, *, is_contained: bool = True) -> None:
        self.logs, self.group, self.stream = logs, group, "task/main/1"
        self.is_contained = is_contained
        self.is_stopped = threading.Event()

    def run(self, script: str) -> None:
        """Run `script` to its end, and ship what it prints."""
        command = ["sh", "-c", script]
        if self.is_contained:
            command = [sys.executable, "-m", "tradai.entrypoint", "contain", "--", *command]
        try:
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                texts = (line.removesuffix("\n") for line in process.stdout)
                self.logs.create_log_stream(logGroupName=self.group, logStreamName=self.stream)
                for batch in batches(texts):
                    self.ship(batch)
        finally:
            self.is_stopped.set()

    def ship(self, batch: list[str]) -> None:
        now_ms = round(time.time() * 1000)
        self.logs.put_log_events(
            logGroupName=self.group,
            logStreamName=self.stream,
            logEvents=[{"timestamp": now_ms, "message": text} for text in batch],
        )

    def follower(self, schedule: LogSchedule | None = None) -> LogFollower:
        return LogFollower(
            self.logs,
            group=self.group,
            stream=self.stream,
            is_stopped=self.is_stopped.is_set,
            schedule=schedule or LogSchedule(policy=POLICY),
        )


def batches(texts: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(texts, 500)):
        yield batch


def numbers(count: int) -> list[JobLine]:
    return [JobLine(number=n, text=str(n)) for n in range(1, count + 1)]


def test_a_contained_job_is_followed_while_it_writes(logs: Any, group: str) -> None:
    job = Job(logs, group)
    follower = job.follower()

    with ThreadPoolExecutor() as pool:
        running = pool.submit(job.run, f"seq 1 {LINES}")
        lines = list(follower.lines())
        running.result()

    assert lines == numbers(LINES)
    assert follower.summary() == LogSummary(complete=True, expected=LINES, seen=LINES)


def test_a_job_without_numbers_is_followed_and_not_proven(logs: Any, group: str) -> None:
    job = Job(logs, group, is_contained=False)
    follower = job.follower()

    with ThreadPoolExecutor() as pool:
        running = pool.submit(job.run, f"seq 1 {LINES}")
        lines = list(follower.lines())
        running.result()

    assert lines == numbers(LINES)
    assert follower.summary() == LogSummary(complete=False, expected=None, seen=LINES)


@pytest.mark.parametrize("is_contained", [True, False])
def test_another_reader_goes_on_after_one_that_was_killed(
    logs: Any, group: str, *, is_contained: bool
) -> None:
    job = Job(logs, group, is_contained=is_contained)
    job.run(f"seq 1 {LINES}")
    first = job.follower()
    lines = list(islice(first.lines(), 1_234))
    position = LogPosition.from_json(first.position.to_json())

    second = job.follower()
    lines += second.lines(after=position)

    assert lines == numbers(LINES)
    assert second.summary().complete is is_contained


def test_a_reader_that_does_not_follow_gets_the_lines_after_a_number(logs: Any, group: str) -> None:
    job = Job(logs, group)
    job.run("seq 1 1000")
    job.is_stopped.clear()

    lines = list(job.follower().lines(after=900, follow=False))

    assert lines == numbers(1_000)[900:]


def test_long_lines_and_empty_lines_arrive(logs: Any, group: str) -> None:
    job = Job(logs, group)
    follower = job.follower()
    job.run("echo; printf '%040000d\\n' 7; echo; echo last")

    lines = [line.text for line in follower.lines()]

    assert (lines[0], lines[-2:]) == ("", ["", "last"])
    assert "".join(lines[1:-2]) == f"{7:040000d}"
    assert follower.summary().complete


def test_many_logs_share_a_schedule(logs: Any, group: str) -> None:
    schedule = LogSchedule(policy=POLICY)
    jobs = [Job(logs, group) for _ in range(6)]
    for number, job in enumerate(jobs):
        job.stream = f"task/main/{number}"

    def follow(job: Job) -> list[JobLine]:
        return list(job.follower(schedule).lines())

    with ThreadPoolExecutor(12) as pool:
        following = [pool.submit(follow, job) for job in jobs]
        running = [pool.submit(job.run, "seq 1 100") for job in jobs]

        assert [future.result() for future in following] == [numbers(100)] * 6
        assert [future.result() for future in running] == [None] * 6


def test_a_group_that_does_not_exist_is_named(logs: Any, group: str) -> None:
    job = Job(logs, f"{group}/no-such-group")

    with pytest.raises(NotFoundError, match=f"the log group {group}/no-such-group does not exist"):
        list(job.follower().lines())
