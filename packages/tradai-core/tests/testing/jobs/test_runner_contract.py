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


class RunnerThatKnowsOnlyItsOwn(RightRunner):
    """Shares no jobs with the other runners of the same place."""

    def __init__(self, _: FakeRunner | None = None) -> None:
        super().__init__()


class RunnerThatFoldsIds(RightRunner):
    """Takes ids that differ in case or punctuation for the same."""

    def submit(self, spec: JobSpec) -> JobHandle:
        folded = spec.job_id.lower().replace("_", "-").replace(".", "-").rstrip("-")
        return super().submit(replace(spec, job_id=folded, trace_id=spec.trace_id))


class RunnerThatSortsLikePeople(RightRunner):
    """Lists jobs without regard to case."""

    def jobs(self) -> Iterator[JobHandle]:
        yield from sorted(super().jobs(), key=lambda handle: handle.job_id.lower())


class RunnerThatChangesLines(RightRunner):
    """Changes the text of a log; subclasses say how."""

    def changed(self, text: str) -> list[str]:
        return [text]

    def logs(self, handle: JobHandle, *, after: int = 0, follow: bool = True) -> Iterator[JobLine]:
        lines = super().logs(handle, follow=follow)
        texts = (text for line in lines for text in self.changed(line.text))
        for number, text in enumerate(texts, 1):
            if number > after:
                yield JobLine(number=number, text=text)


class RunnerThatSplitsAtEveryBreak(RunnerThatChangesLines):
    """Splits lines wherever Unicode sees a break."""

    def changed(self, text: str) -> list[str]:
        return text.splitlines() or [text]


class RunnerThatExpandsVariables(RunnerThatChangesLines):
    """Passes the output through a template."""

    def changed(self, text: str) -> list[str]:
        return [text.replace("$HOME", "/home/somewhere")]


class RunnerThatCutsLines(RunnerThatChangesLines):
    """Keeps the first 8 KiB of a line."""

    def changed(self, text: str) -> list[str]:
        return [text[:8192]]


class RunnerThatHandsEachLineOutOnce(RightRunner):
    """Gives a line to the reader that comes first, and to no other."""

    def __init__(self, source: FakeRunner | None = None) -> None:
        super().__init__(source)
        self.taken: set[tuple[str, int]] = set()

    def logs(self, handle: JobHandle, *, after: int = 0, follow: bool = True) -> Iterator[JobLine]:
        for line in super().logs(handle, after=after, follow=follow):
            if (handle.job_id, line.number) not in self.taken:
                self.taken.add((handle.job_id, line.number))
                yield line


class RunnerThatStopsWithItsReader(RightRunner):
    """Stops a job whose reader does not read to the end."""

    def logs(self, handle: JobHandle, *, after: int = 0, follow: bool = True) -> Iterator[JobLine]:
        try:
            yield from super().logs(handle, after=after, follow=follow)
        finally:
            super().stop(handle, "no reader is left")


class RunnerThatSplitsValues(RightRunner):
    """Ends the value of a variable at its first equals sign."""

    def submit(self, spec: JobSpec) -> JobHandle:
        handle = super().submit(spec)
        job = self.memory.jobs[spec.job_id]
        job.variables = {name: text.split("=")[0] for name, text in job.variables.items()}
        return handle


class RunnerThatQuotesVariables(RightRunner):
    """Says with which variables a job failed."""

    def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
        info = super().wait(handle, timeout_s=timeout_s)
        if info.status is not JobStatus.FAILED:
            return info
        variables = dict(self.memory.jobs[handle.job_id].variables)
        return replace(info, reason=f"{info.reason} with {variables}")


class RunnerThatCallsAStopSuccess(RightRunner):
    """Calls a job completed that ended well when it was stopped."""

    def stop(self, handle: JobHandle, reason: str) -> JobInfo:
        info = super().stop(handle, reason)
        if info.exit_code == 0:
            info = replace(info, status=JobStatus.COMPLETED)
            self.memory.jobs[handle.job_id].info = info
        return info


