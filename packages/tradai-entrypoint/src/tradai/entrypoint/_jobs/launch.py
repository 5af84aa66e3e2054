"""Launch of a job: its supervisor is started once, whatever happens to the launching process."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from typing import IO, Final

from tradai.core import JobSpec, JobStatus, Pause, resolve_secret
from tradai.core.exceptions import ExternalServiceError
from tradai.entrypoint._jobs import supervisor
from tradai.entrypoint._jobs.folder import JobFolder
from tradai.entrypoint._process.exec_child import child_starter

_LAUNCH_S: Final = 60.0
# A job has the same variables on every machine, apart from these, which belong to the machine.
_INHERITED: Final = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER")


def is_launched(folder: JobFolder, spec: JobSpec) -> bool:
    """Tell whether the job was launched before; raise when its id has another specification."""
    if not folder.exists():
        return False
    folder.check_digest(spec.digest)
    return folder.info().status is not JobStatus.PENDING


def launch_once(folder: JobFolder, spec: JobSpec) -> None:
    """Launch the job, unless another process has launched it, or does so in the meantime.

    Raises:
        JobConflictError: The job has another specification.
        NotFoundError, ConfigurationError: A secret cannot be resolved; no job was made.
        ExternalServiceError: The supervisor did not start; the launch may be repeated.
    """
    # Before there is a folder: a job whose secrets are missing leaves no trace.
    payload = _payload(spec, folder)
    folder.create()
    deadline, pause = time.monotonic() + _LAUNCH_S, Pause()
    while True:
        with folder.locked() as lock:
            if is_launched(folder, spec):
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


def _last_line(file: IO[bytes]) -> str:
    file.seek(0)
    return (file.read().decode(errors="replace").strip().splitlines() or ["it gave no reason"])[-1]
