"""Status of a job, its legal moves, and the facts known about a job at one instant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Self, final

from tradai.core._time.instants import Utc, check_utc
from tradai.core.exceptions import ValidationError


@final
class JobStatus(StrEnum):
    """Status of a job, under the names that the platform stores."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether the job has ended; a terminal status never changes."""
        return not JOB_TRANSITIONS[self]

    def may_become(self, status: "JobStatus") -> bool:
        """Tell whether a job of this status may move to `status`, or stay in it."""
        return status is self or status in JOB_TRANSITIONS[self]

    def move_to(self, status: "JobStatus") -> "JobStatus":
        """Return `status`.

        >>> JobStatus.PENDING.move_to(JobStatus.RUNNING)
        <JobStatus.RUNNING: 'running'>

        Raises:
            ValidationError: A job of this status cannot move there.
        """
        if self.may_become(status):
            return status
        expected = ", ".join(sorted(JOB_TRANSITIONS[self])) or "no move: it is final"
        message = f"a job that is {self} cannot become {status}: expected {expected}"
        raise ValidationError(message, field="status", expected=expected)


JOB_TRANSITIONS: Final[Mapping[JobStatus, frozenset[JobStatus]]] = MappingProxyType(
    {
        JobStatus.PENDING: frozenset({JobStatus.RUNNING, JobStatus.FAILED, JobStatus.CANCELLED}),
        JobStatus.RUNNING: frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}),
        JobStatus.COMPLETED: frozenset(),
        JobStatus.FAILED: frozenset(),
        JobStatus.CANCELLED: frozenset(),
    }
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JobInfo:
    """Facts about a job at one instant.

    Attributes:
        status: Its status.
        exit_code: Exit code of its command; 128 more than the number of a signal that ended it.
            None while it has not ended, and where no exit code is known.
        reason: A sentence that says why it ended, and the reason of a stop; empty before the end.
        started_at: When its command was started; None before that.
        ended_at: When it ended; None before that.
    """

    status: JobStatus
    exit_code: int | None = None
    reason: str = ""
    started_at: Utc | None = None
    ended_at: Utc | None = None

    def __post_init__(self) -> None:
        """Refuse facts that contradict each other.

        Raises:
            ValidationError: It is completed without exit code 0, or has an end but has not ended.
        """
        if self.status is JobStatus.COMPLETED and self.exit_code != 0:
            raise _contradiction("exit code 0 of a completed job")
        has_end = self.exit_code is not None or self.ended_at is not None or bool(self.reason)
        if has_end and not self.status.is_terminal:
            raise _contradiction("an end of ended jobs only")

    def to_json(self) -> dict[str, str | int | None]:
        """Return the facts as JSON."""
        return {
            "status": self.status.value,
            "exit_code": self.exit_code,
            "reason": self.reason,
            "started_at": _text(self.started_at),
            "ended_at": _text(self.ended_at),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the facts that `to_json` returned as `value`; unknown keys are ignored.

        Raises:
            ValidationError: `value` is not such facts.
        """
        try:
            return cls(
                status=JobStatus(value["status"]),
                exit_code=value["exit_code"],
                reason=value["reason"],
                started_at=_instant(value["started_at"]),
                ended_at=_instant(value["ended_at"]),
            )
        except (KeyError, TypeError, ValueError) as exc:
            raise _contradiction("the JSON of JobInfo") from exc

    @classmethod
    def pending(cls) -> Self:
        """Return the facts about a job that was not started yet."""
        return cls(status=JobStatus.PENDING)


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _instant(text: str | None) -> datetime | None:
    return None if text is None else check_utc(datetime.fromisoformat(text))


def _contradiction(expected: str) -> ValidationError:
    message = f"the facts about a job are not usable: expected {expected}"
    return ValidationError(message, field="info", expected=expected)
