"""An AWS Secrets Manager in memory that follows a script: rotations, outages, throttles, latency.

`FakeSecretsClient` stands in for boto3's client, so that everything above it is the real thing.
"""

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias, final

__all__ = ["FakeSecretsClient", "VirtualClock"]

Answer: TypeAlias = dict[str, Any]
# Parameters of boto3 are of whatever kind AWS defines.
Given: TypeAlias = Any

_FAULTS: Final = {"InternalServiceError": 500, "ServiceUnavailable": 503}
_REFUSED: Final = 400
_CURRENT: Final = "AWSCURRENT"
_PREVIOUS: Final = "AWSPREVIOUS"
_PLACE: Final = "arn:aws:secretsmanager:eu-central-1:123456789012:secret"
_MADE: Final = datetime(2025, 1, 1, tzinfo=UTC)
_PATIENCE_S: Final = 30.0


@final
class VirtualClock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        """Start at zero."""
        self.now_s = 0.0

    def __call__(self) -> float:
        """Return the seconds that have passed."""
        return self.now_s

    def advance(self, by_s: float) -> None:
        """Let `by_s` seconds pass."""
        self.now_s += by_s


@dataclass(slots=True)
class _Stored:
    versions: dict[str, str | bytes] = field(default_factory=dict, repr=False)
    stages: dict[str, str] = field(default_factory=dict)
    is_deleted: bool = False


