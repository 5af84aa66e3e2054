"""Container of one job: its names and labels, and the facts about the job that it shows."""

from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, NamedTuple, final

from tradai.aws._docker.container_log import read_log
from tradai.aws._docker.job_shell import LIMIT_PASSED, NOT_LAUNCHED, STARTED
from tradai.aws._images.daemon import Daemon
from tradai.core import JobInfo, JobSpec, JobStatus, redact
from tradai.core.exceptions import ConflictError, JobConflictError, NotFoundError

JOB: Final = "tradai.job"
DIGEST: Final = "tradai.spec-digest"
# Between two looks at a container.
LONGEST_PAUSE_S: Final = 0.25
_TRACE: Final = "tradai.trace"
_TAG: Final = "tradai.tag."
_GRACE: Final = "tradai.stop-grace-s"
_LIMIT: Final = "tradai.time-limit-s"
_STOP_OF: Final = "tradai.stop-of"
_REASON: Final = "tradai.stop-reason"
_NAME: Final = "tradai-job-"
_MIB: Final = 1024 * 1024
_RESTARTED: Final = (
    "its container was started again after its end, so that its exit code is lost: look at its "
    "results"
)
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


class _Stop(NamedTuple):
    at: datetime
    reason: str


def container_name(job_id: str) -> str:
    """Return the name of the container of a job that was launched."""
    return _NAME + job_id


def job_labels(spec: JobSpec) -> dict[str, str]:
    """Return the labels of the container of a job."""
    return {
        JOB: spec.job_id,
        DIGEST: spec.digest,
        _TRACE: spec.trace_id,
        _GRACE: str(spec.stop_grace_s),
        _LIMIT: str(spec.time_limit_s or ""),
        **{_TAG + name: text for name, text in spec.tags.items()},
    }


