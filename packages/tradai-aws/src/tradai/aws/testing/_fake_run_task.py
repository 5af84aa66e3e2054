"""Rules of RunTask that botocore's model lacks: client tokens, and limits of its parameters."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

from tradai.aws.testing._fake_task import FakeTask
from tradai.aws.testing._request_checks import client_error

_LONGEST_OVERRIDES: Final = 8192
_LONGEST_TOKEN: Final = 64
_MOST_STARTED: Final = 10
_TOKEN_S: Final = 24 * 3600.0
_AFTER_STOP_S: Final = 3600.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    fingerprint: str
    task: FakeTask

    def is_valid(self, now_s: float) -> bool:
        stopped_s = self.task.stopped_s()
        end_s = float("inf") if stopped_s is None else stopped_s + _AFTER_STOP_S
        return now_s < min(self.task.created_s + _TOKEN_S, end_s)


@final
class ClientTokens:
    """Tokens of RunTask.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
    """

    def __init__(self) -> None:
        """Have none."""
        self._tokens: dict[str, _Token] = {}

    def known(self, parameters: Mapping[str, Any], now_s: float) -> FakeTask | None:
        """Return the task of an identical request; raise boto3's error for another request."""
        token = self._tokens.get(parameters.get("clientToken", ""))
        if token is None or not token.is_valid(now_s):
            return None
        if token.fingerprint != _fingerprint(parameters):
            message = "The clientToken is in use with a different request."
            arns = [token.task.arn]
            raise client_error("RunTask", "ConflictException", message, resourceIds=arns)
        return token.task

    def remember(self, parameters: Mapping[str, Any], task: FakeTask) -> None:
        """Keep the token of an accepted request, if it has one."""
        if token := parameters.get("clientToken"):
            self._tokens[token] = _Token(fingerprint=_fingerprint(parameters), task=task)


def _fingerprint(parameters: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()


def check_run(parameters: Mapping[str, Any]) -> None:
    """Refuse what the documentation of RunTask excludes and botocore's model does not."""
    overrides = json.dumps(parameters.get("overrides", {}), separators=(",", ":"))
    problems = {
        "Container Overrides length must be at most 8192": len(overrides) > _LONGEST_OVERRIDES,
        "clientToken is too long": len(parameters.get("clientToken", "")) > _LONGEST_TOKEN,
        "count must be between 1 and 10": not 1 <= parameters.get("count", 1) <= _MOST_STARTED,
        "launchType and capacityProviderStrategy exclude each other": (
            "launchType" in parameters and "capacityProviderStrategy" in parameters
        ),
        "Network Configuration must be provided when networkMode 'awsvpc' is specified": (
            "networkConfiguration" not in parameters
        ),
    }
    for message, is_problem in problems.items():
        if is_problem:
            raise client_error("RunTask", "InvalidParameterException", message)
