"""Reaper: stops tasks of ours whose time has expired and that are left behind."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, final

from tradai.aws._ecs._launch.lookup import describe_tasks, list_tasks
from tradai.aws._ecs._launch.request import TAG_EXPIRES, TAG_JOB, TAG_REAPABLE
from tradai.aws._ecs.client import EcsClient, translated
from tradai.core import Utc
from tradai.core.exceptions import NotFoundError

REASON: Final = "its time has expired, and the process that watched it is gone"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredTask:
    """A task whose time has expired.

    Attributes:
        job_id: Id of its job.
        task_arn: The task.
        expired_at: When its time expired.
        is_stopped: Whether it was asked to stop; never in a dry run.
    """

    job_id: str
    task_arn: str
    expired_at: Utc
    is_stopped: bool


def expired_tasks(client: EcsClient, cluster: str, now: Utc) -> Iterator[ExpiredTask]:
    """Yield the running tasks that have our tags, may be reaped, and have expired before `now`.

    A task without one of the tags, or with an unreadable one, is not ours.
    """
    arns = list(list_tasks(client, cluster, cluster, {}))
    for task in describe_tasks(client, cluster, cluster, arns):
        tags = {str(tag.get("key")): str(tag.get("value")) for tag in task.get("tags", ())}
        expires_at = _expires_at(tags)
        if expires_at is None or expires_at >= now or task.get("desiredStatus") == "STOPPED":
            continue
        if tags.get(TAG_JOB) and tags.get(TAG_REAPABLE) == "yes":
            yield ExpiredTask(
                job_id=tags[TAG_JOB],
                task_arn=str(task["taskArn"]),
                expired_at=expires_at,
                is_stopped=False,
            )


def stop_expired(client: EcsClient, cluster: str, task: ExpiredTask) -> bool:
    """Ask an expired task to stop; return False when it is gone already."""
    try:
        with translated("stop_task", task.job_id):
            client.stop_task(cluster=cluster, task=task.task_arn, reason=REASON)
    except NotFoundError:
        return False
    return True


def _expires_at(tags: Mapping[str, str]) -> datetime | None:
    try:
        at = datetime.fromisoformat(tags.get(TAG_EXPIRES, ""))
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None
