"""The way of a job to its end: what its task shows is turned into its record, by any process."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias, final

from tradai.aws._ecs._follow.task_watch import TaskWatch
from tradai.aws._ecs._launch.evidence import RunEvidence
from tradai.aws._ecs._launch.launcher import Launcher
from tradai.aws._ecs._launch.lookup import CONSISTENT_AFTER_S, find_task
from tradai.aws._ecs._launch.record import (
    LaunchRecord,
    LaunchRecords,
    PastTask,
    StopRequest,
    StoredRecord,
)
from tradai.aws._ecs.client import EcsClient, translated
from tradai.aws._ecs.stop_causes import StopCause
from tradai.aws._ecs.verdicts import has_stopped, judge, judge_stop
from tradai.core import JobInfo, JobStatus, WaitingClock
from tradai.core.exceptions import ExternalServiceError, NotFoundError

Task: TypeAlias = Mapping[str, Any]

_NEW: Final = timedelta(seconds=1)
# AWS describes a stopped task for about an hour, so one that is gone was launched before that:
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-errors.html
_KEPT: Final = timedelta(hours=1)
_MISSING: Final[Task] = {"reason": "MISSING"}
_BILLED: Final = (
    "attributes",
    "capacityProviderName",
    "cpu",
    "ephemeralStorage",
    "memory",
    "pullStartedAt",
    "startedAt",
    "stoppedAt",
)
_LONGEST_REASON: Final = 255
# Causes for which another place may do.
_OF_PLACE: Final = frozenset({StopCause.CAPACITY, StopCause.NETWORK, StopCause.ADDRESSES})


@final
class JobWatch:
    """Follows jobs by their tasks."""

    def __init__(
        self,
        client: EcsClient,
        records: LaunchRecords,
        launcher: Launcher,
        *,
        watch: TaskWatch,
        clock: WaitingClock,
        evidence: RunEvidence,
    ) -> None:
        """Work on `records` together with every other process that does."""
        self._client = client
        self._records = records
        self._launcher = launcher
        self._watch = watch
        self._clock = clock
        self._evidence = evidence
        # Since when this process finds a task missing, on its own clock.
        self._missing_since: dict[str, float] = {}

    def advance(
        self, stored: StoredRecord, *, max_age_s: float | None = None
    ) -> tuple[StoredRecord, JobInfo]:
        """Look at the job's task, do what is due, and return the record and the facts."""
        record = stored.record
        if record.end is not None:
            return stored, record.end
        if not record.task_arn:
            return stored, _facts(record, JobInfo.pending())
        task = self._watch.look(record.task_arn, max_age_s=max_age_s)
        return self._missing(stored) if task is None else self._seen(stored, task)

    def _seen(self, stored: StoredRecord, task: Task) -> tuple[StoredRecord, JobInfo]:
        self._missing_since.pop(stored.record.task_arn, None)
        if has_stopped(task):
            return self._stopped(stored, task)
        info = _facts(stored.record, _judge(stored.record, task, None))
        return self._enforce(stored, task, info), info

    def add(self, stored: StoredRecord) -> None:
        """Watch the job's task from now on; of a new one, ECS has nothing to tell yet."""
        record = stored.record
        if record.found_at and self._clock.now() - record.found_at < _NEW:
            self._watch.add(record.task_arn)

    def follow_log(self, stored: StoredRecord) -> None:
        """Look less often at a job whose log says when it ends, unless it is to stop."""
        if stored.record.stop is None:
            self._watch.relax(stored.record.task_arn)

    def expect_end(self, stored: StoredRecord) -> None:
        """Look soon: the job's log has ended."""
        self._watch.hurry(stored.record.task_arn)

    def due_in(self, stored: StoredRecord) -> float:
        """Return the seconds until the next look at a job is due."""
        return self._watch.due_in(stored.record.task_arn) if stored.record.task_arn else 0.0

    def request_stop(self, stored: StoredRecord, request: StopRequest) -> StoredRecord:
        """Write down that the job is to stop; the first request counts."""

        def change(record: LaunchRecord) -> LaunchRecord:
            return record if record.stop or record.end else replace(record, stop=request)

        stored = self._records.update(stored, change)
        if stored.record.task_arn:
            self._watch.hurry(stored.record.task_arn)
        return stored

    def _enforce(self, stored: StoredRecord, task: Task, info: JobInfo) -> StoredRecord:
        """Stop the task whose time limit has passed, or whose stop was requested."""
        record = stored.record
        if record.time_limit_s is not None and info.started_at is not None:
            end = info.started_at + timedelta(seconds=record.time_limit_s)
            left_s = (end - self._clock.now()).total_seconds()
            if left_s > 0:
                self._watch.look_within(record.task_arn, left_s)
            elif record.stop is None:
                reason = f"its time limit of {record.time_limit_s} s has passed"
                stored = self.request_stop(stored, StopRequest(reason=reason, is_limit=True))
        request = stored.record.stop
        if request is not None and task.get("desiredStatus") != "STOPPED":
            self._stop_task(record, request)
        return stored

    def _stop_task(self, record: LaunchRecord, request: StopRequest) -> None:
        try:
            with translated("stop_task", record.job_id):
                self._client.stop_task(
                    cluster=record.cluster,
                    task=record.task_arn,
                    reason=request.reason[:_LONGEST_REASON],
                )
        except NotFoundError:
            # The next look tells whether it is too new or too old.
            return

    def _missing(self, stored: StoredRecord) -> tuple[StoredRecord, JobInfo]:
        """Take a task that ECS does not know for new at first, and later for gone.

        It was written down by the clock of another machine, which may differ by many minutes.
        """
        record = stored.record
        missing_for_s = self._clock() - self._missing_since.setdefault(
            record.task_arn, self._clock()
        )
        known_for = self._clock.now() - (record.found_at or record.tried_at)
        if max(known_for.total_seconds(), missing_for_s) < CONSISTENT_AFTER_S:
            return stored, _facts(record, JobInfo.pending())
        newest = self._records.read(record.job_id)
        if newest.record.end is not None or newest.record.task_arn != record.task_arn:
            return newest, newest.record.end or _facts(newest.record, JobInfo.pending())
        # A task that runs is in one of two lists.
        task = find_task(self._client, newest.record)
        if task is not None:
            return self._seen(newest, task)
        if known_for < _KEPT and missing_for_s < CONSISTENT_AFTER_S:
            return newest, _facts(record, JobInfo.pending())
        return self._conclude(newest, _MISSING)

    def _stopped(self, stored: StoredRecord, task: Task) -> tuple[StoredRecord, JobInfo]:
        record = stored.record
        if task.get("stopCode") == "UserInitiated" and record.stop is None:
            # Another process may have requested it.
            stored = self._records.read(record.job_id)
        following = _following(stored.record, task)
        if following is None or stored.record.task_arn != record.task_arn:
            return self._conclude(stored, task)
        rung, attempt = following

        def change(newest: LaunchRecord) -> LaunchRecord:
            if newest.task_arn != record.task_arn or newest.end or newest.stop:
                return newest
            past = _past(newest, task)
            left = newest.leave(past, rung=rung, attempt=attempt, now=self._clock.now())
            started_at = left.started_at or _started_at(task)
            return replace(left, started_at=started_at, usage=(*left.usage, usage_of(task)))

        self._watch.forget(record.task_arn)
        stored = self._launcher.launch(self._records.update(stored, change))
        return stored, stored.record.end or _facts(stored.record, JobInfo.pending())

    def _conclude(self, stored: StoredRecord, task: Task) -> tuple[StoredRecord, JobInfo]:
        """Write down the end of a job; the end that was written first counts."""
        arn = stored.record.task_arn
        code = self._manifest_code(stored.record, task)

        def change(record: LaunchRecord) -> LaunchRecord:
            if record.end or record.task_arn != arn:
                return record
            usage = (*record.usage, usage_of(task)) if task.get("stoppedAt") else record.usage
            return replace(record, end=self._end(record, task, code), usage=usage)

        stored = self._records.update(stored, change)
        self._watch.forget(arn)
        self._missing_since.pop(arn, None)
        return stored, stored.record.end or _facts(stored.record, JobInfo.pending())

    def _end(self, record: LaunchRecord, task: Task, code: int | None) -> JobInfo:
        info = _judge(record, task, code)
        if record.stop and record.stop.is_limit and info.status is JobStatus.CANCELLED:
            info = replace(info, status=JobStatus.FAILED, reason=record.stop.reason)
        started_at = record.started_at or info.started_at
        return replace(info, started_at=started_at, ended_at=info.ended_at or self._clock.now())

    def _manifest_code(self, record: LaunchRecord, task: Task) -> int | None:
        """Return the exit code of the run's manifest where ECS alone does not prove success."""
        if _judge(record, task, None).status is JobStatus.COMPLETED:
            return None
        try:
            return self._evidence.exit_code(record)
        except ExternalServiceError:
            # A store that is away must not keep a job from its end.
            return None


