"""A job runner in memory, whose jobs need no process and no time."""

import json
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, final

from tradai.core._ports.job_handle import JobHandle
from tradai.core._ports.job_runner import JobLine, check_stop_reason
from tradai.core._ports.job_spec import JobSpec
from tradai.core._ports.job_status import JobInfo, JobStatus
from tradai.core._ports.protocols import SecretSource
from tradai.core._ports.resolve_secret import resolve_secret
from tradai.core._secrets.redaction import redact
from tradai.core.exceptions import JobConflictError, NotFoundError
from tradai.core.testing._jobs.script import JobScript

_AT: Final = datetime(2025, 1, 1, tzinfo=UTC)
_NOT_FOUND: Final = 127
_PROGRAM: Final = "fake-job"


def _script(command: tuple[str, ...]) -> JobScript | None:
    program, *arguments = command
    if program != _PROGRAM:
        return None
    values: dict[str, Any] = json.loads(arguments[0])
    for name in ("lines", "errors", "variables"):
        values[name] = tuple(values[name])
    return JobScript(**values)


@dataclass(kw_only=True)
class _Job:
    spec: JobSpec
    script: JobScript | None
    variables: Mapping[str, str]
    info: JobInfo = field(default_factory=JobInfo.pending)

    def lines(self) -> list[JobLine]:
        """Return what it has printed: nothing before it runs, and all as soon as it does."""
        if self.script is None or self.info.started_at is None:
            return []
        script = self.script
        shown = (f"{name}={self.variables.get(name, '')}" for name in script.variables)
        last = [script.unfinished] if script.unfinished else []
        texts = [*script.lines, *script.errors, *shown, *last]
        return [JobLine(number=n, text=redact(text)) for n, text in enumerate(texts, 1)]

    def advance(self) -> None:
        """Move one step on; a job that waits stays running."""
        if self.info.status is JobStatus.PENDING:
            self.info = JobInfo(status=JobStatus.RUNNING, started_at=_AT)
        elif self.script is None:
            self.end(JobStatus.FAILED, _NOT_FOUND, "its program was not found")
        elif not self.script.waits:
            code = self.script.exit_code
            status = JobStatus.FAILED if code else JobStatus.COMPLETED
            self.end(status, code, f"it ended with exit code {code}")
        elif self.spec.time_limit_s is not None:
            self.end(JobStatus.FAILED, self.stop_code, "its time limit has passed")

    def end(self, status: JobStatus, code: int | None, reason: str) -> None:
        if not self.info.status.is_terminal:
            self.info.status.move_to(status)
            self.info = replace(
                self.info, status=status, exit_code=code, reason=redact(reason), ended_at=_AT
            )

    @property
    def stop_code(self) -> int | None:
        """Exit code of the job when it is stopped now; None when it was never started."""
        if self.script is None or self.info.started_at is None:
            return None
        if self.script.is_deaf:
            return 128 + signal.SIGKILL
        code = self.script.exit_code_when_stopped
        return 128 + signal.SIGTERM if code is None else code


@final
class JobMemory:
    """Jobs of one place, which several `FakeRunner` share as processes share a service."""

    def __init__(self) -> None:
        """Start empty."""
        self.jobs: dict[str, _Job] = {}
        self.changed = threading.Condition()


