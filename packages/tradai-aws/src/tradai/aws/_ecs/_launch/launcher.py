"""Launch of a job's task: once, whatever is lost on the way or killed.

The client token of RunTask makes any number of requests for one attempt and rung one task, so a
process that finds a record without a task sends the same request again. Three rules do the rest:

- A rung is left only when its last request was refused, and no other process may have one under
  way: each process enters itself in the record before its first request.
- A token that may have expired is not sent: the task is looked for in ECS and in the run store.
- A process whose request was overtaken stops the task that only it knows.
"""

import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final, final

from tradai.aws._ecs._launch.evidence import RunEvidence, RunTrace
from tradai.aws._ecs._launch.lookup import find_task
from tradai.aws._ecs._launch.record import (
    LEASE,
    LaunchRecord,
    LaunchRecords,
    StopRequest,
    StoredRecord,
)
from tradai.aws._ecs._launch.task_requests import TaskRequests
from tradai.aws._ecs.client import (
    EcsClient,
    InactiveDefinitionError,
    LaunchError,
    LaunchFailure,
    launch_error,
)
from tradai.aws._ecs.pace import Backoff, RateLimit
from tradai.aws._ecs.registration import register_again
from tradai.core import JobInfo, JobStatus, Utc, WaitingClock
from tradai.core.exceptions import TradAIError

# A token lives for an hour after its task has stopped, which may be at once.
_TOKEN_AGE: Final = timedelta(minutes=45)
# Of the last request for a rung: whether its token can have no task.
_PROOFS: Final[Mapping[LaunchFailure, bool]] = {
    LaunchFailure.CAPACITY: True,
    LaunchFailure.PLACEMENT: True,
    LaunchFailure.UNANSWERED: False,
}
_LOST: Final = (
    "its launch was interrupted too long ago to tell whether it has run, and no run store "
    "(TRADAI_RUN_STORE) says so: look at its results, then submit it under another id"
)


