"""Conformance suite of job runners: launch, status and handles."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeAlias

import pytest

from tradai.core._ports.attached_job import attach
from tradai.core._ports.job_handle import LONGEST_HANDLE, JobHandle
from tradai.core._ports.job_runner import JobRunner
from tradai.core._ports.job_spec import JobSpec
from tradai.core._ports.job_status import JobStatus
from tradai.core.exceptions import JobConflictError, NotFoundError, ValidationError
from tradai.core.testing._jobs.script import JobScript

SpecFor: TypeAlias = Callable[[str, JobScript], JobSpec]
Reopen: TypeAlias = Callable[[JobRunner], JobRunner]

_RACERS: Final = 4
_LONG_S: Final = 60.0
_WAITS: Final = JobScript(lines=("ready",), waits=True)


class JobRunnerContract:
    """Suite for a `JobRunner`, with `JobLogsContract` and `JobStopsContract`.

    Fixtures to define: ``runner``, without jobs; ``spec_for``, a function that makes the `JobSpec`
    of a job id and a `JobScript`; ``reopen``, a function that makes another runner of the same jobs
    from a runner, as another process would.
    """

    def test_a_job_with_exit_code_0_is_completed(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        handle = runner.submit(spec_for("job-1", JobScript()))

        info = runner.wait(handle)

        assert (info.status, info.exit_code) == (JobStatus.COMPLETED, 0)

    def test_a_job_that_fails_has_its_exit_code(self, runner: JobRunner, spec_for: SpecFor) -> None:
        for code in (1, 3, 75):
            handle = runner.submit(spec_for(f"job-{code}", JobScript(exit_code=code)))

            info = runner.wait(handle)

            assert (info.status, info.exit_code) == (JobStatus.FAILED, code)

    def test_a_program_that_does_not_exist_is_a_failure(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        spec = replace(spec_for("job-1", JobScript()), command=("no-such-program-anywhere",))

        info = runner.wait(runner.submit(spec))

        assert info.status is JobStatus.FAILED
        assert info.exit_code != 0

    def test_status_moves_as_the_table_allows(self, runner: JobRunner, spec_for: SpecFor) -> None:
        handle = runner.submit(spec_for("job-1", JobScript(lines=("one",))))
        seen = [JobStatus.PENDING]

        while not seen[-1].is_terminal:
            seen.append(runner.status(handle).status)
            seen.append(runner.wait(handle, timeout_s=0.01).status)

        order = [JobStatus.PENDING, JobStatus.RUNNING, JobStatus.COMPLETED]
        assert seen == sorted(seen, key=order.index)

    def test_an_ended_job_never_changes(self, runner: JobRunner, spec_for: SpecFor) -> None:
        handle = runner.submit(spec_for("job-1", JobScript(exit_code=3)))
        info = runner.wait(handle)

        looks = [runner.status(handle), runner.wait(handle), runner.stop(handle, "too late")]

        assert [*looks, runner.status(handle)] == [info] * 4

    def test_an_end_has_a_reason_and_times_in_utc(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        handle = runner.submit(spec_for("job-1", JobScript()))

        info = runner.wait(handle)

        assert info.reason.strip()
        assert info.started_at is not None
        assert info.ended_at is not None
        assert info.started_at.utcoffset() == info.ended_at.utcoffset() == timedelta(0)
        assert info.started_at <= info.ended_at

    def test_a_wait_ends_with_its_timeout(self, runner: JobRunner, spec_for: SpecFor) -> None:
        handle = runner.submit(spec_for("job-1", _WAITS))

        found = [runner.wait(handle, timeout_s=timeout_s).status for timeout_s in (0, 0.05)]

        assert not any(status.is_terminal for status in found)
        runner.stop(handle, "the test is over")

    def test_the_same_specification_is_launched_once(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        spec = spec_for("job-1", JobScript(lines=("launched",)))

        handles = {runner.submit(spec) for _ in range(3)}

        (handle,) = handles
        assert [line.text for line in runner.logs(handle)] == ["launched"]

    def test_an_ended_job_is_adopted_and_not_launched_again(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        spec = spec_for("job-1", JobScript(lines=("launched",), exit_code=3))
        handle = runner.submit(spec)
        info = runner.wait(handle)

        again = runner.submit(spec)

        assert again == handle
        assert runner.status(again) == info
        assert len(list(runner.logs(again))) == 1

    def test_another_runner_adopts_what_runs(
        self, runner: JobRunner, spec_for: SpecFor, reopen: Reopen
    ) -> None:
        spec = spec_for("job-1", _WAITS)
        handle = runner.submit(spec)

        again = reopen(runner).submit(spec)

        assert again == handle
        assert next(runner.logs(again)).text == "ready"
        runner.stop(handle, "the test is over")
        assert [line.text for line in runner.logs(handle)] == ["ready"]

    def test_an_id_with_another_specification_is_a_conflict(
        self, runner: JobRunner, spec_for: SpecFor, reopen: Reopen
    ) -> None:
        handle = runner.submit(spec_for("job-1", JobScript(lines=("first",))))

        for other in (runner, reopen(runner)):
            with pytest.raises(JobConflictError) as caught:
                other.submit(spec_for("job-1", JobScript(lines=("second",))))
            assert caught.value.job_id == "job-1"

        assert [line.text for line in runner.logs(handle)] == ["first"]

    def test_racers_launch_one_job(self, runner: JobRunner, spec_for: SpecFor) -> None:
        spec = spec_for("job-1", JobScript(lines=("launched",)))
        barrier = threading.Barrier(_RACERS)

        def submit(_: int) -> JobHandle:
            barrier.wait(_LONG_S)
            return runner.submit(spec)

        with ThreadPoolExecutor(_RACERS) as pool:
            (handle,) = set(pool.map(submit, range(_RACERS)))

        assert [line.text for line in runner.logs(handle)] == ["launched"]

    def test_racing_runners_launch_one_job(
        self, runner: JobRunner, spec_for: SpecFor, reopen: Reopen
    ) -> None:
        spec = spec_for("job-1", JobScript(lines=("launched",)))
        barrier = threading.Barrier(_RACERS)

        def submit(racer: JobRunner) -> JobHandle:
            barrier.wait(_LONG_S)
            return racer.submit(spec)

        with ThreadPoolExecutor(_RACERS) as pool:
            (handle,) = set(pool.map(submit, [reopen(runner) for _ in range(_RACERS)]))

        assert [line.text for line in runner.logs(handle)] == ["launched"]
        assert list(runner.jobs()) == [handle]

    def test_jobs_of_different_ids_are_apart(self, runner: JobRunner, spec_for: SpecFor) -> None:
        handles = [runner.submit(spec_for(f"job-{n}", JobScript(exit_code=n))) for n in range(3)]

        assert [runner.wait(handle).exit_code for handle in handles] == [0, 1, 2]

    def test_ids_that_look_alike_are_different_jobs(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        names = ["A.b", "A-b", "A_b", "a.b", "a.b.", "A"]
        handles = [
            runner.submit(spec_for(name, JobScript(exit_code=code)))
            for code, name in enumerate(names)
        ]

        assert [runner.wait(handle).exit_code for handle in handles] == list(range(len(names)))

    def test_jobs_are_sorted_as_text_is(self, runner: JobRunner, spec_for: SpecFor) -> None:
        names = ["b-1", "B-2", "10", "9", "a.c", "a-c"]
        for name in names:
            runner.submit(spec_for(name, JobScript()))

        assert [handle.job_id for handle in runner.jobs()] == sorted(names)

    def test_all_jobs_are_listed_by_id(
        self, runner: JobRunner, spec_for: SpecFor, reopen: Reopen
    ) -> None:
        assert list(runner.jobs()) == []
        handles = [runner.submit(spec_for(name, JobScript())) for name in ("b", "a", "c")]

        assert list(reopen(runner).jobs()) == sorted(handles, key=lambda handle: handle.job_id)

    def test_a_handle_is_short_json(self, runner: JobRunner, spec_for: SpecFor) -> None:
        handle = runner.submit(spec_for("j" * 100, JobScript()))

        assert len(handle.to_json().encode()) <= LONGEST_HANDLE
        assert JobHandle.from_json(handle.to_json()) == handle

    def test_a_handle_finds_the_job_again(
        self, runner: JobRunner, spec_for: SpecFor, reopen: Reopen
    ) -> None:
        text = runner.submit(spec_for("job-1", JobScript(lines=("one",), exit_code=1))).to_json()

        job = attach(JobHandle.from_json(text), runner=reopen(runner))

        assert [line.text for line in job.logs()] == ["one"]
        assert job.wait().exit_code == 1

    def test_an_unknown_job_is_not_found(self, runner: JobRunner, spec_for: SpecFor) -> None:
        known = runner.submit(spec_for("job-1", JobScript()))

        _refuses(runner, replace(known, job_id="job-2"), NotFoundError)

    def test_a_handle_of_another_runner_is_refused(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        known = runner.submit(spec_for("job-1", JobScript()))

        _refuses(runner, replace(known, runner="no-such-runner:"), ValidationError)

    def test_a_handle_of_another_specification_is_refused(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        known = runner.submit(spec_for("job-1", JobScript()))

        _refuses(runner, replace(known, spec_digest="0" * 64), JobConflictError)


def _refuses(runner: JobRunner, handle: JobHandle, error: type[Exception]) -> None:
    for ask in (
        lambda: runner.status(handle),
        lambda: runner.wait(handle),
        lambda: list(runner.logs(handle)),
        lambda: runner.stop(handle, "enough"),
    ):
        with pytest.raises(error):
            ask()