@final
class JobContainer:
    """A container as the daemon describes it; any process may read it.

    Attributes:
        facts: Its description by the daemon.
    """

    def __init__(self, daemon: Daemon, facts: Mapping[str, Any]) -> None:
        """Take the description `facts`."""
        self._daemon = daemon
        self.facts = facts

    @classmethod
    def find(cls, daemon: Daemon, name: str) -> "JobContainer":
        """Return the container of this name or id.

        Raises:
            NotFoundError: There is none.
            ExternalServiceError: The daemon does not answer.
        """
        with daemon.translated("inspect", name):
            return cls(daemon, daemon.api.inspect_container(name))

    @property
    def id(self) -> str:
        """Id that the daemon gave the container."""
        return str(self.facts["Id"])

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels of the container."""
        return self.facts["Config"]["Labels"] or {}

    @property
    def is_running(self) -> bool:
        """Whether its first process runs."""
        return bool(self.facts["State"]["Running"])

    def check_digest(self, digest: str) -> None:
        """Check that the job has a specification of this digest.

        Raises:
            JobConflictError: It has another one.
        """
        if self.labels.get(DIGEST) != digest:
            job_id = self.labels.get(JOB, self.id)
            message = f"the job {job_id} has another specification; choose another id"
            raise JobConflictError(message, job_id=job_id)

    @property
    def is_restarted(self) -> bool:
        """Whether it was started again by hand: its shell waits for an input that never comes."""
        return self.is_running and _instant(self.facts["State"]["FinishedAt"]) > _EARLIEST

    def info(self) -> JobInfo:
        """Return the facts about the job as of this description."""
        marks = self._marks()
        started_at = marks.get(STARTED)
        if self.is_restarted:
            ended_at = max(_instant(self.facts["State"]["FinishedAt"]), started_at or _EARLIEST)
            return JobInfo(
                status=JobStatus.FAILED, reason=_RESTARTED, started_at=started_at, ended_at=ended_at
            )
        if self.is_running:
            status = JobStatus.RUNNING if started_at else JobStatus.PENDING
            return JobInfo(status=status, started_at=started_at)
        if started_at is None and self._exit_code == NOT_LAUNCHED:
            stop = self._stop()
            return JobInfo.pending() if stop is None else _cancelled(stop, None, stop.at)
        return self._end(started_at, marks)

    def is_waiting(self) -> bool:
        """Tell whether it waits for the input that launches the job."""
        return self.is_running and self.info().status is JobStatus.PENDING

    def is_abandoned(self) -> bool:
        """Tell whether the job was never launched, and no process is about to launch it."""
        return not self.is_running and self.info().status is JobStatus.PENDING

    def remove(self) -> None:
        """Remove the container of a job that was never launched, unless another process does so."""
        with suppress(ConflictError, NotFoundError), self._daemon.translated("remove", self.id):
            self._daemon.api.remove_container(self.id, v=True)

    def request_stop(self, reason: str) -> None:
        """Ask for the end of the job, and kill it after its grace; the first reason counts.

        The request is a container of its own, which is never started: its name can be taken once,
        and the daemon dates it.
        """
        labels = {_STOP_OF: self.id, _REASON: redact(reason)}
        config = {"Image": self.facts["Image"], "Cmd": ["stop"], "Labels": labels}
        with suppress(ConflictError):
            self._daemon.create_container(config, _stop_name(self.id))
        with self._daemon.translated("stop", self.id):
            self._daemon.api.stop(self.id, timeout=int(self.labels[_GRACE]))

    def output(self, *, follow: bool) -> Iterator[bytes]:
        """Yield the output of the job in pieces, from its start."""
        return read_log(self._daemon, self.id, "stdout", follow=follow)

    @property
    def _exit_code(self) -> int:
        return int(self.facts["State"]["ExitCode"])

    def _end(self, started_at: datetime | None, marks: Mapping[str, datetime]) -> JobInfo:
        code, stop, limit_at = self._exit_code, self._stop(), marks.get(LIMIT_PASSED)
        ended_at = max(_instant(self.facts["State"]["FinishedAt"]), started_at or _EARLIEST)
        if stop is not None and stop.at <= min(ended_at, limit_at or ended_at):
            shown = None if started_at is None else code
            return replace(_cancelled(stop, shown, ended_at), started_at=started_at)
        is_success = code == 0 and started_at is not None and limit_at is None
        return JobInfo(
            status=JobStatus.COMPLETED if is_success else JobStatus.FAILED,
            exit_code=code,
            reason=self._reason(code, marks),
            started_at=started_at,
            ended_at=ended_at,
        )

    def _reason(self, code: int, marks: Mapping[str, datetime]) -> str:
        if STARTED not in marks:
            # Words of the program that Docker puts before all others.
            words = " ".join(marks)
            if not words:
                return f"it ended with exit code {code} before its command was started"
            return f"it could not be started in an image that needs a shell: {words}"
        if LIMIT_PASSED in marks:
            return f"its time limit of {self.labels[_LIMIT]} s has passed"
        memory = self.facts["HostConfig"]["Memory"]
        if code and self.facts["State"]["OOMKilled"]:
            room = f"its memory of {memory // _MIB} MiB" if memory else "the memory there is"
            return f"it needed more than {room}, and ended with exit code {code}"
        return f"it ended with exit code {code}"

    def _stop(self) -> _Stop | None:
        try:
            request = JobContainer.find(self._daemon, _stop_name(self.id))
        except NotFoundError:
            return None
        return _Stop(_instant(request.facts["Created"]), request.labels[_REASON])

    def _marks(self) -> dict[str, datetime]:
        """Return the marks of the shell before the job, and their instants.

        While the job runs, the first one is enough: the rest of a long log is not read for it.
        """
        with closing(read_log(self._daemon, self.id, "stderr", has_times=True)) as log:
            pieces = list(islice(log, 1 if self.is_running else None))
        lines = [piece.decode(errors="replace").partition(" ") for piece in pieces]
        return {mark.strip(): _instant(at) for at, _, mark in reversed(lines)}


def _cancelled(stop: _Stop, code: int | None, ended_at: datetime) -> JobInfo:
    reason = f"it was stopped: {stop.reason}"
    return JobInfo(status=JobStatus.CANCELLED, exit_code=code, reason=reason, ended_at=ended_at)


def _stop_name(container_id: str) -> str:
    return f"tradai-stop-{container_id}"


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
