"""Folder of one job: its specification, its lock, its status and its log."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, final

from tradai.core import (
    JobInfo,
    JobSpec,
    JobStatus,
    Pause,
    atomic_file,
    file_errors,
    redact,
    utc_now,
)
from tradai.core.exceptions import JobConflictError, NotFoundError, StorageError
from tradai.entrypoint._jobs.supervisor import LOG, STATE, STOP, WORK

SPEC: Final = "spec.json"
LOCK: Final = "lock"
_LOST: Final = "its supervisor ended without a verdict: it was killed, or the machine was restarted"


@final
class JobFolder:
    """Folder of one job; any process may read it.

    The lock is held by the process that submits the job, and from then on by its supervisor.
    While it is held the status may change, and only the holder changes it. When it is free, the
    status stays as it is: a job that is still running then has lost its supervisor.

    Attributes:
        path: The folder.
        log: Output of the job.
    """

    def __init__(self, path: Path) -> None:
        """Use the folder `path`, which need not exist."""
        self.path = path
        self.log = path / LOG

    def create(self) -> None:
        """Make the folder, readable by this user only; it may exist."""
        with file_errors("make", self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)
            (self.path / WORK).mkdir(exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[int | None]:
        """Lend the descriptor of the lock; None when another process holds it.

        A process that inherits the descriptor holds the lock after the block.
        """
        with file_errors("lock", self.path):
            descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield descriptor
        finally:
            os.close(descriptor)

    def exists(self) -> bool:
        """Tell whether there is a job."""
        return (self.path / SPEC).is_file()

    def digest(self) -> str:
        """Return the digest of the job's specification.

        It is the one that was written down: the specification itself is for people. Reading it
        back would check it again, by what is known to be secret today.

        Raises:
            NotFoundError: The job does not exist.
            StorageError: The file cannot be read.
        """
        return str(self._read(SPEC).get("digest"))

    def check_digest(self, digest: str) -> None:
        """Check that the specification of the job has this digest.

        Raises:
            NotFoundError: The job does not exist.
            JobConflictError: It has another one.
        """
        if self.digest() != digest:
            job_id = self.path.name
            message = f"the job {job_id} has another specification; choose another id"
            raise JobConflictError(message, job_id=job_id)

    def write_spec(self, spec: JobSpec) -> None:
        """Write the specification; the lock must be held."""
        self._write(SPEC, {"digest": spec.digest, "spec": spec.to_json()})

    def info(self) -> JobInfo:
        """Return the facts about the job as of now."""
        info = self._info()
        if info.status is JobStatus.RUNNING:
            with self.locked() as lock:
                # The supervisor may have ended in good order since the look.
                if lock is not None and (info := self._info()).status is JobStatus.RUNNING:
                    return self._end(replace(info, status=JobStatus.FAILED, reason=_LOST))
        return info

    def log_bytes(self) -> int:
        """Return the size of the log of a job that has ended."""
        size = self._read(STATE).get("log_bytes")
        return size if isinstance(size, int) else 0

    def is_abandoned(self) -> bool:
        """Tell whether the job was never started, and no process is about to start it."""
        with self.locked() as lock:
            return lock is not None and self._info().status is JobStatus.PENDING

    def request_stop(self, reason: str) -> None:
        """Ask for the end of the job; an earlier request stays as it is."""
        with file_errors("stop the job in", self.path), suppress(FileExistsError):
            path = self.path / STOP
            with atomic_file(path, put=os.link) as file:
                file.write(json.dumps({"reason": redact(reason)}).encode())
        pause = Pause()
        while not self._ends_unstarted():
            pause.sleep()

    def _ends_unstarted(self) -> bool:
        """End a job that was not started, once no process starts it or looks whether one does."""
        with self.locked() as lock:
            info = self._info()
            if info.status is not JobStatus.PENDING:
                return True
            if lock is not None:
                reason = self._read(STOP)["reason"]
                end = replace(info, status=JobStatus.CANCELLED, reason=f"it was stopped: {reason}")
                self._end(end)
            return lock is not None

    def _info(self) -> JobInfo:
        try:
            return JobInfo.from_json(self._read(STATE))
        except NotFoundError:
            return JobInfo.pending()

    def _end(self, end: JobInfo) -> JobInfo:
        """Write down the end of a job without a supervisor; the lock must be held."""
        ended = replace(end, ended_at=max(utc_now(), end.started_at or utc_now()))
        size = self.log.stat().st_size if self.log.exists() else 0
        # On a disk that refuses, every look finds the same end again.
        with suppress(StorageError):
            self._write(STATE, {**ended.to_json(), "log_bytes": size})
        return ended

    def _read(self, name: str) -> dict[str, Any]:
        path = self.path / name
        with file_errors("read", path):
            text = path.read_bytes()
        try:
            value = json.loads(text)
        except ValueError as exc:
            message = f"cannot read {path}: it is not JSON; remove the job's folder"
            raise StorageError(message, operation="read") from exc
        return dict(value)

    def _write(self, name: str, value: object) -> None:
        path = self.path / name
        with file_errors("write", path), atomic_file(path) as file:
            file.write(json.dumps(value).encode())
