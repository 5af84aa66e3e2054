"""Launch of a job's task: once, whatever is lost on the way or killed.

The client token of RunTask makes any number of requests for one attempt and rung one task, so a
process that finds a record without a task sends the same request again. Three rules do the rest:

- A rung is left only when its last request was refused, and no other process may have one under
  way: each process enters itself in the record before its first request.
- A token that may have expired is not sent: the task is looked for in ECS and in the run store.
- A process whose request was overtaken stops the task that only it knows.
"""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, TypeAlias, final

from tradai.aws._client.errors import AwsError
from tradai.aws._ecs._launch.evidence import RunEvidence, RunTrace
from tradai.aws._ecs._launch.lookup import describe_tasks, find_task
from tradai.aws._ecs._launch.record import LEASE, LaunchRecord, LaunchRecords, StoredRecord
from tradai.aws._ecs._launch.request import (
    JOB_DIGEST,
    TAG_DIGEST,
    client_token,
    run_task_request,
)
from tradai.aws._ecs.client import (
    EcsClient,
    LaunchError,
    LaunchFailure,
    TokenConflict,
    launch_error,
    translated,
    translated_run,
)
from tradai.aws._ecs.pace import Backoff, RateLimit, WaitingClock
from tradai.core import JobInfo, JobStatus, Utc
from tradai.core.exceptions import JobConflictError, NotFoundError

Task: TypeAlias = Mapping[str, Any]

# A token lives for an hour after its task has stopped, which may be at once.
_TOKEN_AGE: Final = timedelta(minutes=45)
_CONSISTENT_AFTER_S: Final = 60.0
_OVERTAKEN: Final = "another process has launched the job elsewhere"
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
        self._limit = limit
        self._budget_s = budget_s
        self._evidence = evidence
        self.name = uuid.uuid4().hex

    def launch(self, stored: StoredRecord) -> StoredRecord:
        """Return the record with its task, or with an end that was found instead.

        Raises:
            LaunchError: The budget is spent, or ECS cannot place such a task.
            JobConflictError: The token belongs to a job with another specification.
            ConfigurationError, NotFoundError, AwsError: ECS refused the request for good.
        """
        backoff = Backoff(self._clock, budget_s=self._budget_s)
        while not (stored.record.task_arn or stored.record.end):
            stored = self._enter(stored)
            try:
                stored = self._step(stored)
            except LaunchError as exc:
                if exc.kind is LaunchFailure.PLACEMENT or not backoff.pause():
                    raise
                stored = self._records.read(stored.record.job_id)
        return stored

    def until(self) -> Utc:
        """Return the end of an entry that is made now."""
        return self._clock.now() + LEASE

    def _enter(self, stored: StoredRecord) -> StoredRecord:
        """Enter this process in the record, unless its entry lasts long enough."""

        def change(record: LaunchRecord) -> LaunchRecord:
            now = self._clock.now()
            until = record.launchers.get(self.name, now)
            if record.task_arn or record.end or until - now > LEASE / 2:
                return record
            live = {name: end for name, end in record.launchers.items() if end > now}
            return replace(record, launchers={**live, self.name: self.until()})

        return self._records.update(stored, change)

    def _step(self, stored: StoredRecord) -> StoredRecord:
        record = stored.record
        if record.task_arn or record.end:
            return stored
        if abs(self._clock.now() - record.tried_at) > _TOKEN_AGE:
            return self._recover(stored)
        try:
            return self._settle(stored, self._run_task(record))
        except LaunchError as exc:
            if exc.kind is not LaunchFailure.CAPACITY:
                raise
            return self._leave_rung(stored, exc)

    def _run_task(self, record: LaunchRecord) -> str:
        """Send RunTask and return the ARN of the task."""
        request, token = run_task_request(record), client_token(record)
        self._limit.acquire()
        try:
            with translated_run(record.job_id):
                response = self._client.run_task(**request, clientToken=token)
        except TokenConflict as exc:
            return self._adopt(record, exc.task_arns)
        if response.get("tasks"):
            return str(response["tasks"][0]["taskArn"])
        reasons = ", ".join(str(one.get("reason")) for one in response.get("failures", ()))
        raise launch_error(_kind_of(reasons), reasons, record.job_id)

    def _adopt(self, record: LaunchRecord, arns: tuple[str, ...]) -> str:
        """Return the task that another request launched with our token, if it is our job."""
        backoff = Backoff(self._clock, budget_s=_CONSISTENT_AFTER_S)
        while True:
            tasks = describe_tasks(self._client, record.cluster, record.job_id, list(arns))
            known = {str(task["taskArn"]): _digests(task) for task in tasks}
            if known or not backoff.pause():
                break
        for arn, digests in known.items():
            if record.spec_digest in digests:
                return arn
        message = (
            f"the id {record.job_id} was used on this cluster by another job; choose another id"
        )
        raise JobConflictError(message, job_id=record.job_id)

    def _settle(self, stored: StoredRecord, arn: str) -> StoredRecord:
        """Write down the task; stop it when the record has moved on meanwhile."""
        sent = stored.record

        def change(record: LaunchRecord) -> LaunchRecord:
            is_current = (record.attempt, record.rung) == (sent.attempt, sent.rung)
            if record.task_arn or record.end or not is_current:
                return record
            return replace(record, task_arn=arn, found_at=self._clock.now(), launchers={})

        stored = self._records.update(stored, change)
        known = {stored.record.task_arn, *(one.task_arn for one in stored.record.past)}
        if arn not in known:
            self._stop_overtaken(sent, arn)
        return stored

    def _stop_overtaken(self, record: LaunchRecord, arn: str) -> None:
        """Stop a task that only this process knows; ECS may not know a new one at once."""
        backoff = Backoff(self._clock, budget_s=_CONSISTENT_AFTER_S)
        while True:
            try:
                with translated("stop_task", record.job_id):
                    self._client.stop_task(cluster=record.cluster, task=arn, reason=_OVERTAKEN)
            except (NotFoundError, AwsError) as exc:
                is_passing = isinstance(exc, NotFoundError) or exc.retryable
                if not is_passing or not backoff.pause():
                    raise
            else:
                return

    def _leave_rung(self, stored: StoredRecord, refusal: LaunchError) -> StoredRecord:
        """Go to the next rung after a refusal for want of capacity; after the last, begin again."""
        sent, now = stored.record, self._clock.now()
        if sent.live_launchers(now, besides=self.name):
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
        if record.live_launchers(self._clock.now(), besides=self.name):
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


def _tried_again(record: LaunchRecord, clock: WaitingClock) -> LaunchRecord:
    return replace(record, tried_at=clock.now())


def _kind_of(reasons: str) -> LaunchFailure:
    """Return the kind of failure that ``failures`` of RunTask mean."""
    lasting = ("ATTRIBUTE", "LOCATION", "MEMBEROF", "INACTIVE", "PLACEMENT CONSTRAINT")
    is_lasting = any(word in reasons.upper() for word in lasting)
    return LaunchFailure.PLACEMENT if is_lasting else LaunchFailure.CAPACITY


def _digests(task: Task) -> set[str]:
    """Return the digests that a task names: in its tag, which a stopped one loses, and variable."""
    tags = {item["value"] for item in task.get("tags", ()) if item["key"] == TAG_DIGEST}
    overrides = task.get("overrides", {}).get("containerOverrides", ())
    variables = [item for one in overrides for item in one.get("environment", ())]
    return tags | {item["value"] for item in variables if item["name"] == JOB_DIGEST}
