"""Job runner on Amazon ECS Fargate."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Self, final

from tradai.aws._client.client import client_for
from tradai.aws._ecs._launch.evidence import RUN_STORE, RunEvidence
from tradai.aws._ecs._launch.launcher import Launcher
from tradai.aws._ecs._launch.record import LaunchRecord, LaunchRecords, StopRequest, StoredRecord
from tradai.aws._ecs._launch.request import base_request, own_variables, placements
from tradai.aws._ecs.client import EcsClient, LaunchError, check_reachable
from tradai.aws._ecs.job_lines import JobLines
from tradai.aws._ecs.job_watch import JobWatch
from tradai.aws._ecs.overrides import (
    Overrides,
    check_size,
    foreign_overrides_of,
    overrides_of,
    spill,
    value_from,
)
from tradai.aws._ecs.pace import Backoff, RateLimit, RealClock, WaitingClock
from tradai.aws._ecs.policy import EcsPolicy
from tradai.aws._ecs.reaper import REASON, ExpiredTask, expired_tasks, stop_expired
from tradai.aws._ecs.registration import register_once
from tradai.aws._ecs.settings import EcsSettings
from tradai.aws._ecs.task_definition import MAIN_CONTAINER, task_definition
from tradai.aws._ecs.watch import TaskWatch
from tradai.aws._logs.schedule import LogSchedule
from tradai.aws._logs.stream_reader import LogsClient
from tradai.core import (
    JobHandle,
    JobInfo,
    JobLine,
    JobSpec,
    ObjectStore,
    backend_for,
    redact,
)
from tradai.core.exceptions import (
    ExternalServiceError,
    JobConflictError,
    NotFoundError,
    ValidationError,
)

_SCHEME: Final = "ecs:"
_RUN_TASKS_A_SECOND: Final = 20.0
_REAL_CLOCK: Final = RealClock()
# Fargate's quota is one of the account, so all runners of a process share it.
_LIMIT: Final = RateLimit(_REAL_CLOCK, per_s=_RUN_TASKS_A_SECOND)
_FRESH_S: Final = 1.0
_PATIENCE_S: Final = 300.0


@final
class EcsRunner:
    """A `JobRunner` that runs each job as a task of Amazon ECS on Fargate.

    The launch of a job is recorded in the job store before AWS is asked for a task. Any process
    with the same settings finds the job there, goes on with a launch that was interrupted, and
    writes down its end, which AWS forgets after an hour. Nothing runs in the background: the time
    limit of a job is kept by whoever waits for it or looks at it, and otherwise by the reaper.

    Attributes:
        uri: URI of the runner, which handles have.
        settings: Cluster, network, roles and job store.
    """

    def __init__(
        self,
        settings: EcsSettings | None = None,
        *,
        client: EcsClient | None = None,
        store: ObjectStore | None = None,
        clock: WaitingClock | None = None,
        policy: EcsPolicy | None = None,
        logs_client: LogsClient | None = None,
    ) -> None:
        """Use `settings`, by default those of the environment.

        Args:
            settings: Cluster, network, roles and job store.
            client: boto3's client for ECS, or a fake.
            store: The job store in place of the one that the settings name.
            clock: Clock to wait by.
            policy: Choices about launches.
            logs_client: boto3's client for CloudWatch Logs, or a fake.
        """
        self.settings = settings or EcsSettings.from_environment()
        self.uri = _SCHEME + self.settings.cluster_name
        self._client: EcsClient = client or client_for("ecs")
        self._clock = clock or _REAL_CLOCK
        check_reachable(self.settings, self._client.meta)
        self._policy = policy or EcsPolicy()
        root = self.settings.job_store.rstrip("/")
        self._prefix = f"{root}/{self.settings.cluster_name}"
        self._store = store or backend_for("tradai.stores", self._prefix)
        self._records = LaunchRecords(self._store, f"{self._prefix}/records/")
        self._lines = JobLines(logs_client, LogSchedule(clock=clock))
        self._known: dict[str, StoredRecord] = {}
        limit = RateLimit(clock, per_s=_RUN_TASKS_A_SECOND) if clock else _LIMIT
        evidence = RunEvidence()
        self._launcher = Launcher(
            self._client,
            self._records,
            clock=self._clock,
            limit=limit,
            budget_s=self._policy.launch_budget_s,
            evidence=evidence,
        )
        self._watch = JobWatch(
            self._client,
            self._records,
            self._launcher,
            watch=TaskWatch(self._client, cluster=self.settings.cluster, clock=self._clock),
            clock=self._clock,
            evidence=evidence,
        )

    @classmethod
    def for_uri(cls, uri: str) -> Self:
        """Return the runner of ``ecs:CLUSTER``; without a cluster it is that of ``ECS_CLUSTER``."""
        cluster = uri.removeprefix(_SCHEME)
        return cls(EcsSettings.load(cluster=cluster) if cluster else None)

    def submit(self, spec: JobSpec) -> JobHandle:
        """Launch a job, or adopt it; see `JobRunner.submit`.

        Raises:
            JobConflictError: The id was used with another specification.
            LaunchError: ECS has placed no task within the budget; the call may be repeated.
            ValidationError: The job has no image, or a secret that a task cannot resolve.
        """
        stored = self._records.find(spec.job_id)
        if stored is None:
            stored = self._records.create(self._new_record(spec))
        _check_digest(stored.record, spec.digest)
        stored = self._keep(self._launcher.launch(stored))
        self._watch.add(stored)
        return self._handle(stored.record)

    def status(self, handle: JobHandle) -> JobInfo:
        """Return the facts about a job as of now."""
        stored, info = self._watch.advance(self._find(handle), max_age_s=_FRESH_S)
        self._keep(stored)
        return info

    def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
        """Return the facts about a job once it has ended, or after `timeout_s` seconds.

        A launch that was interrupted is continued.

        Raises:
            LaunchError: As for `submit`.
        """
        deadline_s = float("inf") if timeout_s is None else self._clock() + timeout_s
        stored = self._find(handle)
        while True:
            stored, info = self._advance(self._keep(stored))
            left_s = deadline_s - self._clock()
            if info.status.is_terminal or left_s <= 0:
                self._keep(stored)
                return info
            if not stored.record.task_arn:
                stored = self._launcher.launch(stored)
            else:
                self._clock.sleep(min(self._watch.due_in(stored), left_s))

    def _advance(self, stored: StoredRecord) -> tuple[StoredRecord, JobInfo]:
        """Look at a job; failures of AWS that pass are waited for."""
        patience = Backoff(self._clock, budget_s=_PATIENCE_S)
        while True:
            try:
                return self._watch.advance(stored)
            except ExternalServiceError as exc:
                if not exc.retryable or isinstance(exc, LaunchError) or not patience.pause():
                    raise

    def logs(self, handle: JobHandle, *, after: int = 0, follow: bool = True) -> Iterator[JobLine]:
        """Yield the lines of a job's output in order; see `JobRunner.logs`.

        A job that had several tasks has the lines of all of them, numbered together.

        Raises:
            NotFoundError: The log group does not exist.
            LaunchError: As for `wait`, when the job is followed.
        """
        return self._logs(self._find(handle), after, follow=follow)

    def _logs(self, stored: StoredRecord, after: int, *, follow: bool) -> Iterator[JobLine]:
        if follow and not (stored.record.task_arn or stored.record.end):
            stored = self._keep(self._launcher.launch(stored))
        yield from self._lines.lines(stored, self._look, after=after, follow=follow)

    def _look(self, stored: StoredRecord) -> StoredRecord:
        return self._keep(self._watch.advance(stored)[0])

    def stop(self, handle: JobHandle, reason: str) -> JobInfo:
        """Stop a job and return the facts about it once it has ended.

        Raises:
            ValidationError: The reason is empty.
        """
        if not reason.strip():
            expected = "some words"
            message = f"the reason of a stop is empty: expected {expected}"
            raise ValidationError(message, field="reason", expected=expected)
        request = StopRequest(reason=redact(reason))
        self._keep(self._watch.request_stop(self._find(handle), request))
        return self.wait(handle)

    def jobs(self) -> Iterator[JobHandle]:
        """Yield the jobs of the job store on this cluster, sorted by id."""
        for job_id in self._records.job_ids():
            yield self._handle(self._records.read(job_id).record)

    def reap(self, *, dry_run: bool = True) -> Iterator[ExpiredTask]:
        """Yield the tasks whose time has expired, and stop each of them unless it is a dry run.

        A task counts only if it has the tags of this runner, its job may be reaped, and its time
        limit, grace for the stop and half an hour more have passed since it was launched.
        """
        for task in expired_tasks(self._client, self.settings.cluster, self._clock.now()):
            yield task if dry_run else self._reaped(task)

    def _reaped(self, task: ExpiredTask) -> ExpiredTask:
        stored = self._records.find(task.job_id)
        if stored is not None and stored.record.task_arn == task.task_arn:
            self._watch.request_stop(stored, StopRequest(reason=REASON))
        is_stopped = stop_expired(self._client, self.settings.cluster, task)
        return replace(task, is_stopped=is_stopped)

    def _new_record(self, spec: JobSpec) -> LaunchRecord:
        """Return the record of a job that was never launched; its definition is registered."""
        overrides = self._overrides(spec)
        now = self._clock.now()
        request = base_request(
            spec,
            self.settings,
            definition=self._definition(spec),
            overrides=overrides,
            now=now,
        )
        return LaunchRecord(
            job_id=spec.job_id,
            spec_digest=spec.digest,
            request=request,
            placements=tuple(placements(spec, self.settings)),
            container=MAIN_CONTAINER,
            log_group=self.settings.log_group,
            run_store=spec.environment.get(RUN_STORE, ""),
            time_limit_s=spec.time_limit_s,
            attempts=self._policy.attempts,
            tried_at=now,
            launchers={self._launcher.name: self._launcher.until()},
        )

    def _overrides(self, spec: JobSpec) -> Overrides:
        own = own_variables(spec)
        build = foreign_overrides_of if self._policy.runs_foreign_images else overrides_of
        overrides = build(spec, runner=own)
        try:
            check_size(overrides, spec)
        except ValidationError:
            if not self._policy.spills:
                raise
            return spill(spec, self._store, f"{self._prefix}/spilled/", runner=own)
        return overrides

    def _definition(self, spec: JobSpec) -> str:
        """Return the ARN of a revision for a job."""
        wanted = task_definition(
            spec,
            task_role_arn=self.settings.task_role_arn,
            execution_role_arn=self.settings.execution_role_arn,
            log_group=self.settings.log_group,
            region=self._client.meta.region_name,
            value_from=value_from(spec) if self._policy.runs_foreign_images else None,
        )
        return register_once(self._client, wanted, wait=self._clock.sleep)

    def _keep(self, stored: StoredRecord) -> StoredRecord:
        self._known[stored.record.job_id] = stored
        return stored

    def _handle(self, record: LaunchRecord) -> JobHandle:
        return JobHandle(
            runner=self.uri,
            job_id=record.job_id,
            spec_digest=record.spec_digest,
            native_id=record.task_arn,
        )

    def _find(self, handle: JobHandle) -> StoredRecord:
        if handle.runner != self.uri:
            message = f"the job {handle.job_id} is one of {handle.runner}: use that runner"
            raise ValidationError(message, field="handle", expected=f"a handle of {self.uri}")
        # A record that is no longer the newest does no harm: it cannot be written over.
        stored = self._known.get(handle.job_id) or self._records.find(handle.job_id)
        if stored is None:
            message = f"there is no job {handle.job_id} in {self.uri}; check the id"
            raise NotFoundError(message, kind="job", key=handle.job_id)
        _check_digest(stored.record, handle.spec_digest)
        _check_account(stored.record, handle)
        return stored


def _check_digest(record: LaunchRecord, digest: str) -> None:
    if record.spec_digest != digest:
        message = f"the job {record.job_id} has another specification; choose another id"
        raise JobConflictError(message, job_id=record.job_id)


def _check_account(record: LaunchRecord, handle: JobHandle) -> None:
    """Refuse a handle of a job of the same id on a cluster of another account or region."""
    places = [arn.rpartition("/")[0] for arn in (record.task_arn, handle.native_id) if arn]
    if len(set(places)) > 1:
        message = f"the job {handle.job_id} of this handle runs in {places[1]}, not in {places[0]}"
        raise ValidationError(message, field="handle", expected=f"a job in {places[0]}")