@final
class FakeSecretsClient:
    """Secrets with versions and stages, asked as boto3's client is, refusing with boto3's errors.

    >>> from tradai.aws import SecretsManager
    >>> aws = FakeSecretsClient()
    >>> first = aws.keep("trading/binance", "not-a-real-key-1")
    >>> secrets = SecretsManager(client=aws, clock=aws.clock)
    >>> secrets.get("trading/binance").version_id == first
    True
    >>> second = aws.keep("trading/binance", "not-a-real-key-2")
    >>> secrets.report_auth_failure(first)
    >>> secrets.get("trading/binance").version_id == second
    True

    Attributes:
        clock: The clock to give to what is tested.
        latency_s: Seconds that each call takes on `clock`.
        calls: Operation and parameters of each call, in order; values are left out.
        unreachable: While true, no call gets an answer.
        refusals: Name of a secret or an operation -> AWS's reason for refusing it.
    """

    def __init__(self) -> None:
        """Hold nothing."""
        self.clock = VirtualClock()
        self.latency_s = 0.0
        self.calls: list[tuple[str, Answer]] = []
        self.refusals: dict[str, str] = {}
        self._script: list[str] = []
        self.unreachable = False
        self._open = threading.Event()
        self._open.set()
        self._arrived = threading.Semaphore(0)
        self._lock = threading.RLock()
        self._stored: dict[str, _Stored] = {}
        self._made = 0

    def keep(self, name: str, value: str | bytes, *, stage: str = _CURRENT) -> str:
        """Make the secret `name`, or rotate it to `value`; return the id of the new version."""
        with self._lock:
            self._made += 1
            version_id = str(uuid.UUID(int=self._made))
            stored = self._stored.setdefault(name, _Stored())
            stored.versions[version_id] = value
            _move(stored, stage, version_id)
            return version_id

    def fail(self, reason: str, *, times: int = 1) -> None:
        """Refuse the next `times` calls for `reason`, such as ``ThrottlingException``."""
        self._script += [reason] * times

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Be unreachable inside."""
        self.unreachable = True
        try:
            yield
        finally:
            self.unreachable = False

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Hold calls back inside, and answer them all on leaving."""
        self._arrived = threading.Semaphore(0)
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    def await_call(self) -> None:
        """Return when one more call is held back, inside of `paused`.

        Raises:
            TimeoutError: None does.
        """
        if not self._arrived.acquire(timeout=_PATIENCE_S):
            message = "no call arrived"
            raise TimeoutError(message)

    # From here on what boto3's client has, with its names.

    def get_secret_value(self, **asked: Given) -> Answer:
        """Answer with one version."""
        return self._answer("get_secret_value", asked, self._get)

    def batch_get_secret_value(self, **asked: Given) -> Answer:
        """Answer with the present version of each, or why not."""
        return self._answer("batch_get_secret_value", asked, self._batch)

    def create_secret(self, **asked: Given) -> Answer:
        """Make a secret."""
        return self._answer("create_secret", asked, self._create)

    def put_secret_value(self, **asked: Given) -> Answer:
        """Add a version."""
        return self._answer("put_secret_value", asked, self._put)

    def update_secret_version_stage(self, **asked: Given) -> Answer:
        """Move a stage."""
        return self._answer("update_secret_version_stage", asked, self._stage)

    def delete_secret(self, **asked: Given) -> Answer:
        """Schedule a deletion."""
        return self._answer("delete_secret", asked, self._delete)

    def _answer(
        self, operation: str, asked: Answer, act: Callable[[Mapping[str, Any]], Answer]
    ) -> Answer:
        shown = {name: value for name, value in asked.items() if name != "SecretString"}
        self.calls.append((operation, shown))
        self._arrived.release()
        self._open.wait(_PATIENCE_S)
        self.clock.advance(self.latency_s)
        if self.unreachable:
            raise _no_answer()
        with self._lock:
            reason = self._script.pop(0) if self._script else self.refusals.get(operation)
            if reason:
                raise _refusal(reason, operation)
            return act(asked)

    def _get(self, asked: Mapping[str, Any]) -> Answer:
        name = _name(asked["SecretId"])
        if name in self.refusals:
            raise _refusal(self.refusals[name], "get_secret_value")
        stored = self._known(name, "get_secret_value")
        stage = asked.get("VersionStage", _CURRENT)
        if stage not in stored.stages:
            raise _refusal("ResourceNotFoundException", "get_secret_value")
        version_id = stored.stages[stage]
        value = stored.versions[version_id]
        held = {"SecretString": value} if isinstance(value, str) else {"SecretBinary": value}
        facts = {"Name": name, "ARN": _arn(name), "VersionId": version_id}
        return {**facts, **held, "VersionStages": [stage], "CreatedDate": _MADE}

    def _batch(self, asked: Mapping[str, Any]) -> Answer:
        from botocore.exceptions import ClientError

        values: list[Answer] = []
        errors: list[Answer] = []
        for secret_id in asked["SecretIdList"]:
            try:
                values.append(self._get({"SecretId": secret_id}))
            except ClientError as exc:
                reason = exc.response["Error"]["Code"]
                errors.append({"SecretId": secret_id, "ErrorCode": reason, "Message": "scripted"})
        return {"SecretValues": values, "Errors": errors}

    def _create(self, asked: Mapping[str, Any]) -> Answer:
        if asked["Name"] in self._stored:
            raise _refusal("ResourceExistsException", "create_secret")
        return {"VersionId": self.keep(asked["Name"], asked["SecretString"])}

    def _put(self, asked: Mapping[str, Any]) -> Answer:
        name = _name(asked["SecretId"])
        self._known(name, "put_secret_value")
        (stage,) = asked["VersionStages"]
        return {"VersionId": self.keep(name, asked["SecretString"], stage=stage)}

    def _stage(self, asked: Mapping[str, Any]) -> Answer:
        stored = self._known(_name(asked["SecretId"]), "update_secret_version_stage")
        if stored.stages.get(asked["VersionStage"]) != asked.get("RemoveFromVersionId"):
            raise _refusal("InvalidParameterException", "update_secret_version_stage")
        _move(stored, asked["VersionStage"], asked["MoveToVersionId"])
        return {}

    def _delete(self, asked: Mapping[str, Any]) -> Answer:
        self._known(_name(asked["SecretId"]), "delete_secret").is_deleted = True
        days = timedelta(days=asked["RecoveryWindowInDays"])
        return {"DeletionDate": _MADE + days}

    def _known(self, name: str, operation: str) -> _Stored:
        stored = self._stored.get(name)
        if stored is None:
            raise _refusal("ResourceNotFoundException", operation)
        if stored.is_deleted:
            raise _refusal("InvalidRequestException", operation)
        return stored


def _move(stored: _Stored, stage: str, version_id: str) -> None:
    if stage == _CURRENT and _CURRENT in stored.stages:
        stored.stages[_PREVIOUS] = stored.stages[_CURRENT]
    stored.stages[stage] = version_id


def _arn(name: str) -> str:
    return f"{_PLACE}:{name}-AbCdEf"


def _name(secret_id: str) -> str:
    name = secret_id.removeprefix(f"{_PLACE}:")
    return name if name == secret_id else name.removesuffix("-AbCdEf")


def _refusal(reason: str, operation: str) -> Exception:
    from botocore.exceptions import ClientError

    status = _FAULTS.get(reason, _REFUSED)
    facts: Any = {
        "Error": {"Code": reason, "Message": "scripted"},
        "ResponseMetadata": {"RequestId": "scripted", "HTTPStatusCode": status},
    }
    return ClientError(facts, operation)


def _no_answer() -> Exception:
    from botocore.exceptions import EndpointConnectionError

    return EndpointConnectionError(endpoint_url="https://secretsmanager.scripted.invalid")
