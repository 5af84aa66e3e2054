"""Rights to submit, watch and stop ECS jobs, found out by calls that can change nothing.

AWS looks at rights before it looks at what is asked for: a request about a thing that does not
exist is forbidden, or fails because of that thing.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from tradai.aws._client.errors import AwsError, translated
from tradai.aws._ecs.settings import EcsSettings
from tradai.aws._ecs.task_definition import MAIN_CONTAINER, STREAM_PREFIX
from tradai.core import ObjectStore, ResourceCheck
from tradai.core.exceptions import (
    ConfigurationError,
    ConflictError,
    NotFoundError,
    TradAIError,
)

Client: TypeAlias = Any

_DENIED: Final = frozenset(
    {"403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
)
_ABSENT_FAMILY: Final = "tradai-right-check"
# ECS counts revisions from 1, and this one is never reached.
_ABSENT_REVISION: Final = f"{_ABSENT_FAMILY}:2147483647"
_ABSENT_TASK: Final = "0" * 32
_NOT_FOUND: Final = frozenset(
    {"ClientException", "InvalidParameterException", "ResourceNotFoundException"}
)


def check_rights(
    settings: EcsSettings, clients: Mapping[str, Client], store: ObjectStore
) -> Iterator[ResourceCheck]:
    """Yield whether each right to submit, watch and stop jobs is there.

    ``iam:PassRole`` and the rights of the two roles of tasks cannot be found out so.
    """
    for right, call in _dry_calls(settings, clients["ecs"], clients["logs"], store):
        try:
            _allowed(right, call)
        except TradAIError as exc:
            yield ResourceCheck(resource=f"right {right}", error=exc)
        else:
            yield ResourceCheck(resource=f"right {right}")


def _dry_calls(
    settings: EcsSettings, ecs: Client, logs: Client, store: ObjectStore
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield each right with a call that needs it, about a thing that does not exist."""
    yield from _ecs_calls(ecs, settings.cluster)
    stream = f"{STREAM_PREFIX}/{MAIN_CONTAINER}/{_ABSENT_TASK}"
    log = {"logGroupName": settings.log_group, "logStreamName": stream, "limit": 1}
    yield "logs:GetLogEvents", lambda: logs.get_log_events(**log)
    absent = f"{settings.job_store.rstrip('/')}/right-check"
    yield f"read {settings.job_store}", lambda: store.read(absent)
    # No object has this tag, so that nothing is ever written.
    yield f"write {settings.job_store}", lambda: store.write(absent, b"", if_match='"none"')


def _ecs_calls(ecs: Client, cluster: str) -> Iterator[tuple[str, Callable[[], object]]]:
    absent = {"taskDefinition": _ABSENT_REVISION}
    # A definition without containers is refused.
    empty = {"family": _ABSENT_FAMILY, "containerDefinitions": []}
    yield "ecs:RunTask", lambda: ecs.run_task(cluster=cluster, **absent)
    yield "ecs:DescribeTasks", lambda: ecs.describe_tasks(cluster=cluster, tasks=[_ABSENT_TASK])
    yield "ecs:ListTasks", lambda: ecs.list_tasks(cluster=cluster, maxResults=1)
    yield "ecs:StopTask", lambda: ecs.stop_task(cluster=cluster, task=_ABSENT_TASK)
    yield "ecs:DescribeTaskDefinition", lambda: ecs.describe_task_definition(**absent)
    yield "ecs:RegisterTaskDefinition", lambda: ecs.register_task_definition(**empty)


def _allowed(right: str, call: Callable[[], object]) -> None:
    """Make a call; return if it was let through.

    Raises:
        ConfigurationError: The right is missing.
        ExternalServiceError: AWS cannot be asked.
    """
    service, _, operation = right.partition(":")
    try:
        with translated(service, operation):
            call()
    except (ConflictError, NotFoundError):
        return
    except AwsError as exc:
        if exc.reason in _DENIED:
            message = f"the right {right} is missing; grant it, as the template of ECS jobs does"
            raise ConfigurationError(message, key=right) from exc
        if exc.reason not in _NOT_FOUND:
            raise
