"""Verdicts on tasks: the state, the exit code and the advice that a description of ECS means."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, final

from tradai.aws._ecs.stop_causes import StopCause, cause_of_stop
from tradai.core import JobInfo, JobStatus, redact

_ENDED: Final = frozenset({"STOPPED", "DELETED"})
_BEFORE_THE_COMMAND: Final = frozenset({"PROVISIONING", "PENDING", "ACTIVATING"})
_FIRST_SIGNAL: Final = 129
_LAST_SIGNAL: Final = 128 + 64
_LONGEST_TEXT: Final = 300


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StopVerdict:
    """The meaning of a task's stop.

    Attributes:
        status: Status of the job: completed, failed or cancelled.
        exit_code: Exit code of the run; None where it is not known. A job that did not complete
            never has 0 here, except one that was stopped and ended well.
        cause: Why the task stopped.
        detail: The words of AWS, secrets masked; empty where they say no more than the cause.
        never_ran: Whether AWS says that the command was not started.
    """

    status: JobStatus
    exit_code: int | None
    cause: StopCause
    detail: str = ""
    never_ran: bool = False

    @property
    def retryable(self) -> bool:
        """Whether the same job may well succeed when it is launched again."""
        return self.cause.is_transient

    @property
    def advice(self) -> str:
        """One line that says what to do."""
        return self.cause.advice

    @property
    def sentence(self) -> str:
        """The cause, the words of AWS and the advice in one line."""
        words = f" ({self.detail})" if self.detail else ""
        return f"{self.cause.sentence}{words}: {self.cause.advice}"


def judge(
    task: Mapping[str, Any],
    *,
    main_container: str,
    manifest_exit_code: int | None,
    stop_reason: str | None,
) -> JobInfo:
    """Return the facts about the job of a task, whether it has stopped or not.

    Args:
        task: The task as DescribeTasks describes it, or its entry among the failures.
        main_container: Name of the container that runs the job's command.
        manifest_exit_code: Exit code in the manifest that the run wrote to the store last of all;
            None without one.
        stop_reason: Reason of a stop that this job runner requested; None without one.
    """
    started_at = _instant(task.get("startedAt"))
    if not has_stopped(task):
        is_pending = task.get("lastStatus") in _BEFORE_THE_COMMAND
        status = JobStatus.PENDING if is_pending else JobStatus.RUNNING
        return JobInfo(status=status, started_at=started_at)
    verdict = judge_stop(
        task,
        main_container=main_container,
        manifest_exit_code=manifest_exit_code,
        stop_reason=stop_reason,
    )
    return JobInfo(
        status=verdict.status,
        exit_code=verdict.exit_code,
        reason=_reason(verdict, stop_reason),
        started_at=started_at,
        ended_at=_instant(task.get("stoppedAt")),
    )


def has_stopped(task: Mapping[str, Any]) -> bool:
    """Tell whether a task, or an entry among the failures of DescribeTasks, is at its end."""
    return task.get("lastStatus") in _ENDED or _is_failure(task)


def judge_stop(
    task: Mapping[str, Any],
    *,
    main_container: str,
    manifest_exit_code: int | None,
    stop_reason: str | None,
) -> StopVerdict:
    """Return the verdict on a task that has stopped, or that ECS no longer knows.

    A stopped task is a success only if AWS says that an essential container exited, the main
    container exited with 0, and the manifest does not say otherwise. ECS forgets a task some time
    after its stop: then the manifest is the only witness, and its 0 is a success, because a run
    writes it when all else is done. Anything unknown is a failure.

    Args:
        task: As for `judge`.
        main_container: As for `judge`.
        manifest_exit_code: As for `judge`.
        stop_reason: As for `judge`.
    """
    code = _exit_code(_container(task, main_container))
    cause = _cause(task, main_container, manifest_exit_code)
    if cause is not StopCause.COMPLETED and stop_reason is not None and not _ended_itself(task):
        cause = StopCause.STOPPED_BY_US
    return StopVerdict(
        status=_STATUS.get(cause, JobStatus.FAILED),
        exit_code=_verdict_code(cause, code, manifest_exit_code),
        cause=cause,
        detail=_detail(task, main_container, cause),
        never_ran=task.get("stopCode") == "TaskFailedToStart"
        and code is manifest_exit_code is None,
    )


_STATUS: Final = {
    StopCause.COMPLETED: JobStatus.COMPLETED,
    StopCause.STOPPED_BY_US: JobStatus.CANCELLED,
}


def _cause(task: Mapping[str, Any], main_container: str, manifest: int | None) -> StopCause:
    if _is_failure(task):
        return _cause_of_absence(task, manifest)
    code = _exit_code(_container(task, main_container))
    if _ended_itself(task) and code is not None:
        return _cause_of_exit(code, manifest, _words(task, main_container))
    if manifest is not None:
        return StopCause.CRASHED_AFTER_RESULT
    return cause_of_stop(_text(task, "stopCode"), _words(task, main_container))


def _cause_of_exit(code: int, manifest: int | None, words: str) -> StopCause:
    if manifest not in {None, code}:
        return StopCause.EXITED if code == 0 else StopCause.CRASHED_AFTER_RESULT
    if code == 0:
        return StopCause.COMPLETED
    if "OutOfMemory" in words:
        return StopCause.OUT_OF_MEMORY
    return StopCause.KILLED if _FIRST_SIGNAL <= code <= _LAST_SIGNAL else StopCause.EXITED


def _cause_of_absence(task: Mapping[str, Any], manifest: int | None) -> StopCause:
    if task.get("reason") != "MISSING":
        return StopCause.UNKNOWN
    if manifest is None:
        return StopCause.VANISHED
    return StopCause.COMPLETED if manifest == 0 else StopCause.EXITED


def _verdict_code(cause: StopCause, code: int | None, manifest: int | None) -> int | None:
    """Return the run's own exit code; the manifest knows it better than the container."""
    known = code if manifest is None else manifest
    if cause is StopCause.CRASHED_AFTER_RESULT:
        known = manifest or code
    may_be_zero = cause in {StopCause.COMPLETED, StopCause.STOPPED_BY_US}
    return known if known or may_be_zero else None


