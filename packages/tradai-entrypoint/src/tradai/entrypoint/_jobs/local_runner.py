"""Job runner of this machine: child processes, one folder for each job."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, Self, final
from urllib.parse import quote, unquote

from tradai.core import (
    JobHandle,
    JobInfo,
    JobLine,
    JobPlatform,
    JobSpec,
    JobStatus,
    resolve_secret,
)
from tradai.core.exceptions import ExternalServiceError, NotFoundError, ValidationError
from tradai.entrypoint._jobs import supervisor
from tradai.entrypoint._jobs.folder import JobFolder
from tradai.entrypoint._jobs.log_reader import LogReader
from tradai.entrypoint._process.exec_child import child_starter

_SCHEME: Final = "local:"
_DEFAULT: Final = ".tradai/jobs"
_FIRST_PAUSE_S: Final = 0.005
_LONGEST_PAUSE_S: Final = 0.1
_LAUNCH_S: Final = 60.0
# A job has the same variables on every machine, apart from these, which belong to the machine.
_INHERITED: Final = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER")
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
        if not _is_launched(folder, spec):
            # Before there is a folder: a job whose secrets are missing leaves no trace.
            payload = _payload(spec, folder)
            folder.create()
            _launch_once(folder, spec, payload)
        return handle

    def status(self, handle: JobHandle) -> JobInfo:
        """Return the facts about a job as of now."""
        return self._find(handle).info()

    def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
        """Return the facts about a job once it has ended, or after `timeout_s` seconds.

        Raises:
            ExternalServiceError: The job was never started, because the process that submitted it
                was killed; submit it again.
        """
        folder = self._find(handle)
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        pause = _Pause()
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
        return _lines(self._find(handle), after, follow=follow)

    def stop(self, handle: JobHandle, reason: str) -> JobInfo:
        """Stop a job and return the facts about it once it has ended.

        Raises:
            ValidationError: The reason is empty.
        """
        if not reason.strip():
            expected = "some words"
            message = f"the reason of a stop is empty: expected {expected}"
            raise ValidationError(message, field="reason", expected=expected)
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
        if handle.runner != self.uri:
            message = f"the job {handle.job_id} is one of {handle.runner}: use that runner"
            raise ValidationError(message, field="handle", expected=f"a handle of {self.uri}")
        folder = JobFolder(self._root / handle.job_id)
        if not folder.exists():
            message = f"there is no job {handle.job_id} in {self.uri}; check the id"
            raise NotFoundError(message, kind="job", key=handle.job_id)
        folder.check_digest(handle.spec_digest)
        return folder


@final
class _Pause:
    """Pauses between two looks, each longer than the one before, up to a tenth of a second."""

    def __init__(self) -> None:
        self._next_s = _FIRST_PAUSE_S

    def sleep(self, deadline: float | None = None) -> None:
        left = self._next_s if deadline is None else max(0.0, deadline - time.monotonic())
        time.sleep(min(self._next_s, left))
        self._next_s = min(2 * self._next_s, _LONGEST_PAUSE_S)


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


def _is_launched(folder: JobFolder, spec: JobSpec) -> bool:
    """Tell whether the job was launched before; raise when its id has another specification."""
    if not folder.exists():
        return False
    folder.check_digest(spec.digest)
    return folder.info().status is not JobStatus.PENDING


def _launch_once(folder: JobFolder, spec: JobSpec, payload: bytes) -> None:
    """Launch the job, unless another process has launched it, or does so in the meantime."""
    deadline, pause = time.monotonic() + _LAUNCH_S, _Pause()
    while True:
        with folder.locked() as lock:
            if _is_launched(folder, spec):
                return
            if lock is not None:
                folder.write_spec(spec)
                _launch(payload, lock)
                return
        if time.monotonic() >= deadline:
            message = f"another process launches the job {spec.job_id} and does not end; try again"
            raise ExternalServiceError(
                message, service="local runner", operation="submit", retryable=True
            )
        pause.sleep()


def _launch(payload: bytes, lock: int) -> None:
    """Start the supervisor, and return when it has written down the status."""
    command = [sys.executable, "-I", "-S", supervisor.__file__, str(lock)]
    with tempfile.TemporaryFile() as errors:
        # A session of its own: Ctrl-C reaches only this process. The command is made by our own
        # code (S603).
        done = subprocess.run(  # noqa: S603
            command,
            input=payload,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            pass_fds=(lock,),
            start_new_session=True,
            check=False,
        )
        if done.returncode:
            message = f"the supervisor of a job did not start: {_last_line(errors)}"
            raise ExternalServiceError(message, service="local runner", operation="submit")


def _payload(spec: JobSpec, folder: JobFolder) -> bytes:
    """Return all that the supervisor must know. It is never written to a file: it has secrets."""
    environment = {
        **{name: os.environ[name] for name in _INHERITED if name in os.environ},
        "TRADAI_RUN_TRACE_ID": spec.trace_id,
        **spec.environment,
        **{name: resolve_secret(ref).reveal() for name, ref in spec.secrets.items()},
    }
    job = {
        "folder": str(folder.path),
        "starter": child_starter(),
        "command": spec.command,
        "is_found": _is_found(spec.command[0], environment.get("PATH")),
        "environment": environment,
        "time_limit_s": spec.time_limit_s,
        "stop_grace_s": spec.stop_grace_s,
    }
    return json.dumps(job).encode()


def _is_found(program: str, path: str | None) -> bool:
    # A relative path is one from the job's own folder.
    is_relative = "/" in program and not program.startswith("/")
    return is_relative or shutil.which(program, path=path) is not None


def _lines(folder: JobFolder, after: int, *, follow: bool) -> Iterator[JobLine]:
    pause = _Pause()
    with LogReader(folder.log) as reader:
        while True:
            # In this order: the log of a job that has ended is whole.
            info = folder.info()
            end = folder.log_bytes() if info.status.is_terminal else None
            for line in reader.lines(end=end):
                if line.number > after:
                    yield line
                    pause = _Pause()
            if info.status.is_terminal or not follow:
                return
            _check_not_abandoned(folder, info)
            pause.sleep()


def _check_not_abandoned(folder: JobFolder, info: JobInfo) -> None:
    if info.status is JobStatus.PENDING and folder.is_abandoned():
        message = (
            f"the job {folder.path.name} was never started: the process that submitted it was "
            "killed; submit it again, or stop it"
        )
        raise ExternalServiceError(
            message, service="local runner", operation="wait", retryable=True
        )


def _last_line(file: IO[bytes]) -> str:
    file.seek(0)
    return (file.read().decode(errors="replace").strip().splitlines() or ["it gave no reason"])[-1]