def _judge(record: LaunchRecord, task: Task, code: int | None) -> JobInfo:
    return judge(
        task,
        main_container=record.container,
        manifest_exit_code=code,
        stop_reason=record.stop.reason if record.stop else None,
    )


def _following(record: LaunchRecord, task: Task) -> tuple[int, int] | None:
    """Return the rung and the attempt to go on with after a stop; None when it is the end."""
    if record.stop is not None:
        return None
    verdict = judge_stop(
        task, main_container=record.container, manifest_exit_code=None, stop_reason=None
    )
    if verdict.never_ran and verdict.cause in _OF_PLACE:
        # ECS has repeated a pull itself, so that the same subnets lead to the same end.
        is_pull = "pull" in verdict.detail.lower()
        in_others = is_pull or verdict.cause is StopCause.ADDRESSES
        rung = _next_rung(record, in_other_subnets=in_others)
        return None if rung is None else (rung, record.attempt)
    is_spot = verdict.cause is StopCause.SPOT and record.attempt < record.attempts
    return (0, record.attempt + 1) if is_spot else None


def _next_rung(record: LaunchRecord, *, in_other_subnets: bool) -> int | None:
    """Return the next rung of the ladder, or the next in other subnets; None without."""
    tried = record.placements[record.rung]["networkConfiguration"]
    for rung in range(record.rung + 1, len(record.placements)):
        if not in_other_subnets or record.placements[rung]["networkConfiguration"] != tried:
            return rung
    return None


def _facts(record: LaunchRecord, info: JobInfo) -> JobInfo:
    """Return the facts of a job that has not ended: once it ran, it stays running."""
    if record.started_at is None:
        return info
    return JobInfo(status=JobStatus.RUNNING, started_at=record.started_at)


def _past(record: LaunchRecord, task: Task) -> PastTask:
    return PastTask(
        attempt=record.attempt,
        rung=record.rung,
        task_arn=record.task_arn,
        reason=str(task.get("stoppedReason", "")),
        has_run="startedAt" in task,
    )


def usage_of(task: Task) -> dict[str, Any]:
    """Return the facts about a stopped task by which AWS bills it, as JSON."""
    found = {name: task[name] for name in _BILLED if name in task}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in found.items()
    }


def _started_at(task: Task) -> datetime | None:
    at = task.get("startedAt")
    return at.astimezone(UTC) if isinstance(at, datetime) else None
