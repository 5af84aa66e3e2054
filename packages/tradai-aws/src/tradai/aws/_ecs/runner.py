"""Job runner on Amazon ECS Fargate."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Self, final

from tradai.aws._client.client import client_for
from tradai.aws._ecs._follow.job_follower import JobFollower
from tradai.aws._ecs._follow.job_lines import JobLines
from tradai.aws._ecs._follow.job_watch import JobWatch
from tradai.aws._ecs._follow.task_watch import TaskWatch
from tradai.aws._ecs._launch.evidence import RunEvidence
from tradai.aws._ecs._launch.launcher import Launcher
from tradai.aws._ecs._launch.new_job import NewJobs
from tradai.aws._ecs._launch.record import (
    LaunchRecord,
    LaunchRecords,
    StopRequest,
    StoredRecord,
)
from tradai.aws._ecs.client import EcsClient, check_reachable
from tradai.aws._ecs.costs import (
    Cost,
    EcsPriceSettings,
    PriceTable,
    TotalCost,
    estimate_cost,
    total_cost,
)
from tradai.aws._ecs.pace import RateLimit, RealClock
from tradai.aws._ecs.policy import EcsPolicy
from tradai.aws._ecs.reaper import REASON, ExpiredTask, expired_tasks, stop_expired
from tradai.aws._ecs.settings import EcsSettings
from tradai.aws._logs.policy import LogPolicy
from tradai.aws._logs.schedule import LogSchedule
from tradai.aws._logs.stream_reader import LogsClient
from tradai.core import (
    JobHandle,
    JobInfo,
    JobLine,
    JobSpec,
    LogSummary,
    ObjectStore,
    WaitingClock,
    backend_for,
    check_stop_reason,
    is_file_uri,
    redact,
)
from tradai.core.exceptions import NotFoundError, StorageError, TradAIError

_log: Final = logging.getLogger(__name__)

_SCHEME: Final = "ecs:"
_IN_MEMORY: Final = "memory:"
_RUN_TASKS_A_SECOND: Final = 20.0
# A container sends its lines every five seconds.
_LOG_POLICY: Final = LogPolicy(first_pause_s=2.0)
_FRESH_S: Final = 1.0
_REAL_CLOCK: Final = RealClock()
# Fargate's quota is one of the account, so all runners of a process share it.
_LIMIT: Final = RateLimit(_REAL_CLOCK, per_s=_RUN_TASKS_A_SECOND)


@final
class EcsRunner:
    """A `JobRunner` that runs each job as a task of Amazon ECS on Fargate.

    The launch of a job is recorded in the job store before AWS is asked for a task. Any process
    with the same settings finds the job there, goes on with a launch that was interrupted, and
    writes down its end, which AWS forgets after an hour. Nothing runs in the background: the time
    limit of a job is kept by the processes that wait for it or look at it, and else by the reaper.

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
            policy: Choices about launches, in place of those of the settings.
            logs_client: boto3's client for CloudWatch Logs, or a fake.

        Raises:
            ConfigurationError: Settings or prices are missing or malformed, or name things of
                another partition or region.
        """
        self.settings = settings or EcsSettings.from_environment()
        self.uri = _SCHEME + self.settings.cluster_name
        self._client: EcsClient = client or client_for("ecs")
        check_reachable(self.settings, self._client.meta)
        self._clock = clock or _REAL_CLOCK
        self._prices = EcsPriceSettings.load().prices
        self._policy = policy = policy or EcsPolicy(spills=self.settings.job_spill)
        root = f"{self.settings.job_store.rstrip('/')}/{self.settings.cluster_name}"
        store = store or backend_for("tradai.stores", root)
        self._records = LaunchRecords(store, f"{root}/records/")
        spilled = (store, f"{root}/spilled/")
        self._new_jobs = NewJobs(self._client, self.settings, policy, spilled, clock=self._clock)
        limit = RateLimit(clock, per_s=_RUN_TASKS_A_SECOND) if clock else _LIMIT
        evidence = RunEvidence()
        self._launcher = Launcher(
            self._client,
            self._records,
            clock=self._clock,
            limit=limit,
            budget_s=policy.launch_budget_s,
            evidence=evidence,
        )
        self._watch = self._new_watch(evidence)
        self._follower = JobFollower(self._watch, self._launcher, self._clock)
        self._lines = JobLines(logs_client, LogSchedule(clock=clock, policy=_LOG_POLICY))

    def _new_watch(self, evidence: RunEvidence) -> JobWatch:
        return JobWatch(
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
            stored = self._launcher.create(self._new_jobs.record(spec))
        stored.record.check_digest(spec.digest)
        if stored.record.is_untried:
            # The settings may have been corrected since.
            stored = self._launcher.renew(stored, self._new_jobs.record(spec))

        def new_definition(arn: str) -> str:
            return self._new_jobs.definition(spec, instead_of=arn)

        return self._handle(self._follower.launch(stored, new_definition=new_definition).record)

    def status(self, handle: JobHandle) -> JobInfo:
        """Return the facts about a job as of now; see `JobRunner.status`."""
        return self._follower.status(self._find(handle), max_age_s=_FRESH_S)

    def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
        """Return the facts about a job once it has ended; see `JobRunner.wait`.

        A launch that was interrupted is continued.

        Raises:
            LaunchError: As for `submit`.
        """
        return self._follower.wait(self._find(handle), timeout_s=timeout_s)

    def logs(self, handle: JobHandle, *, after: int = 0, follow: bool = True) -> Iterator[JobLine]:
        """Yield the lines of a job's output in order; see `JobRunner.logs`.

        A job that had several tasks has the lines of all of them, numbered together.

        Raises:
            NotFoundError: The log group does not exist.
            LaunchError: As for `wait`, when the job is followed.
        """
        stored = self._find(handle)
        return self._lines.lines(stored, self._follower, after=after, follow=follow)

    def log_summary(self, handle: JobHandle) -> LogSummary | None:
        """Return how much of a job's log the last `logs` has read; None when there was none."""
        return self._lines.summary(handle.job_id)

    def stop(self, handle: JobHandle, reason: str) -> JobInfo:
        """Stop a job and return the facts about its end; see `JobRunner.stop`."""
        check_stop_reason(reason)
        request = StopRequest(reason=redact(reason))
        return self._follower.wait(self._watch.request_stop(self._find(handle), request))

    def jobs(self) -> Iterator[JobHandle]:
        """Yield the jobs of the job store on this cluster, sorted by id.

        A job whose record cannot be read is left out, with a warning in the log.
        """
        for job_id in self._records.job_ids():
            try:
                stored = self._records.read(job_id)
            except (NotFoundError, StorageError) as exc:
                _log.warning(str(exc))
            else:
                yield self._handle(stored.record)

    def costs(self, handle: JobHandle, prices: PriceTable | None) -> list[Cost]:
        """Return what each task of a job cost, of those that were seen to stop.

        Args:
            handle: The job.
            prices: Prices; without them the amounts are not known.
        """
        return self._find(handle).record.costs(prices)

    def cost(self, handle: JobHandle) -> TotalCost | None:
        """Return what the tasks of a job cost that were seen to stop; None where not known."""
        return total_cost(self.costs(handle, self._prices))

    def estimate(self, spec: JobSpec) -> TotalCost | None:
        """Return what a job costs at most, without the pull of its image; None where not known.

        Its time limit and grace count once for each attempt.
        """
        if spec.time_limit_s is None:
            return None
        longest_s = spec.time_limit_s + spec.stop_grace_s
        estimate = estimate_cost(spec, self._prices, seconds=longest_s)
        return total_cost([estimate] * self._policy.attempts)

    def can_reach(self, uri: str) -> bool:
        """Tell whether tasks can reach the store at `uri`: none on the submitting machine."""
        return not (is_file_uri(uri) or uri.startswith(_IN_MEMORY))

    def reap(self, *, dry_run: bool = True) -> Iterator[ExpiredTask]:
        """Yield the tasks whose time has expired, and stop each of them unless it is a dry run.

        A task counts only if it has the tags of this runner, its job may be reaped, and its time
        limit, grace for the stop and half an hour more have passed since it was launched.

        Raises:
            TradAIError: A task could not be stopped, or its record not be changed; raised at the
                end, so that it does not keep the others alive.
        """
        failures: list[TradAIError] = []
        for task in expired_tasks(self._client, self.settings.cluster, self._clock.now()):
            yield task if dry_run else self._reaped(task, failures)
        if failures:
            raise failures[0]

    def _reaped(self, task: ExpiredTask, failures: list[TradAIError]) -> ExpiredTask:
        is_stopped = False
        with _collected(failures):
            self._record_reaping(task)
        with _collected(failures):
            is_stopped = stop_expired(self._client, self.settings.cluster, task)
        return replace(task, is_stopped=is_stopped)

    def _record_reaping(self, task: ExpiredTask) -> None:
        stored = self._records.find(task.job_id)
        if stored is not None and stored.record.task_arn == task.task_arn:
            self._follower.keep(self._watch.request_stop(stored, StopRequest(reason=REASON)))

    def _handle(self, record: LaunchRecord) -> JobHandle:
        return JobHandle(
            runner=self.uri,
            job_id=record.job_id,
            spec_digest=record.spec_digest,
            native_id=record.task_arn,
        )

    def _find(self, handle: JobHandle) -> StoredRecord:
        handle.check_runner(self.uri)
        stored = self._follower.known(handle.job_id) or self._records.find(handle.job_id)
        if stored is None:
            message = f"there is no job {handle.job_id} in {self.uri}; check the id"
            raise NotFoundError(message, kind="job", key=handle.job_id)
        stored.record.check_digest(handle.spec_digest)
        stored.record.check_account(handle)
        return stored


@contextmanager
def _collected(failures: list[TradAIError]) -> Iterator[None]:
    try:
        yield
    except TradAIError as exc:
        failures.append(exc)
