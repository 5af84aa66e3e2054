"""Job runner of this machine: child processes, one folder for each job."""

import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self, final
from urllib.parse import quote, unquote

from tradai.core import (
    JobHandle,
    JobInfo,
    JobLine,
    JobPlatform,
    JobSpec,
    JobStatus,
    LogSummary,
    Pause,
    check_stop_reason,
)
from tradai.core.exceptions import ExternalServiceError, NotFoundError, ValidationError
from tradai.entrypoint._jobs.folder import JobFolder
from tradai.entrypoint._jobs.launch import is_launched, launch_once
from tradai.entrypoint._jobs.log_reader import LogReader

_SCHEME: Final = "local:"
_DEFAULT: Final = ".tradai/jobs"
_PLATFORMS: Final = {
    ("Linux", "x86_64"): JobPlatform.LINUX_AMD64,
    ("Linux", "aarch64"): JobPlatform.LINUX_ARM64,
}


@final
class LocalRunner:
    """A `JobRunner` that runs jobs as processes of this machine.

    A job has a supervisor of its own, so it goes on when the process that submitted it ends. Its
    folder has its specification, status and log, and ``work``, the folder it runs in. It gets the
    variables of its specification and of the machine (``PATH``, ``HOME`` and the like), and nothing
    else of the submitting process. Its output goes straight to the log file, unmasked and readable
    by this user only; `logs` masks secrets. Sizes and capacity of a specification are ignored.

    Attributes:
        uri: URI of the runner, which handles have.
    """

    def __init__(self, folder: Path | str = _DEFAULT) -> None:
        """Keep the jobs in `folder`, which need not exist."""
        self._root = Path(folder).absolute()
        self.uri = _SCHEME + quote(str(self._root))
        self._summaries: dict[str, LogSummary] = {}

    @classmethod
    def for_uri(cls, uri: str) -> Self:
        """Return the runner of ``local:FOLDER``; without a folder it is ``.tradai/jobs``."""
        return cls(unquote(uri.removeprefix(_SCHEME)) or _DEFAULT)

    def submit(self, spec: JobSpec) -> JobHandle:
        """Launch a job, or adopt it; see `JobRunner.submit`.

        Raises:
            JobConflictError: The id was used with another specification.
            NotFoundError, ConfigurationError: A secret cannot be resolved; nothing was launched.
            ValidationError: The job needs an image or another platform.
        """
        _check_runnable(spec)
        handle = self._handle(spec.job_id, spec.digest)
        folder = JobFolder(self._root / spec.job_id)
        if not is_launched(folder, spec):
            launch_once(folder, spec)
        return handle

    def status(self, handle: JobHandle) -> JobInfo:
        """Return the facts about a job as of now; see `JobRunner.status`."""
        return self._find(handle).info()

    def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
        """Return the facts about a job once it has ended; see `JobRunner.wait`.

        Raises:
            ExternalServiceError: The job was never started, because the process that submitted it
                was killed; submit it again.
        """
        folder = self._find(handle)
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        pause = Pause()
        while not (info := folder.info()).status.is_terminal:
            if deadline is not None and time.monotonic() >= deadline:
                break
            _check_not_abandoned(folder, info)
            pause.sleep(deadline)
        return info

    def logs(self, handle: JobHandle, *, after: int = 0, follow: bool = True) -> Iterator[JobLine]:
        """Yield the lines of a job's output in order; see `JobRunner.logs`.

        Raises:
            ExternalServiceError: As for `wait`, when the job is followed.
        """
        return self._lines(self._find(handle), after, follow=follow)

    def log_summary(self, handle: JobHandle) -> LogSummary | None:
        """Return how much of a job's log the last `logs` has read; None when there was none."""
        return self._summaries.get(handle.job_id)

    def stop(self, handle: JobHandle, reason: str) -> JobInfo:
        """Stop a job and return the facts about its end; see `JobRunner.stop`."""
        check_stop_reason(reason)
        folder = self._find(handle)
        if not folder.info().status.is_terminal:
            folder.request_stop(reason)
        return self.wait(handle)

    def jobs(self) -> Iterator[JobHandle]:
        """Yield the jobs in the folder, sorted by id."""
        if self._root.is_dir():
            for path in sorted(self._root.iterdir()):
                folder = JobFolder(path)
                if folder.exists():
                    yield self._handle(path.name, folder.digest())

    def _handle(self, job_id: str, digest: str) -> JobHandle:
        return JobHandle(runner=self.uri, job_id=job_id, spec_digest=digest)

    def _find(self, handle: JobHandle) -> JobFolder:
        handle.check_runner(self.uri)
        folder = JobFolder(self._root / handle.job_id)
        if not folder.exists():
            message = f"there is no job {handle.job_id} in {self.uri}; check the id"
            raise NotFoundError(message, kind="job", key=handle.job_id)
        folder.check_digest(handle.spec_digest)
        return folder

    def _lines(self, folder: JobFolder, after: int, *, follow: bool) -> Iterator[JobLine]:
        pause = Pause()
        with LogReader(folder.log) as reader:
            while True:
                # In this order: the log of a job that has ended is whole.
                info = folder.info()
                end = folder.log_bytes() if info.status.is_terminal else None
                for line in reader.lines(end=end):
                    if line.number > after:
                        yield line
                        pause = Pause()
                self._summaries[folder.path.name] = _summary(reader, end)
                if info.status.is_terminal or not follow:
                    return
                _check_not_abandoned(folder, info)
                pause.sleep()


def _summary(reader: LogReader, end: int | None) -> LogSummary:
    is_whole = reader.position == end
    expected = reader.number if is_whole else None
    return LogSummary(complete=is_whole, expected=expected, seen=reader.number)


def _check_runnable(spec: JobSpec) -> None:
    if spec.image is not None:
        expected = "no image; docker: and ecs: run images"
        message = (
            f"the job {spec.job_id} has an image, which local: cannot run: expected {expected}"
        )
        raise ValidationError(message, field="image", expected=expected)
    here = _PLATFORMS.get((platform.system(), platform.machine()))
    if spec.platform not in {None, here}:
        expected = here or "no platform on this system"
        message = f"the job {spec.job_id} needs {spec.platform}: expected {expected}"
        raise ValidationError(message, field="platform", expected=expected)


def _check_not_abandoned(folder: JobFolder, info: JobInfo) -> None:
    if info.status is JobStatus.PENDING and folder.is_abandoned():
        message = (
            f"the job {folder.path.name} was never started: the process that submitted it was "
            "killed; submit it again, or stop it"
        )
        raise ExternalServiceError(
            message, service="local runner", operation="wait", retryable=True
        )