@final
class Launcher:
    """Launches tasks for records, as one of the processes that share a job store."""

    def __init__(
        self,
        client: EcsClient,
        records: LaunchRecords,
        *,
        clock: WaitingClock,
        limit: RateLimit,
        budget_s: float,
        evidence: RunEvidence,
    ) -> None:
        """Give up `budget_s` seconds after a call."""
        self._client = client
        self._records = records
        self._clock = clock
        self._requests = TaskRequests(client, clock, limit)
        self._budget_s = budget_s
        self._evidence = evidence
        self._name = uuid.uuid4().hex

    def create(self, record: LaunchRecord) -> StoredRecord:
        """Write the record of a new job, or return that of a job which has one."""
        return self._records.create(replace(record, launchers={self._name: self._until()}))

    def launch(
        self, stored: StoredRecord, *, new_definition: Callable[[str], str] | None = None
    ) -> StoredRecord:
        """Return the record with its task, or with an end that was found instead.

        Args:
            stored: The record.
            new_definition: Returns the ARN of another revision for one that is not active any
                more; by default of one with the same content.

        Raises:
            LaunchError: The budget is spent, or ECS cannot place such a task.
            JobConflictError: The token belongs to a job with another specification.
            ConfigurationError, NotFoundError, AwsError: ECS refused the request for good.
        """
        try:
            return self._launch(stored)
        except InactiveDefinitionError:
            renewed = self._with_definition(stored, new_definition or self._register_again)
            return self._launch(renewed)

    def _register_again(self, arn: str) -> str:
        return register_again(self._client, arn, wait=self._clock.sleep)

    def _with_definition(
        self, stored: StoredRecord, new_definition: Callable[[str], str]
    ) -> StoredRecord:
        """Return the record with an active revision, which its next request names."""
        newest = self._records.read(stored.record.job_id)
        old = newest.record.request["taskDefinition"]
        arn = new_definition(old)

        def change(record: LaunchRecord) -> LaunchRecord:
            if _is_done(record) or record.request["taskDefinition"] != old:
                return record
            return replace(record, request={**record.request, "taskDefinition": arn})

        return self._records.update(newest, change)

    def _launch(self, stored: StoredRecord) -> StoredRecord:
        backoff = Backoff(self._clock, budget_s=self._budget_s)
        # Another process may have sent a request, and died.
        is_certain = set(stored.record.launchers) <= {self._name}
        while not _is_done(stored.record):
            stored = self._enter(stored)
            try:
                stored = self._step(stored)
            except LaunchError as exc:
                is_certain = _PROOFS.get(exc.kind, is_certain)
                if exc.kind is LaunchFailure.PLACEMENT or not backoff.pause():
                    stored = self._withdrawn(stored, is_certain=is_certain)
                    if not _is_done(stored.record):
                        raise
                else:
                    stored = self._records.read(stored.record.job_id)
            except TradAIError:
                stored = self._withdrawn(stored, is_certain=is_certain)
                if not _is_done(stored.record):
                    raise
        return stored

    def renew(self, stored: StoredRecord, wanted: LaunchRecord) -> StoredRecord:
        """Return the record with the request of `wanted`, if none was sent that counts."""

        def change(record: LaunchRecord) -> LaunchRecord:
            if not record.is_untried or record.past:
                return record
            return replace(record, request=wanted.request, placements=wanted.placements, rung=0)

        return self._records.update(stored, change)

    def _withdrawn(self, stored: StoredRecord, *, is_certain: bool) -> StoredRecord:
        """Write down that no task was launched, where that is proven; return the newest record.

        Another process may have launched one since.
        """

        def change(record: LaunchRecord) -> LaunchRecord:
            others = record.live_launchers(self._clock.now(), besides=self._name)
            if _is_done(record) or others or not is_certain:
                return record
            return replace(record, launchers={}, is_untried=True)

        # The error that ended the launch matters more.
        with suppress(TradAIError):
            return self._records.update(self._records.read(stored.record.job_id), change)
        return stored

    def _until(self) -> Utc:
        return self._clock.now() + LEASE

    def _enter(self, stored: StoredRecord) -> StoredRecord:
        """Enter this process in the record, unless its entry lasts long enough."""

        def change(record: LaunchRecord) -> LaunchRecord:
            now = self._clock.now()
            until = record.launchers.get(self._name, now)
            if _is_done(record) or until - now > LEASE / 2:
                return record
            if record.is_untried and record.stop:
                return replace(record, end=_never_launched(record, record.stop, now))
            live = {name: end for name, end in record.launchers.items() if end > now}
            return replace(
                record,
                launchers={**live, self._name: self._until()},
                is_untried=False,
                tried_at=now if record.is_untried else record.tried_at,
            )

        return self._records.update(stored, change)

    def _step(self, stored: StoredRecord) -> StoredRecord:
        record = stored.record
        if _is_done(record):
            return stored
        if abs(self._clock.now() - record.tried_at) > _TOKEN_AGE:
            return self._recover(stored)
        try:
            return self._settle(stored, self._requests.run(record))
        except LaunchError as exc:
            if exc.kind is not LaunchFailure.CAPACITY:
                raise
            return self._leave_rung(stored, exc)

    def _settle(self, stored: StoredRecord, arn: str) -> StoredRecord:
        """Write down the task; stop it when the record has moved on meanwhile."""
        sent = stored.record

        def change(record: LaunchRecord) -> LaunchRecord:
            is_current = (record.attempt, record.rung) == (sent.attempt, sent.rung)
            if _is_done(record) or not is_current:
                return record
            return replace(record, task_arn=arn, found_at=self._clock.now(), launchers={})

        stored = self._records.update(stored, change)
        known = {stored.record.task_arn, *(one.task_arn for one in stored.record.past)}
        if arn not in known:
            self._requests.stop_overtaken(sent, arn)
        return stored

    def _leave_rung(self, stored: StoredRecord, refusal: LaunchError) -> StoredRecord:
        """Go to the next rung after a refusal for want of capacity; after the last, begin again."""
        sent, now = stored.record, self._clock.now()
        if sent.live_launchers(now, besides=self._name):
            raise launch_error(LaunchFailure.UNPROVEN, refusal.reason, sent.job_id) from refusal
        # An earlier request for this rung may have got no answer.
        task = find_task(self._client, sent)
        if task is not None:
            return self._settle(stored, str(task["taskArn"]))

        def change(record: LaunchRecord) -> LaunchRecord:
            if record != sent:
                return record
            rung = (record.rung + 1) % len(record.placements)
            return replace(record, rung=rung, tried_at=self._clock.now())

        stored = self._records.update(stored, change)
        if stored.record.rung == 0:
            raise refusal
        return stored

    def _recover(self, stored: StoredRecord) -> StoredRecord:
        """Find out what became of a launch whose token may have expired."""
        record = stored.record
        if record.live_launchers(self._clock.now(), besides=self._name):
            raise launch_error(LaunchFailure.UNPROVEN, "another process", record.job_id)
        task = find_task(self._client, record)
        if task is not None:
            return self._settle(stored, str(task["taskArn"]))
        trace = self._evidence.trace(record)
        if trace is RunTrace.NONE:
            # A task that still comes would find the run's own record, and not run.
            return self._records.update(
                stored, lambda one: one if one != record else _tried_again(one, self._clock)
            )
        code = self._evidence.exit_code(record)
        end = JobInfo(
            status=JobStatus.COMPLETED if code == 0 else JobStatus.FAILED,
            exit_code=code,
            reason=f"it ended with exit code {code}" if code is not None else _LOST,
            ended_at=self._clock.now(),
        )
        return self._records.update(
            stored, lambda one: one if one != record else replace(one, end=end)
        )


def _is_done(record: LaunchRecord) -> bool:
    return bool(record.task_arn or record.end)


def _never_launched(record: LaunchRecord, stop: StopRequest, now: Utc) -> JobInfo:
    what = "launched again" if record.past else "launched"
    return JobInfo(
        status=JobStatus.CANCELLED,
        reason=f"it was stopped before it was {what}: {stop.reason}",
        started_at=record.started_at,
        ended_at=now,
    )


def _tried_again(record: LaunchRecord, clock: WaitingClock) -> LaunchRecord:
    return replace(record, tried_at=clock.now())
