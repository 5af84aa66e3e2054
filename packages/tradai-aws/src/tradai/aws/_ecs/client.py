"""boto3's client for ECS: the methods used, and the translation of its errors."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, final

from tradai.aws._client.arn import Arn
from tradai.aws._client.errors import AWS_RULES, AwsError, client_error, error_code
from tradai.aws._ecs.settings import EcsSettings
from tradai.core import ErrorTable
from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    TradAIError,
)

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

# Parameters of boto3 have the types that AWS defines.
Parameter: TypeAlias = Any

SERVICE: Final = "ecs"
# ECS hides these in ClientException and InvalidParameterException.
_THROTTLED: Final = re.compile(
    r"throttl|rate exceeded|too many concurrent|request limit|in the provisioning state",
    re.IGNORECASE,
)
_CAPACITY: Final = re.compile(
    r"capacity is unavailable|insufficient capacity|no capacity", re.IGNORECASE
)
_NOT_ACTIVE: Final = re.compile(
    r"task ?definition (?:is inactive|not found|does not exist)", re.IGNORECASE
)
_SETTINGS: Final[Mapping[str, str]] = {
    "subnet": "ECS_SUBNETS",
    "security group": "ECS_SECURITY_GROUPS",
    "capacity provider": "ECS_CLUSTER",
}
_FIRST_SERVER_FAULT: Final = 500
_DEFINITION_TAKES: Final = frozenset({"ClientException", "InvalidParameterException"})


class ClientMeta(Protocol):
    """Facts that boto3's client has about itself."""

    @property
    def region_name(self) -> str:
        """Region that requests are sent to."""
        ...

    @property
    def partition(self) -> str:
        """Partition of that region."""
        ...


