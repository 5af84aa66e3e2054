import threading
from collections.abc import Iterator

import pytest

from tradai.core import JobHandle, JobInfo, JobSpec, JobStatus, map_jobs
from tradai.core.exceptions import ExternalServiceError, JobConflictError, ValidationError
from tradai.core.testing import FakeRunner, JobScript

WAITS = JobScript(waits=True)


def spec(name: str, script: JobScript) -> JobSpec:
    return JobSpec(job_id=name, command=FakeRunner.command(script))


class CountingRunner(FakeRunner):
    """Counts the jobs that were submitted and were not seen to have ended."""

    def __init__(self) -> None:
        super().__init__()
        self.active: set[JobHandle] = set()
        self.most = 0

    def submit(self, spec: JobSpec) -> JobHandle:
        handle = super().submit(spec)
        self.active.add(handle)
        self.most = max(self.most, len(self.active))
        return handle

    def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
        info = super().wait(handle, timeout_s=timeout_s)
        if info.status.is_terminal:
            self.active.discard(handle)
        return info


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_at_most_so_many_jobs_run_at_a_time(limit: int) -> None:
    runner = CountingRunner()

    outcomes = list(
        map_jobs(runner, (spec(f"job-{n}", JobScript()) for n in range(7)), limit=limit)
    )

    assert sorted(outcome.spec.job_id for outcome in outcomes) == [f"job-{n}" for n in range(7)]
    assert runner.most == min(limit, 7)


def test_specifications_are_read_as_jobs_are_launched() -> None:
    read: list[str] = []

    def specs() -> Iterator[JobSpec]:
        for n in range(1000):
            read.append(f"job-{n}")
            yield spec(f"job-{n}", JobScript())

    outcomes = map_jobs(FakeRunner(), specs(), limit=2)
    assert read == []
    next(outcomes)

    assert len(read) == 2
    outcomes.close()


def test_a_job_that_cannot_be_submitted_is_an_outcome() -> None:
    runner = FakeRunner()
    runner.submit(spec("job-1", JobScript()))

    first, second = map_jobs(
        runner, [spec("job-1", WAITS), spec("job-2", JobScript(exit_code=3))], limit=1
    )

    assert isinstance(first.error, JobConflictError)
    assert (first.handle, first.info, first.is_success) == (None, None, False)
    assert second.info is not None
    assert (second.info.exit_code, second.is_success) == (3, False)


def test_a_job_whose_end_cannot_be_found_out_is_an_outcome() -> None:
    class BrokenRunner(FakeRunner):
        def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
            del timeout_s
            raise ExternalServiceError(handle.job_id, service="fake", operation="wait")

    (outcome,) = map_jobs(BrokenRunner(), [spec("job-1", JobScript())], limit=1)

    assert str(outcome.error) == "job-1"
    assert outcome.handle is not None
    assert not outcome.is_success


def test_the_same_job_twice_has_two_outcomes_and_one_end() -> None:
    same = spec("job-1", JobScript(exit_code=3))

    outcomes = list(map_jobs(FakeRunner(), [same, same], limit=2))

    assert [outcome.info and outcome.info.exit_code for outcome in outcomes] == [3, 3]


def test_an_interrupted_caller_leaves_no_job_of_its_own() -> None:
    runner = FakeRunner()

    def fail() -> None:
        for outcome in map_jobs(
            runner,
            [spec("job-1", WAITS), spec("job-2", WAITS), spec("job-3", JobScript())],
            limit=3,
        ):
            raise KeyboardInterrupt(outcome.spec.job_id)

    with pytest.raises(KeyboardInterrupt, match="job-3"):
        fail()

    statuses = [runner.status(handle).status for handle in runner.jobs()]
    assert statuses == [JobStatus.CANCELLED, JobStatus.CANCELLED, JobStatus.COMPLETED]


def test_the_jobs_of_an_interrupted_caller_are_stopped_at_the_same_time() -> None:
    together = threading.Barrier(3)

    class SlowRunner(FakeRunner):
        def stop(self, handle: JobHandle, reason: str) -> JobInfo:
            together.wait(timeout=30)
            return super().stop(handle, reason)

    runner = SlowRunner()
    waiting = [spec(f"job-{n}", WAITS) for n in range(3)]
    outcomes = map_jobs(runner, [spec("job-9", JobScript()), *waiting], limit=4)
    next(outcomes)

    outcomes.close()

    statuses = [runner.status(handle).status for handle in runner.jobs()]
    assert statuses == [JobStatus.CANCELLED] * 3 + [JobStatus.COMPLETED]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused_at_once(limit: int) -> None:
    with pytest.raises(ValidationError):
        map_jobs(FakeRunner(), [], limit=limit)


def test_a_caller_that_is_asked_to_end_leaves_no_job_of_its_own() -> None:
    runner = FakeRunner()
    specs = [spec("job-1", JobScript()), spec("job-2", WAITS), spec("job-3", WAITS)]

    def is_over() -> bool:
        return len(list(runner.jobs())) == 3

    outcomes = list(map_jobs(runner, specs, limit=2, until=is_over))

    assert [outcome.spec.job_id for outcome in outcomes] == ["job-1"]
    statuses = [runner.status(handle).status for handle in runner.jobs()]
    assert statuses == [JobStatus.COMPLETED, JobStatus.CANCELLED, JobStatus.CANCELLED]