class RunnerThatIgnoresAnEarlyStop(RightRunner):
    """Does not stop a job that has not started."""

    def stop(self, handle: JobHandle, reason: str) -> JobInfo:
        info = self.memory.jobs[handle.job_id].info if handle.job_id in self.memory.jobs else None
        if info is not None and info.status is JobStatus.PENDING and reason.strip():
            return info
        return super().stop(handle, reason)


class RunnerThatLaunchesStoppedJobsAgain(RightRunner):
    """Takes a cancelled job for one that was never there."""

    def submit(self, spec: JobSpec) -> JobHandle:
        job = self.memory.jobs.get(spec.job_id)
        if job is not None and job.info.status is JobStatus.CANCELLED:
            del self.memory.jobs[spec.job_id]
        return super().submit(spec)


class RunnerThatTakesTheLastReason(RightRunner):
    """Reports the reason of each call instead of the first one."""

    def stop(self, handle: JobHandle, reason: str) -> JobInfo:
        info = super().stop(handle, reason)
        return replace(info, reason=reason) if info.status is JobStatus.CANCELLED else info


class RunnerThatTellsTheEndOnce(RightRunner):
    """Forgets the exit code of a job once it was asked for."""

    def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
        info = super().wait(handle, timeout_s=timeout_s)
        job = self.memory.jobs[handle.job_id]
        if info.status is JobStatus.FAILED:
            job.info = replace(info, exit_code=None)
        return info


class RunnerThatCutsExitCodes(RightRunner):
    """Keeps seven bits of an exit code."""

    def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
        info = super().wait(handle, timeout_s=timeout_s)
        return info if info.exit_code is None else replace(info, exit_code=info.exit_code & 127)


class RunnerThatBlamesTheLimit(RightRunner):
    """Takes every failure of a job with a time limit for its end."""

    def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
        info = super().wait(handle, timeout_s=timeout_s)
        has_limit = self.memory.jobs[handle.job_id].spec.time_limit_s is not None
        is_blamed = has_limit and info.status is JobStatus.FAILED
        return replace(info, reason="its time limit has passed") if is_blamed else info


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
    RunnerThatKnowsOnlyItsOwn: "test_racing_runners_launch_one_job",
    RunnerThatFoldsIds: "test_ids_that_look_alike_are_different_jobs",
    RunnerThatSortsLikePeople: "test_jobs_are_sorted_as_text_is",
    RunnerThatSplitsAtEveryBreak: "test_only_a_newline_ends_a_line",
    RunnerThatExpandsVariables: "test_nothing_in_a_line_is_expanded",
    RunnerThatCutsLines: "test_a_line_of_ten_thousand_letters_is_one_line",
    RunnerThatHandsEachLineOutOnce: "test_each_reader_sees_every_line",
    RunnerThatStopsWithItsReader: "test_a_reader_that_gives_up_leaves_the_job_alone",
    RunnerThatSplitsValues: "test_odd_variables_reach_the_job_as_they_are",
    RunnerThatQuotesVariables: "test_secrets_are_in_no_facts_of_a_job",
    RunnerThatCallsAStopSuccess: "test_a_stopped_job_that_ends_well_is_cancelled_all_the_same",
    RunnerThatIgnoresAnEarlyStop: "test_a_job_can_be_stopped_at_once",
    RunnerThatLaunchesStoppedJobsAgain: "test_a_stopped_job_is_not_launched_again",
    RunnerThatTakesTheLastReason: "test_stops_at_the_same_time_agree",
    RunnerThatTellsTheEndOnce: "test_all_who_wait_see_the_same_end",
    RunnerThatCutsExitCodes: "test_every_exit_code_of_a_program_is_kept",
    RunnerThatBlamesTheLimit: "test_a_time_limit_that_is_not_reached_changes_nothing",
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

    assert len(names) == len(set(names)) >= 60