class EcsClient(Protocol):
    """Methods of boto3's client that are called; a fake has the same with boto3's parameters."""

    @property
    def meta(self) -> ClientMeta:
        """Facts about the client."""
        ...

    def run_task(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Launch a task."""
        ...

    def describe_tasks(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Describe up to 100 tasks."""
        ...

    def list_tasks(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """List the ARNs of tasks."""
        ...

    def stop_task(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Ask a task to stop."""
        ...

    def register_task_definition(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Register a revision of a task definition."""
        ...

    def describe_task_definition(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Describe a revision of a task definition."""
        ...


@final
class LaunchFailure(StrEnum):
    """Kind of a failure to launch a task."""

    CAPACITY = "capacity"
    THROTTLED = "throttled"
    UNANSWERED = "unanswered"
    PLACEMENT = "placement"
    UNPROVEN = "unproven"


@final
class LaunchError(ExternalServiceError):
    """ECS placed no task, or its answer is not known.

    The same `submit` may be repeated: the job then runs once.

    Attributes:
        kind: Kind of the failure.
        reason: Word or sentence of AWS.
    """

    code = "ecs_launch"

    def __init__(self, message: str, /, *, kind: LaunchFailure, reason: str) -> None:
        """Keep `kind` and `reason`."""
        is_passing = kind is not LaunchFailure.PLACEMENT
        super().__init__(message, service=SERVICE, operation="run_task", retryable=is_passing)
        self.kind = kind
        self.reason = reason


@final
class TokenConflictError(ExternalServiceError):
    """The client token belongs to another request.

    Attributes:
        task_arns: Tasks of that request.
    """

    code = "ecs_token_conflict"

    def __init__(self, message: str, /, *, task_arns: tuple[str, ...]) -> None:
        """Keep `task_arns`."""
        super().__init__(message, service=SERVICE, operation="run_task")
        self.task_arns = task_arns


@final
class InactiveDefinitionError(ExternalServiceError):
    """The revision of a task definition was deregistered or deleted, and runs no new task."""

    code = "ecs_inactive_definition"


def _ecs_error(error: "ClientError", service: str, operation: str, subject: str) -> TradAIError:
    code, words = error_code(error), _words(error)
    if code == "ClusterNotFoundException":
        message = "the cluster does not exist here; check ECS_CLUSTER, AWS_REGION and the account"
        return ConfigurationError(message, key="ECS_CLUSTER")
    if code in _DEFINITION_TAKES and "task was not found" in words:
        message = f"ECS does not know the task of {subject}; it is too new, or stopped an hour ago"
        return NotFoundError(message, kind="task", key=subject)
    for name, key in _SETTINGS.items():
        if code in _DEFINITION_TAKES and name in words.lower():
            message = f"ECS refused {operation} of {subject}: {words}; check {key}"
            return ConfigurationError(message, key=key)
    found = client_error(error, service, operation, subject)
    if type(found) is AwsError and words and not found.retryable:
        found = AwsError(
            f"{found} ({words})",
            service=service,
            operation=operation,
            reason=code,
            request_id=found.request_id,
        )
    return found


def _run_error(error: "ClientError", service: str, operation: str, subject: str) -> TradAIError:
    """Tell what the failure of a RunTask means for the question whether there is a task."""
    code, words = error_code(error), _words(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "ConflictException":
        arns: Any = error.response.get("resourceIds", ())  # the stubs do not know it
        message = f"another request used the client token of {subject}"
        return TokenConflictError(message, task_arns=tuple(arns))
    if code in _DEFINITION_TAKES and _NOT_ACTIVE.search(words):
        message = f"the task definition of {subject} is gone ({words}); submit it again"
        return InactiveDefinitionError(message, service=service, operation=operation)
    found = _ecs_error(error, service, operation, subject)
    if _THROTTLED.search(f"{code} {words}"):
        return launch_error(LaunchFailure.THROTTLED, words or code, subject)
    if _CAPACITY.search(words):
        return launch_error(LaunchFailure.CAPACITY, words, subject)
    if status >= _FIRST_SERVER_FAULT or getattr(found, "retryable", False):
        return launch_error(LaunchFailure.UNANSWERED, words or code, subject)
    return found


def launch_error(kind: LaunchFailure, reason: str, job_id: str) -> LaunchError:
    """Return the error for a job that has no task yet."""
    return LaunchError(
        f"the job {job_id} has no task yet ({kind}: {reason}); {_ADVICE[kind]}",
        kind=kind,
        reason=reason,
    )


_ADVICE: Final[Mapping[LaunchFailure, str]] = {
    LaunchFailure.CAPACITY: "submit it again later, or allow other capacity or subnets",
    LaunchFailure.THROTTLED: "submit it again later, or ask AWS for a higher quota",
    LaunchFailure.UNANSWERED: "submit it again: it is found if it was launched",
    LaunchFailure.PLACEMENT: "change the job or the cluster as the reason says",
    LaunchFailure.UNPROVEN: "another process may be launching it; submit it again in some minutes",
}


def _words(error: "ClientError") -> str:
    return str(error.response.get("Error", {}).get("Message", ""))


def _no_reply(error: Exception, service: str, operation: str, subject: str) -> TradAIError:
    # The request may have arrived.
    del service, operation
    return launch_error(LaunchFailure.UNANSWERED, type(error).__name__, subject)


_TABLE: Final = ErrorTable({**AWS_RULES, "botocore.exceptions.ClientError": _ecs_error})
_RUN_TABLE: Final = ErrorTable(
    {
        **AWS_RULES,
        "botocore.exceptions.ClientError": _run_error,
        "botocore.exceptions.ConnectionError": _no_reply,
        "botocore.exceptions.HTTPClientError": _no_reply,
        "botocore.exceptions.IncompleteReadError": _no_reply,
        "botocore.parsers.ResponseParserError": _no_reply,
    }
)


def check_reachable(settings: EcsSettings, meta: ClientMeta) -> None:
    """Check that the cluster and the roles are in the partition and region of the client.

    Raises:
        ConfigurationError: One of them is not.
    """
    arns = (settings.cluster, settings.task_role_arn, settings.execution_role_arn)
    for text in (arn for arn in arns if arn.startswith("arn:")):
        Arn.parse(text).require_reachable(partition=meta.partition, region=meta.region_name)


def translated(operation: str, subject: str) -> AbstractContextManager[None]:
    """Raise errors of boto3 inside as ours; `subject` is a job or a cluster."""
    return _TABLE.translated(SERVICE, operation, subject)


def translated_run(job_id: str) -> AbstractContextManager[None]:
    """Raise errors of a RunTask inside as ours, by what they say about the task.

    Raises:
        LaunchError: ECS placed no task, or its answer is not known; see its kind.
        TokenConflictError: Another request used the token.
        InactiveDefinitionError: The revision of the request was deregistered.
        ConfigurationError, NotFoundError, AwsError: ECS refused the request for good.
    """
    return _RUN_TABLE.translated(SERVICE, "run_task", job_id)