def _reason(verdict: StopVerdict, stop_reason: str | None) -> str:
    is_ours = verdict.cause is StopCause.STOPPED_BY_US
    return f"it was stopped: {redact(stop_reason or '')}" if is_ours else verdict.sentence


def _is_failure(task: Mapping[str, Any]) -> bool:
    """Tell whether this is an entry among the failures of DescribeTasks."""
    return "lastStatus" not in task and "reason" in task


def _ended_itself(task: Mapping[str, Any]) -> bool:
    return task.get("stopCode") == "EssentialContainerExited"


def _container(task: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    containers = task.get("containers") or ()
    return next((item for item in containers if item.get("name") == name), {})


def _exit_code(container: Mapping[str, Any]) -> int | None:
    code = container.get("exitCode")
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _words(task: Mapping[str, Any], main_container: str) -> str:
    reasons = (
        _text(task, "stoppedReason"),
        _text(_container(task, main_container), "reason"),
    )
    return " ".join(reason for reason in reasons if reason)


def _detail(task: Mapping[str, Any], main_container: str, cause: StopCause) -> str:
    if cause in {StopCause.COMPLETED, StopCause.STOPPED_BY_US, StopCause.VANISHED}:
        return ""
    words = _words(task, main_container) or _text(task, "reason")
    text = " ".join(redact(words).split())
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."


def _text(source: Mapping[str, Any], key: str) -> str:
    value = source.get(key)
    return value if isinstance(value, str) else ""


def _instant(value: object) -> datetime | None:
    """Return an instant of a description; boto3 gives local time, JSON seconds or ISO text."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.astimezone(UTC) if isinstance(value, datetime) else None
