"""Conformance suite of job runners: stops, time limits and fan-outs."""

import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final, TypeAlias

import pytest

from tradai.core._ports.job_handle import JobHandle
from tradai.core._ports.job_map import map_jobs
from tradai.core._ports.job_runner import JobRunner
from tradai.core._ports.job_spec import JobSpec
from tradai.core._ports.job_status import JobInfo, JobStatus
from tradai.core._secrets.redaction import register_secret
from tradai.core.exceptions import ValidationError
from tradai.core.testing._jobs.script import JobScript

SpecFor: TypeAlias = Callable[[str, JobScript], JobSpec]
Reopen: TypeAlias = Callable[[JobRunner], JobRunner]

_LONG_S: Final = 60.0
_OWN_CODE: Final = 7
_STOPPERS: Final = 4
_KILLED: Final = 128 + signal.SIGKILL
_WAITS: Final = JobScript(lines=("ready",), waits=True)


class JobStopsContract:
    """Suite for the ends of a `JobRunner`'s jobs; the fixtures are those of `JobRunnerContract`."""

    def test_a_stopped_job_is_cancelled_for_the_reason(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        handle = runner.submit(spec_for("job-1", _WAITS))

        info = runner.stop(handle, "the market is closed")

        assert info.status is JobStatus.CANCELLED
        assert "the market is closed" in info.reason
        assert info == runner.status(handle)

    def test_a_stopped_job_keeps_its_exit_code(self, runner: JobRunner, spec_for: SpecFor) -> None:
        handle = runner.submit(spec_for("job-1", replace(_WAITS, exit_code_when_stopped=_OWN_CODE)))
        _await_line(runner, handle)

        info = runner.stop(handle, "enough")

        assert (info.status, info.exit_code) == (JobStatus.CANCELLED, _OWN_CODE)

    def test_a_stopped_job_that_ends_well_is_cancelled_all_the_same(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        handle = runner.submit(spec_for("job-1", replace(_WAITS, exit_code_when_stopped=0)))
        _await_line(runner, handle)

        info = runner.stop(handle, "enough")

        assert (info.status, info.exit_code) == (JobStatus.CANCELLED, 0)

    def test_a_job_can_be_stopped_at_once(self, runner: JobRunner, spec_for: SpecFor) -> None:
        handle = runner.submit(spec_for("job-1", _WAITS))

        info = runner.stop(handle, "not wanted")

        assert info.status is JobStatus.CANCELLED
        assert info.ended_at is not None

    def test_a_stopped_job_is_not_launched_again(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        spec = spec_for("job-1", _WAITS)
        info = runner.stop(runner.submit(spec), "enough")

        again = runner.submit(spec)

        assert runner.status(again) == info

    def test_stops_at_the_same_time_agree(
        self, runner: JobRunner, spec_for: SpecFor, reopen: Reopen
    ) -> None:
        handle = runner.submit(spec_for("job-1", _WAITS))
        barrier = threading.Barrier(_STOPPERS)

        def stop(number: int) -> JobInfo:
            stopper = reopen(runner)
            barrier.wait(_LONG_S)
            return stopper.stop(handle, f"reason {number}")

        with ThreadPoolExecutor(_STOPPERS) as pool:
            infos = list(pool.map(stop, range(_STOPPERS)))

        assert infos == [runner.status(handle)] * _STOPPERS
        assert sum(f"reason {number}" in infos[0].reason for number in range(_STOPPERS)) == 1

    def test_all_who_wait_see_the_same_end(
        self, runner: JobRunner, spec_for: SpecFor, reopen: Reopen
    ) -> None:
        handle = runner.submit(spec_for("job-1", JobScript(exit_code=_OWN_CODE)))

        with ThreadPoolExecutor() as pool:
            waiting = [runner, runner, reopen(runner), reopen(runner)]
            infos = list(pool.map(lambda waiter: waiter.wait(handle), waiting))

        assert infos == [runner.status(handle)] * 4
        assert infos[0].exit_code == _OWN_CODE

    def test_every_exit_code_of_a_program_is_kept(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        codes = (2, 124, 125, 126, 128, 255)
        handles = [
            runner.submit(spec_for(f"job-{code}", JobScript(exit_code=code))) for code in codes
        ]

        infos = [runner.wait(handle) for handle in handles]

        assert [info.exit_code for info in infos] == list(codes)
        assert {info.status for info in infos} == {JobStatus.FAILED}

    def test_a_time_limit_that_is_not_reached_changes_nothing(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        specs = [
            replace(spec_for(f"job-{code}", JobScript(exit_code=code)), time_limit_s=600)
            for code in (0, 3)
        ]

        infos = [runner.wait(runner.submit(spec)) for spec in specs]

        assert [info.status for info in infos] == [JobStatus.COMPLETED, JobStatus.FAILED]
        assert not any("limit" in info.reason for info in infos)

    def test_a_deaf_job_is_killed_after_its_grace(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        spec = replace(spec_for("job-1", replace(_WAITS, is_deaf=True)), stop_grace_s=0)
        handle = runner.submit(spec)
        _await_line(runner, handle)

        info = runner.stop(handle, "enough")

        assert (info.status, info.exit_code) == (JobStatus.CANCELLED, _KILLED)

    def test_the_first_reason_of_a_stop_counts(
        self, runner: JobRunner, spec_for: SpecFor, reopen: Reopen
    ) -> None:
        handle = runner.submit(spec_for("job-1", _WAITS))

        infos = [reopen(runner).stop(handle, "first"), runner.stop(handle, "second")]

        assert infos[0] == infos[1]
        assert "first" in infos[0].reason

    def test_a_stop_without_a_reason_is_refused(self, runner: JobRunner, spec_for: SpecFor) -> None:
        handle = runner.submit(spec_for("job-1", _WAITS))

        for reason in ("", "  "):
            with pytest.raises(ValidationError):
                runner.stop(handle, reason)

        assert not runner.status(handle).status.is_terminal
        runner.stop(handle, "the test is over")

    def test_secrets_in_a_reason_are_masked(self, runner: JobRunner, spec_for: SpecFor) -> None:
        register_secret("fake-reason-value")
        handle = runner.submit(spec_for("job-1", _WAITS))

        info = runner.stop(handle, "-> fake-reason-value <-")

        assert "-> *** <-" in info.reason

    def test_a_stop_wakes_those_who_wait(
        self, runner: JobRunner, spec_for: SpecFor, reopen: Reopen
    ) -> None:
        handle = runner.submit(spec_for("job-1", _WAITS))

        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(reopen(runner).wait, handle)
            info = runner.stop(handle, "enough")

            assert waiting.result(_LONG_S) == info

    def test_a_time_limit_ends_the_job(self, runner: JobRunner, spec_for: SpecFor) -> None:
        handle = runner.submit(replace(spec_for("job-1", _WAITS), time_limit_s=1))

        info = runner.wait(handle)

        assert info.status is JobStatus.FAILED
        assert "time limit" in info.reason

    def test_a_fan_out_ends_every_job(self, runner: JobRunner, spec_for: SpecFor) -> None:
        specs = [spec_for(f"job-{n}", JobScript(exit_code=n % 2)) for n in range(5)]

        outcomes = list(map_jobs(runner, specs, limit=2))

        found = {outcome.spec.job_id: outcome.is_success for outcome in outcomes}
        assert found == {f"job-{n}": n % 2 == 0 for n in range(5)}

    def test_a_fan_out_that_is_given_up_stops_its_jobs_only(
        self, runner: JobRunner, spec_for: SpecFor
    ) -> None:
        other = runner.submit(spec_for("other", _WAITS))
        specs = [spec_for("job-1", _WAITS), spec_for("job-2", JobScript())]
        outcomes = map_jobs(runner, specs, limit=2)
        assert next(iter(outcomes)).spec.job_id == "job-2"

        outcomes.close()

        handle = next(handle for handle in runner.jobs() if handle.job_id == "job-1")
        assert runner.status(handle).status is JobStatus.CANCELLED
        assert not runner.status(other).status.is_terminal
        runner.stop(other, "the test is over")


def _await_line(runner: JobRunner, handle: JobHandle) -> None:
    """Wait for the first line of a job: its traps are set then."""
    next(runner.logs(handle))
