"""The fake runner keeps its promises, and the suites catch runners that do not."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import pytest

from tradai.core import JobHandle, JobInfo, JobLine, JobRunner, JobSpec, JobStatus
from tradai.core.exceptions import JobConflictError, TradAIError
from tradai.core.testing import (
    FakeRunner,
    JobLogsContract,
    JobRunnerContract,
    JobScript,
    JobStopsContract,
    ScriptedSecrets,
    failing_tests,
)

SECRET: Final = ("env:SCRIPTED", "fake-scripted-value")


class RightRunner(FakeRunner):
    """Keeps every promise; each planted runner below breaks one."""

    def __init__(self, source: FakeRunner | None = None) -> None:
        secrets = ScriptedSecrets(dict([SECRET]))
        super().__init__(memory=source.memory if source else None, secrets=secrets)


def spec_for(job_id: str, script: JobScript) -> JobSpec:
    return JobSpec(job_id=job_id, command=FakeRunner.command(script))


class FakeFixtures:
    @pytest.fixture
    def runner(self) -> JobRunner:
        return RightRunner()

    @pytest.fixture
    def spec_for(self) -> Callable[[str, JobScript], JobSpec]:
        return spec_for

    @pytest.fixture
    def reopen(self) -> Callable[[FakeRunner], JobRunner]:
        return RightRunner

    @pytest.fixture
    def secret(self) -> tuple[str, str]:
        return SECRET


class TestFakeRunner(FakeFixtures, JobRunnerContract):
    pass


class TestFakeLogs(FakeFixtures, JobLogsContract):
    pass


class TestFakeStops(FakeFixtures, JobStopsContract):
    pass


class RunnerThatLaunchesAgain(RightRunner):
    """Launches an ended job anew."""

    def submit(self, spec: JobSpec) -> JobHandle:
        job = self.memory.jobs.get(spec.job_id)
        if job and job.spec == spec and job.info.status.is_terminal:
            del self.memory.jobs[spec.job_id]
        return super().submit(spec)


class RunnerThatOverwritesJobs(RightRunner):
    """Takes an id for any specification."""

    def submit(self, spec: JobSpec) -> JobHandle:
        try:
            return super().submit(spec)
        except JobConflictError:
            del self.memory.jobs[spec.job_id]
            return super().submit(spec)


class RunnerThatTakesUnknownForSuccess(RightRunner):
    """Calls a job without a program completed."""

    def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
        info = super().wait(handle, timeout_s=timeout_s)
        is_unknown = info.exit_code == 127
        return replace(info, status=JobStatus.COMPLETED, exit_code=0) if is_unknown else info


class RunnerThatForgetsTheTimeout(RightRunner):
    """Reports a job that still runs as failed."""

    def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
        info = super().wait(handle, timeout_s=timeout_s)
        is_open = not info.status.is_terminal
        return replace(info, status=JobStatus.FAILED) if is_open else info


class RunnerThatLosesTheTail(RightRunner):
    """Yields all lines but the last of a job that has ended."""

    def logs(self, handle: JobHandle, *, after: int = 0, follow: bool = True) -> Iterator[JobLine]:
        lines = list(super().logs(handle, after=after, follow=False))
        yield from lines[:-1] if self.status(handle).status.is_terminal else lines
        if follow:
            self.wait(handle)


class RunnerThatRepeatsLines(RightRunner):
    """Starts one line too early when a reader resumes."""

    def logs(self, handle: JobHandle, *, after: int = 0, follow: bool = True) -> Iterator[JobLine]:
        return super().logs(handle, after=max(0, after - 1), follow=follow)


class RunnerThatShowsNothingUntilTheEnd(RightRunner):
    """Follows a job by waiting for it first."""

    def logs(self, handle: JobHandle, *, after: int = 0, follow: bool = True) -> Iterator[JobLine]:
        self.wait(handle, timeout_s=0.01)
        if follow and not self.status(handle).status.is_terminal:
            return
        yield from super().logs(handle, after=after, follow=follow)


class RunnerThatTrustsHandles(RightRunner):
    """Looks only at the job id of a handle."""

    def status(self, handle: JobHandle) -> JobInfo:
        job = self.memory.jobs.get(handle.job_id)
        digest = job.spec.digest if job else handle.spec_digest
        return super().status(replace(handle, runner="fake:", spec_digest=digest))


class RunnerThatReopensEndedJobs(RightRunner):
    """Cancels a job that has ended."""

    def stop(self, handle: JobHandle, reason: str) -> JobInfo:
        info = super().stop(handle, reason)
        job = self.memory.jobs[handle.job_id]
        job.info = replace(info, status=JobStatus.CANCELLED, reason=reason)
        return job.info


class RunnerThatForgetsExitCodes(RightRunner):
    """Has no exit code for a job that was stopped."""

    def stop(self, handle: JobHandle, reason: str) -> JobInfo:
        info = super().stop(handle, reason)
        if info.status is JobStatus.CANCELLED:
            self.memory.jobs[handle.job_id].info = replace(info, exit_code=None)
        return self.memory.jobs[handle.job_id].info


class RunnerThatStopsOthers(RightRunner):
    """Stops every job with the one that was named."""

    def stop(self, handle: JobHandle, reason: str) -> JobInfo:
        for other in list(self.jobs()):
            super().stop(other, reason)
        return super().stop(handle, reason)


class RunnerThatSkipsSecrets(RightRunner):
    """Launches a job without the secret that it cannot resolve."""

    def submit(self, spec: JobSpec) -> JobHandle:
        try:
            return super().submit(spec)
        except TradAIError:
            return super().submit(replace(spec, secrets={}))


PLANTED: Final = {
    RunnerThatLaunchesAgain: "test_an_ended_job_is_adopted_and_not_launched_again",
    RunnerThatOverwritesJobs: "test_an_id_with_another_specification_is_a_conflict",
    RunnerThatTakesUnknownForSuccess: "test_a_program_that_does_not_exist_is_a_failure",
    RunnerThatForgetsTheTimeout: "test_a_wait_ends_with_its_timeout",
    RunnerThatLosesTheTail: "test_lines_can_be_read_again_after_the_end",
    RunnerThatRepeatsLines: "test_a_reader_resumes_after_the_last_line_it_knows",
    RunnerThatShowsNothingUntilTheEnd: "test_a_reader_that_follows_sees_lines_before_the_end",
    RunnerThatTrustsHandles: "test_a_handle_of_another_runner_is_refused",
    RunnerThatReopensEndedJobs: "test_an_ended_job_never_changes",
    RunnerThatForgetsExitCodes: "test_a_stopped_job_keeps_its_exit_code",
    RunnerThatStopsOthers: "test_a_fan_out_that_is_given_up_stops_its_jobs_only",
    RunnerThatSkipsSecrets: "test_a_missing_secret_launches_nothing",
}


def failing(kind: type[RightRunner]) -> set[str]:
    fixtures: dict[str, Callable[[], object]] = {
        "runner": kind,
        "spec_for": lambda: spec_for,
        "reopen": lambda: kind,
        "secret": lambda: SECRET,
    }
    suites = (JobRunnerContract, JobLogsContract, JobStopsContract)
    return set().union(*(failing_tests(suite, fixtures) for suite in suites))


def test_a_right_runner_passes() -> None:
    assert failing(RightRunner) == set()


@pytest.mark.parametrize("kind", PLANTED, ids=lambda kind: kind.__name__)
def test_a_wrong_runner_is_caught(kind: type[RightRunner]) -> None:
    assert PLANTED[kind] in failing(kind)


def test_the_suites_have_many_tests() -> None:
    suites = (JobRunnerContract, JobLogsContract, JobStopsContract)

    names = [name for suite in suites for name in vars(suite) if name.startswith("test_")]

    assert len(names) == len(set(names)) >= 45
