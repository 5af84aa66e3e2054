"""Lines of jobs on ECS: requests, several tasks of one job, and readers that come again."""

import asyncio
from functools import partial
from typing import Final, cast

import pytest

from tradai.aws import ECSJobManager, EcsPolicy, EcsRunner, EcsSettings
from tradai.aws.testing import FakeEcs, FakeLogs, FakeTask, TaskScript
from tradai.core import (
    Capacity,
    JobLine,
    JobSpec,
    JobStatus,
    LogSummary,
    MemoryStore,
    ObjectStore,
)
from tradai.core.exceptions import NotFoundError

SPEC: Final = JobSpec(
    job_id="job-1", command=("run",), image="registry.invalid/job", capacity=(Capacity.SPOT,)
)


class Counting:
    """Counts the requests to a store."""

    def __init__(self) -> None:
        self._store = MemoryStore()
        self.count = 0

    def __getattr__(self, name: str) -> object:
        self.count += 1
        return getattr(self._store, name)


def _contained(*lines: str) -> TaskScript:
    records = [f"0a1b2c3d:{n} {line}" for n, line in enumerate(lines, 1)]
    return TaskScript(
        lines=("0a1b2c3d:0!tradai-log 1", *records),
        last_lines=(f"0a1b2c3d:{len(lines) + 1}!end {len(lines)}",),
    )


def _silent(runs_s: float, _: FakeTask) -> TaskScript:
    records = ("0a1b2c3d:0!tradai-log 1",), ("0a1b2c3d:1!end 0",)
    return TaskScript(lines=records[0], last_lines=records[1], runs_s=runs_s)


def _interrupted_once(last_lines: tuple[str, ...], task: FakeTask) -> TaskScript:
    if task.environment["TRADAI_RUN_ID"] == "job-1":
        lines = ("0a1b2c3d:0!tradai-log 1", "0a1b2c3d:1 one", "0a1b2c3d:2 two")
        return TaskScript(lines=lines, last_lines=last_lines, interrupted_after_s=1.0)
    return _contained("three", "four")


def test_a_followed_job_costs_few_requests_and_one_in_ten_further_seconds(
    ecs_settings: EcsSettings,
) -> None:
    counts: dict[float, int] = {}
    for runs_s in (4.0, 104.0):
        log = FakeLogs()
        log.create_log_group(logGroupName="/tradai/jobs")
        log.calls.clear()
        ecs, store = FakeEcs(partial(_silent, runs_s), logs=log), Counting()
        runner = EcsRunner(
            ecs_settings,
            client=ecs,
            store=cast("ObjectStore", store),
            clock=ecs.clock,
            logs_client=log,
        )
        handle = runner.submit(SPEC)

        assert list(runner.logs(handle)) == []

        assert runner.wait(handle).status is JobStatus.COMPLETED
        counts[runs_s] = len(ecs.calls) + len(log.calls) + store.count

    assert counts[4.0] <= 16
    assert counts[104.0] - counts[4.0] <= 10


@pytest.mark.parametrize("last_lines", [(), ("0a1b2c3d:3!end 2",)], ids=["killed", "stopped"])
def test_a_job_of_two_tasks_has_the_lines_of_both(
    last_lines: tuple[str, ...], logs: FakeLogs, store: MemoryStore, ecs_settings: EcsSettings
) -> None:
    ecs = FakeEcs(partial(_interrupted_once, last_lines), logs=logs)
    runner, other = (
        EcsRunner(
            ecs_settings,
            client=ecs,
            store=store,
            clock=ecs.clock,
            policy=EcsPolicy(attempts=2),
            logs_client=logs,
        )
        for _ in range(2)
    )
    handle = runner.submit(SPEC)

    followed = [(line.number, line.text) for line in runner.logs(handle)]

    assert followed == [(1, "one"), (2, "two"), (3, "three"), (4, "four")]
    assert runner.wait(handle).status is JobStatus.COMPLETED
    is_proven = bool(last_lines)
    assert runner.log_summary(handle) == LogSummary(
        complete=is_proven, expected=4 if is_proven else None, seen=4
    )
    for after in range(5):
        rest = [(line.number, line.text) for line in other.logs(handle, after=after)]
        assert rest == followed[after:]


def test_a_reader_that_comes_again_does_not_read_the_lines_before(
    logs: FakeLogs, store: MemoryStore, ecs_settings: EcsSettings
) -> None:
    ecs = FakeEcs(lambda _: _contained(*(f"line {n}" for n in range(50))), logs=logs)
    runner = EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock, logs_client=logs)
    logs.page_events = 10
    manager = ECSJobManager(runner)

    async def read() -> list[str]:
        handle = await manager.submit(SPEC)
        return [line.text async for line in manager.logs(handle)]

    assert asyncio.run(read()) == [f"line {n}" for n in range(50)]


def test_a_reader_that_comes_again_and_again_sees_the_end_soon(
    logs: FakeLogs, store: MemoryStore, ecs_settings: EcsSettings
) -> None:
    ecs = FakeEcs(lambda _: _contained(*(f"line {n}" for n in range(50))), logs=logs)
    runner = EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock, logs_client=logs)
    logs.page_events = 10
    handle, lines = runner.submit(SPEC), list[JobLine]()
    runner.status(handle)

    for _ in range(200):
        lines += runner.logs(handle, after=len(lines), follow=False)
        if runner.wait(handle, timeout_s=0.02).status.is_terminal:
            break

    assert runner.status(handle).status is JobStatus.COMPLETED
    assert len(lines) == 50
    # The task has ended 10 seconds after its launch.
    assert ecs.clock() < 30


def test_a_log_group_that_does_not_exist_is_named(
    store: MemoryStore, ecs_settings: EcsSettings
) -> None:
    logs = FakeLogs()
    ecs = FakeEcs(logs=None)
    runner = EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock, logs_client=logs)
    handle = runner.submit(SPEC)

    with pytest.raises(NotFoundError, match="/tradai/jobs"):
        list(runner.logs(handle))
