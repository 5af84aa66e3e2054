"""Search for the tasks of a cluster, and for the one of an interrupted launch."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tradai.aws._ecs._launch.record import LaunchRecord
from tradai.aws._ecs.client import EcsClient, translated

MOST_DESCRIBED: Final = 100
# Time after which a task that was launched is in every answer of ECS.
CONSISTENT_AFTER_S: Final = 60.0


def find_task(client: EcsClient, record: LaunchRecord) -> Mapping[str, Any] | None:
    """Return the task of a job that its record does not know, running or stopped.

    ListTasks takes ``startedBy`` alone, and lists running tasks then: stopped ones are found by
    the family of their definition.
    """
    wanted, cluster, job_id = record.request["startedBy"], record.cluster, record.job_id
    known = {past.task_arn for past in record.past}
    family = record.request["taskDefinition"].rpartition("/")[2].partition(":")[0]
    for filters in ({"startedBy": wanted}, {"family": family, "desiredStatus": "STOPPED"}):
        arns = [one for one in list_tasks(client, cluster, job_id, filters) if one not in known]
        for task in describe_tasks(client, cluster, job_id, arns):
            if task.get("startedBy") == wanted:
                return task
    return None


def list_tasks(
    client: EcsClient, cluster: str, subject: str, filters: Mapping[str, str]
) -> Iterator[str]:
    """Yield the ARNs of the tasks that match `filters`, of all pages."""
    page: Mapping[str, str] = {}
    while True:
        with translated("list_tasks", subject):
            found = client.list_tasks(cluster=cluster, **filters, **page)
        yield from found.get("taskArns", ())
        if not found.get("nextToken"):
            return
        page = {"nextToken": found["nextToken"]}


def describe_tasks(
    client: EcsClient, cluster: str, subject: str, arns: list[str]
) -> Iterator[Mapping[str, Any]]:
    """Yield the descriptions of tasks, with their tags; unknown ones are left out."""
    for first in range(0, len(arns), MOST_DESCRIBED):
        chunk = arns[first : first + MOST_DESCRIBED]
        with translated("describe_tasks", subject):
            found = client.describe_tasks(cluster=cluster, tasks=chunk, include=["TAGS"])
        yield from found.get("tasks", ())
