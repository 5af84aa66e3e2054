"""The schedule of many logs: its budget of requests, and who has the next turn."""

import threading
from bisect import bisect_left
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tradai.aws import LogFollower, LogPolicy, LogSchedule
from tradai.aws._logs.followed_log import FollowedLog
from tradai.aws._logs.stream_reader import StreamReader
from tradai.aws.testing import FakeLogs
from tradai.core import JobLog
from tradai.core.exceptions import NotFoundError

GROUP = "jobs"
FOLLOWED, WRITING = 200, 40
RUNS_S = 600.0
# All start at once, and it takes a while to find out which of them write.
SETTLED_S = 240.0


class WatchedLogs:
    """CloudWatch that notes when each request came, and how late each line was seen."""

    def __init__(self, aws: FakeLogs) -> None:
        self.aws = aws
        self.calls_s: list[float] = []
        self.delays_s: list[float] = []

    def get_log_events(self, **parameters: object) -> Mapping[str, Any]:
        self.calls_s.append(self.aws.clock())
        page = self.aws.get_log_events(**parameters)
        now_ms = self.aws.clock.now().timestamp() * 1000
        if self.aws.clock() > SETTLED_S:
            self.delays_s += [(now_ms - event["ingestionTime"]) / 1000 for event in page["events"]]
        return page

    def describe_log_groups(self, **parameters: object) -> Mapping[str, Any]:
        return self.aws.describe_log_groups(**parameters)


def follow_many(
    seed: int,
    *,
    policy: LogPolicy | None = None,
    empty_pages: float = 0.0,
    throttled: float = 0.0,
    runs_s: float = RUNS_S,
) -> WatchedLogs:
    """Follow 200 jobs, of which 40 write a line every few seconds."""
    aws = FakeLogs(seed=seed)
    aws.create_log_group(logGroupName=GROUP)
    aws.empty_pages, aws.throttled = empty_pages, throttled
    watched = WatchedLogs(aws)
    schedule = LogSchedule(clock=aws.clock, policy=policy)
    for job in range(FOLLOWED):
        lines = [(1.0 + job / 37, "first")]
        if job < WRITING:
            lines += [(at + job / 37, f"line {at}") for at in range(3, int(runs_s), 3)]
        aws.drive(GROUP, f"task/{job}", lines)
        reader = StreamReader(watched, group=GROUP, stream=f"task/{job}")
        log = FollowedLog(reader, JobLog(), is_stopped=lambda: False, policy=schedule.policy)
        log.begin(schedule.now_s(), follow=True)
        schedule.join(log)
    while aws.clock() < runs_s:
        schedule.step()
    return watched


@pytest.mark.parametrize(("empty_pages", "throttled"), [(0.0, 0.0), (0.05, 0.02)])
def test_two_hundred_logs_share_five_requests_a_second(
    empty_pages: float, throttled: float
) -> None:
    watched = follow_many(0, empty_pages=empty_pages, throttled=throttled)

    calls_s = watched.calls_s
    most = max(bisect_left(calls_s, at_s + 1 - 1e-6) - n for n, at_s in enumerate(calls_s))
    assert most <= 5
    assert percentile_95(watched.delays_s) <= 10


def test_a_quota_of_the_account_is_kept() -> None:
    watched = follow_many(0, policy=LogPolicy(calls_per_s=2), runs_s=60)

    assert len(watched.calls_s) <= 2 * 60 + 1


def test_a_log_of_one_job_costs_a_request_in_ten_seconds() -> None:
    aws = FakeLogs()
    aws.create_log_group(logGroupName=GROUP)
    aws.drive(GROUP, "task/1", [(float(at), "line") for at in range(1_000)])
    follower = LogFollower(
        aws,
        group=GROUP,
        stream="task/1",
        is_stopped=lambda: aws.clock() > 1_000,
        schedule=LogSchedule(clock=aws.clock),
    )

    lines = follower.lines()
    while aws.clock() < 900:
        next(lines)

    asked = [name for name, _ in aws.calls if name == "get_log_events"]
    assert len(asked) <= 90 + 5


def test_threads_share_a_schedule() -> None:
    aws = FakeLogs()
    aws.create_log_group(logGroupName=GROUP)
    for job in range(8):
        aws.drive(GROUP, f"task/{job}", [(1.0, f"{job}: one"), (9.0, f"{job}: two")])
    schedule = LogSchedule(clock=aws.clock)
    begin = threading.Barrier(8)

    def texts(job: int) -> list[str]:
        begin.wait(60)
        follower = LogFollower(
            aws,
            group=GROUP,
            stream=f"task/{job}",
            is_stopped=lambda: aws.clock() > 10,
            schedule=schedule,
        )
        return [line.text for line in follower.lines()]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(texts, range(8)))

    assert found == [[f"{job}: one", f"{job}: two"] for job in range(8)]


def test_the_clock_of_the_machine_is_used_by_default() -> None:
    aws = FakeLogs()
    aws.create_log_group(logGroupName=GROUP)
    aws.drive(GROUP, "task/1", [(0.0, "one")])
    aws.clock.sleep(10)
    follower = LogFollower(
        aws,
        group=GROUP,
        stream="task/1",
        is_stopped=lambda: True,
        schedule=LogSchedule(policy=LogPolicy(settle_s=0, calls_per_s=1_000)),
    )

    assert [line.text for line in follower.lines()] == ["one"]


def test_the_failure_of_one_log_is_not_that_of_others() -> None:
    aws = FakeLogs()
    aws.create_log_group(logGroupName=GROUP)
    aws.drive(GROUP, "task/1", [(20.0, "one")])
    schedule = LogSchedule(clock=aws.clock)
    begin = threading.Barrier(2)

    def texts(group: str) -> list[str]:
        begin.wait(60)
        follower = LogFollower(
            aws,
            group=group,
            stream="task/1",
            is_stopped=lambda: aws.clock() > 30,
            schedule=schedule,
        )
        return [line.text for line in follower.lines()]

    with ThreadPoolExecutor(2) as pool:
        missing, there = pool.submit(texts, "no-such-group"), pool.submit(texts, GROUP)

        assert there.result() == ["one"]
        with pytest.raises(NotFoundError, match="no-such-group"):
            missing.result()


def percentile_95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * len(values))]
