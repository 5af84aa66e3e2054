"""Causes of a task's stop, read from its stop code and from the words of AWS."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, final


@final
class StopCause(StrEnum):
    """Cause of the stop of a task."""

    COMPLETED = "completed"
    EXITED = "exited"
    KILLED = "killed"
    OUT_OF_MEMORY = "out-of-memory"
    CRASHED_AFTER_RESULT = "crashed-after-result"
    STOPPED_BY_US = "stopped-by-us"
    STOPPED_BY_OTHERS = "stopped-by-others"
    STOPPED_BY_SERVICE = "stopped-by-service"
    SPOT = "spot"
    HOST = "host"
    VANISHED = "vanished"
    IMAGE_MISSING = "image-missing"
    IMAGE_DENIED = "image-denied"
    IMAGE_PLATFORM = "image-platform"
    IMAGE_PULL = "image-pull"
    PULL_LIMIT = "pull-limit"
    RIGHTS = "rights"
    SECRETS = "secrets"
    VOLUME = "volume"
    LOGS = "logs"
    NETWORK = "network"
    ADDRESSES = "addresses"
    CAPACITY = "capacity"
    DISK = "disk"
    COMMAND = "command"
    RUNTIME = "runtime"
    UNKNOWN = "unknown"

    @property
    def sentence(self) -> str:
        """Clause that says why the task stopped."""
        return _TEXTS[self].sentence

    @property
    def advice(self) -> str:
        """Clause that says what to do."""
        return _TEXTS[self].advice

    @property
    def is_transient(self) -> bool:
        """Whether the same task may run when it is launched again."""
        return _TEXTS[self].is_transient


@final
@dataclass(frozen=True, slots=True)
class _Text:
    sentence: str
    advice: str
    is_transient: bool = False


_TEXTS: Final[Mapping[StopCause, _Text]] = {
    StopCause.COMPLETED: _Text("the command ended with 0", "nothing is left to do"),
    StopCause.EXITED: _Text("the command failed", "read its log"),
    StopCause.KILLED: _Text(
        "a signal ended the command",
        "read its log; 137 is often a lack of memory, or a longer end than the stop grace",
    ),
    StopCause.OUT_OF_MEMORY: _Text("the task used up its memory", "give the job more memory_mib"),
    StopCause.CRASHED_AFTER_RESULT: _Text(
        "the run had recorded its result, and the task failed after it",
        "use the result in the store; do not run it again",
    ),
    StopCause.STOPPED_BY_US: _Text("the job was stopped", "nothing is left to do"),
    StopCause.STOPPED_BY_OTHERS: _Text(
        "a person or a program stopped the task, not this job runner",
        "find StopTask in CloudTrail",
    ),
    StopCause.STOPPED_BY_SERVICE: _Text(
        "an ECS service stopped the task", "take the task out of the service"
    ),
    StopCause.SPOT: _Text(
        "AWS took back the Spot capacity", "launch it again, or on demand", is_transient=True
    ),
    StopCause.HOST: _Text(
        "AWS lost or retired the host of the task", "launch it again", is_transient=True
    ),
    StopCause.VANISHED: _Text(
        "ECS no longer knows the task, and the run recorded no result",
        "read the log; ECS forgets a task about an hour after its stop",
    ),
    StopCause.IMAGE_MISSING: _Text("the image does not exist", "push it, or correct its name"),
    StopCause.IMAGE_DENIED: _Text(
        "the execution role may not pull the image",
        "grant it ecr:GetAuthorizationToken, ecr:BatchGetImage, "
        "ecr:BatchCheckLayerAvailability and ecr:GetDownloadUrlForLayer",
    ),
    StopCause.IMAGE_PLATFORM: _Text(
        "the image is for another platform", "build it for the platform of the job"
    ),
    StopCause.IMAGE_PULL: _Text(
        "the image cannot be pulled", "read the text of AWS, and try `docker pull`"
    ),
    StopCause.PULL_LIMIT: _Text(
        "the registry limits pulls", "launch it later, or keep the image in ECR", is_transient=True
    ),
    StopCause.RIGHTS: _Text(
        "the execution role lacks a right", "grant it the action that the text names"
    ),
    StopCause.SECRETS: _Text(
        "a secret of the task definition cannot be read",
        "check its ARN, its JSON key and its region",
    ),
    StopCause.VOLUME: _Text(
        "a volume cannot be mounted",
        "check its file system, its mount targets and the security group's port 2049",
    ),
    StopCause.LOGS: _Text(
        "the log group cannot be used", "create it in the task's region, or correct its name"
    ),
    StopCause.NETWORK: _Text(
        "the task did not reach a service of AWS or a registry",
        "check routes, endpoints, DNS and security groups of the subnets, then launch it again",
        is_transient=True,
    ),
    StopCause.ADDRESSES: _Text(
        "the subnet has no free addresses", "add a subnet, or launch it later", is_transient=True
    ),
    StopCause.CAPACITY: _Text(
        "AWS has no capacity for the task now",
        "launch it later, or in other subnets",
        is_transient=True,
    ),
    StopCause.DISK: _Text("the task used up its disk", "give the job more disk_gib"),
    StopCause.COMMAND: _Text(
        "the container cannot be started", "check command, user and platform of the image"
    ),
    StopCause.RUNTIME: _Text(
        "the container runtime of the host failed", "launch it again", is_transient=True
    ),
    StopCause.UNKNOWN: _Text(
        "the stop is of an unknown kind", "read the log, and describe the task with AWS's CLI"
    ),
}

# From special to general: the first that is found in the text of AWS counts.
_START_FAILURES: Final = tuple(
    (cause, re.compile("|".join(words), re.IGNORECASE))
    for cause, *words in (
        (StopCause.PULL_LIMIT, "toomanyrequests", "pull rate limit", r"\b429\b"),
        (StopCause.IMAGE_PLATFORM, "matching (?:the )?platform", "no matching manifest"),
        (StopCause.IMAGE_PLATFORM, "exec format error"),
        (StopCause.DISK, "no space left"),
        (StopCause.ADDRESSES, "Insufficient ?Free ?Addresses"),
        (StopCause.CAPACITY, "capacity is unavailable", "RESOURCE:[A-Z]"),
        (StopCause.IMAGE_MISSING, "CannotPull.*(?:not found|manifest unknown|does not exist)"),
        (StopCause.IMAGE_DENIED, "CannotPull.*(?:denied|not authorized|forbidden)"),
        (StopCause.IMAGE_DENIED, "no basic auth", "perform: ecr:"),
        (StopCause.RIGHTS, "AccessDenied", "not authorized", "UnauthorizedOperation"),
        (StopCause.RIGHTS, "TagPolicyViolation", "unable to assume"),
        (StopCause.NETWORK, "i/o timeout", "handshake timeout", "deadline exceeded"),
        (StopCause.NETWORK, "request canceled", "context canceled", "signal: killed"),
        (StopCause.NETWORK, "send request failed", "connection re", "no such host", r"\bEOF\b"),
        (StopCause.NETWORK, "network configuration", r"unexpected status code.*\b5\d\d\b"),
        (StopCause.LOGS, "logger args", "logging driver", "log group", "cloudwatch log"),
        (StopCause.VOLUME, r"\bEFS\b", r"mount\.nfs", "CannotCreateVolume", "CannotMountVolume"),
        (StopCause.SECRETS, "secret", r"\bssm\b", "parameter", "env files"),
        (StopCause.NETWORK, "network interface", r"\bENI\b"),
        (StopCause.CAPACITY, "EphemeralStorage provisioning"),
        (StopCause.RUNTIME, "CannotPull.*invalid argument"),
        (StopCause.IMAGE_PULL, "CannotPull"),
        (StopCause.COMMAND, "Cannot(?:Create|Start)Container"),
        (StopCause.RUNTIME, "Cannot(?:Inspect|Stop)Container"),
        (StopCause.RUNTIME, "RuntimeError", "TimeoutError", "InternalError"),
    )
)
_HOST_LOST: Final = re.compile(
    r"^Host EC2|deregistration forced|maintenance on the underlying|unhealthy container instance",
    re.IGNORECASE,
)
_BY_STOP_CODE: Final = {
    "InfrastructureHealth": StopCause.HOST,
    "ServiceSchedulerInitiated": StopCause.STOPPED_BY_SERVICE,
    "SpotInterruption": StopCause.SPOT,
    "UserInitiated": StopCause.STOPPED_BY_OTHERS,
}


def cause_of_stop(stop_code: str, text: str) -> StopCause:
    """Return why AWS stopped a task whose command had not ended.

    Args:
        stop_code: The task's stop code.
        text: The task's stop reason and the reason of its main container.
    """
    if "Spot Task was interrupted" in text:
        return StopCause.SPOT
    if _HOST_LOST.search(text) or stop_code == "TerminationNotice":
        return StopCause.HOST
    return _BY_STOP_CODE.get(stop_code) or _start_failure(stop_code, text)


def _start_failure(stop_code: str, text: str) -> StopCause:
    if stop_code != "TaskFailedToStart" and "Error" not in text:
        return StopCause.UNKNOWN
    found = (cause for cause, pattern in _START_FAILURES if pattern.search(text))
    return next(found, StopCause.UNKNOWN)
