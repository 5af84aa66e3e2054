"""Requests to launch a task, and to stop one that was overtaken."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, final

from tradai.aws._client.errors import AwsError
from tradai.aws._ecs._launch.lookup import CONSISTENT_AFTER_S, describe_tasks
from tradai.aws._ecs._launch.record import LaunchRecord
from tradai.aws._ecs._launch.request import (
    JOB_DIGEST,
    TAG_DIGEST,
    client_token,
    run_task_request,
)
from tradai.aws._ecs.client import (
    EcsClient,
    LaunchFailure,
    TokenConflictError,
    launch_error,
    translated,
    translated_run,
)
from tradai.aws._ecs.pace import Backoff, RateLimit
from tradai.core import WaitingClock
from tradai.core.exceptions import JobConflictError, NotFoundError

Task: TypeAlias = Mapping[str, Any]

_OVERTAKEN: Final = "another process has launched the job elsewhere"


@final
class TaskRequests:
    """Sends requests for the attempt and rung of a record."""

    def __init__(self, client: EcsClient, clock: WaitingClock, limit: RateLimit) -> None:
        """Send with `client`, as often as `limit` allows."""
        self._client = client
        self._clock = clock
        self._limit = limit

    def run(self, record: LaunchRecord) -> str:
        """Send RunTask and return the ARN of the task.

        Raises:
            LaunchError: There is none, or the answer is not known.
            JobConflictError: Its token belongs to a job with another specification.
        """
        request, token = run_task_request(record), client_token(record)
        self._limit.acquire()
        try:
            with translated_run(record.job_id):
                response = self._client.run_task(**request, clientToken=token)
        except TokenConflictError as exc:
            return self._adopt(record, exc.task_arns)
        if response.get("tasks"):
            return str(response["tasks"][0]["taskArn"])
        reasons = ", ".join(str(one.get("reason")) for one in response.get("failures", ()))
        raise launch_error(_kind_of(reasons), reasons, record.job_id)

    def _adopt(self, record: LaunchRecord, arns: tuple[str, ...]) -> str:
        """Return the task that another request launched with our token, if it is our job."""
        backoff = Backoff(self._clock, budget_s=CONSISTENT_AFTER_S)
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

    def stop_overtaken(self, record: LaunchRecord, arn: str) -> None:
        """Stop a task that only this process knows; ECS may not know a new one at once."""
        backoff = Backoff(self._clock, budget_s=CONSISTENT_AFTER_S)
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