class FakeRunner:
    """A `JobRunner` for tests: jobs are scripts, and each look at a job moves it one step on.

    `command` makes the command of a job from its script; a job of any other command fails, as one
    whose program does not exist. A job that waits runs until it is stopped, or until the next look
    when it has a time limit.

    >>> runner = FakeRunner()
    >>> command = runner.command(JobScript(lines=("hello",), exit_code=3))
    >>> handle = runner.submit(JobSpec(job_id="job-1", command=command))
    >>> [line.text for line in runner.logs(handle)], runner.wait(handle).exit_code
    (['hello'], 3)
    """

    def __init__(
        self,
        uri: str = "fake:",
        *,
        memory: JobMemory | None = None,
        secrets: SecretSource | None = None,
    ) -> None:
        """Use `memory`, by default a new one; `secrets` resolves references in place of URIs."""
        self._uri = uri
        self._secrets = secrets
        self.memory = memory or JobMemory()

    @staticmethod
    def command(script: JobScript) -> tuple[str, ...]:
        """Return the command of a job that does what `script` says."""
        return (_PROGRAM, json.dumps(asdict(script)))

    def submit(self, spec: JobSpec) -> JobHandle:
        """Launch a job; see `JobRunner.submit`."""
        handle = JobHandle(runner=self._uri, job_id=spec.job_id, spec_digest=spec.digest)
        with self.memory.changed:
            if spec.job_id in self.memory.jobs:
                self._find(handle)
                return handle
            self.memory.jobs[spec.job_id] = self._launch(spec)
        return handle

    def status(self, handle: JobHandle) -> JobInfo:
        """Return the facts about a job, then move it one step on."""
        with self.memory.changed:
            job = self._find(handle)
            info = job.info
            self._advance(job)
        return info

    def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
        """Return the facts about a job once it has ended, or after `timeout_s` seconds."""
        with self.memory.changed:
            job = self._find(handle)

            def has_ended() -> bool:
                self._advance(job)
                self._advance(job)
                return job.info.status.is_terminal

            self.memory.changed.wait_for(has_ended, timeout_s)
            return job.info

    def logs(self, handle: JobHandle, *, after: int = 0, follow: bool = True) -> Iterator[JobLine]:
        """Yield the lines of a job; see `JobRunner.logs`."""
        with self.memory.changed:
            job = self._find(handle)
            if job.info.status is JobStatus.PENDING:
                self._advance(job)
        return self._lines(handle, job, after, follow=follow)

    def stop(self, handle: JobHandle, reason: str) -> JobInfo:
        """Stop a job; see `JobRunner.stop`."""
        check_stop_reason(reason)
        with self.memory.changed:
            job = self._find(handle)
            job.end(JobStatus.CANCELLED, job.stop_code, reason)
            self.memory.changed.notify_all()
            return job.info

    def jobs(self) -> Iterator[JobHandle]:
        """Yield the jobs, sorted by id."""
        with self.memory.changed:
            specs = [self.memory.jobs[job_id].spec for job_id in sorted(self.memory.jobs)]
        for spec in specs:
            yield JobHandle(runner=self._uri, job_id=spec.job_id, spec_digest=spec.digest)

    def _launch(self, spec: JobSpec) -> _Job:
        resolved = {
            name: resolve_secret(reference, source=self._secrets).reveal()
            for name, reference in spec.secrets.items()
        }
        variables = {"TRADAI_RUN_TRACE_ID": spec.trace_id, **spec.environment, **resolved}
        return _Job(spec=spec, script=_script(spec.command), variables=variables)

    def _find(self, handle: JobHandle) -> _Job:
        handle.check_runner(self._uri)
        job = self.memory.jobs.get(handle.job_id)
        if job is None:
            message = f"there is no job {handle.job_id} in {self._uri}; check the id"
            raise NotFoundError(message, kind="job", key=handle.job_id)
        if job.spec.digest != handle.spec_digest:
            message = f"the job {handle.job_id} has another specification; choose another id"
            raise JobConflictError(message, job_id=handle.job_id)
        return job

    def _advance(self, job: _Job) -> None:
        if not job.info.status.is_terminal:
            job.advance()
            if job.info.status.is_terminal:
                self.memory.changed.notify_all()

    def _lines(
        self, handle: JobHandle, job: _Job, after: int, *, follow: bool
    ) -> Iterator[JobLine]:
        yield from job.lines()[after:]
        if follow:
            # All lines of a job that runs are there: only its end is left to wait for.
            self.wait(handle)
