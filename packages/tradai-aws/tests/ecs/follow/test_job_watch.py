"""Tasks that ECS does not know yet, or any more, seen by processes whose clocks differ."""

from datetime import timedelta
from typing import final

import pytest

from tradai.aws import EcsRunner, EcsSettings
from tradai.aws.testing import FakeEcs, TaskDelays, TaskScript, VirtualClock
from tradai.core import JobSpec, JobStatus, MemoryStore, Utc

SPEC = JobSpec(job_id="job-1", command=("run",), image="registry.invalid/job")


@final
class SkewedClock:
    """The clock of a machine whose time of day is wrong."""

    def __init__(self, clock: VirtualClock, by_s: float) -> None:
        self._clock = clock
        self._by = timedelta(seconds=by_s)

    def __call__(self) -> float:
        return self._clock()

    def now(self) -> Utc:
        return self._clock.now() + self._by

    def sleep(self, seconds: float, /) -> None:
        self._clock.sleep(seconds)


@pytest.fixture
def ecs() -> FakeEcs:
    ecs = FakeEcs(lambda _: TaskScript(runs_s=600))
    ecs.delays = TaskDelays(visible_after_s=60)
    return ecs


@pytest.mark.parametrize("skew_s", [-1200.0, -301.0, 301.0, 1200.0])
def test_a_new_task_is_not_taken_for_gone_by_a_machine_with_another_time(
    skew_s: float, ecs: FakeEcs, store: MemoryStore, ecs_settings: EcsSettings
) -> None:
    handle = EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock).submit(SPEC)
    clock = SkewedClock(ecs.clock, skew_s)
    other = EcsRunner(ecs_settings, client=ecs, store=store, clock=clock)

    assert other.status(handle).status is JobStatus.PENDING
    assert other.wait(handle).status is JobStatus.COMPLETED

    assert ecs.running() == []
    assert [task.has_result for task in ecs.tasks] == [True]
