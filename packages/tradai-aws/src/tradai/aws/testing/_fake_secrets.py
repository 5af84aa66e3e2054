"""A fake of AWS Secrets Manager: rotations, outages, throttling and latency."""

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias, final

from tradai.aws.testing._virtual_clock import VirtualClock

Response: TypeAlias = dict[str, Any]
# Parameters of boto3 have the types that AWS defines.
Parameter: TypeAlias = Any

_SERVER_FAULTS: Final = {"InternalServiceError": 500, "ServiceUnavailable": 503}
_CLIENT_FAULT: Final = 400
_CURRENT: Final = "AWSCURRENT"
_PREVIOUS: Final = "AWSPREVIOUS"
_ARN_PREFIX: Final = "arn:aws:secretsmanager:eu-central-1:123456789012:secret"
_CREATED: Final = datetime(2025, 1, 1, tzinfo=UTC)
_TIMEOUT_S: Final = 30.0


@dataclass(slots=True)
class _Stored:
    versions: dict[str, str | bytes] = field(default_factory=dict, repr=False)
    stages: dict[str, str] = field(default_factory=dict)
    is_deleted: bool = False


@final
class FakeSecretsClient:
    """Fake of boto3's client with versions and stages; it raises boto3's errors.

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
        clock: Clock to pass to the tested code.
        latency_s: Seconds that each call takes on `clock`.
        calls: Operation and parameters of each call, in order; values are left out.
        unreachable: While true, every call fails to connect.
        refusals: Name of a secret or an operation -> AWS's error code for it.
    """

    def __init__(self) -> None:
        """Hold nothing."""
        self.clock = VirtualClock()
        self.latency_s = 0.0
        self.calls: list[tuple[str, Response]] = []
        self.refusals: dict[str, str] = {}
        self._script: list[str] = []
        self.unreachable = False
        self._open = threading.Event()
        self._open.set()
        self._arrived = threading.Semaphore(0)
        self._lock = threading.RLock()
        self._stored: dict[str, _Stored] = {}
        self._version_count = 0

    def keep(self, name: str, value: str | bytes, *, stage: str = _CURRENT) -> str:
        """Create the secret `name`, or rotate it to `value`; return the id of the new version."""
        with self._lock:
            self._version_count += 1
            version_id = str(uuid.UUID(int=self._version_count))
            stored = self._stored.setdefault(name, _Stored())
            stored.versions[version_id] = value
            _move(stored, stage, version_id)
            return version_id

    def fail(self, reason: str, *, times: int = 1) -> None:
        """Refuse the next `times` calls with the error code `reason`."""
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
        """Hold calls back inside, and answer them all at the end."""
        self._arrived = threading.Semaphore(0)
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    def await_call(self) -> None:
        """Wait until one more call is held back, inside of `paused`.

        Raises:
            TimeoutError: No call arrived in time.
        """
        if not self._arrived.acquire(timeout=_TIMEOUT_S):
            message = "no call arrived"
            raise TimeoutError(message)

    # Methods of boto3's client.

    def get_secret_value(self, **parameters: Parameter) -> Response:
        """Return one version."""
        return self._call("get_secret_value", parameters, self._get)

    def batch_get_secret_value(self, **parameters: Parameter) -> Response:
        """Return the current version of each secret, or its error."""
        return self._call("batch_get_secret_value", parameters, self._batch)

    def create_secret(self, **parameters: Parameter) -> Response:
        """Create a secret."""
        return self._call("create_secret", parameters, self._create)

    def put_secret_value(self, **parameters: Parameter) -> Response:
        """Add a version."""
        return self._call("put_secret_value", parameters, self._put)

    def update_secret_version_stage(self, **parameters: Parameter) -> Response:
        """Move a stage."""
        return self._call("update_secret_version_stage", parameters, self._move_stage)

    def delete_secret(self, **parameters: Parameter) -> Response:
        """Schedule a deletion."""
        return self._call("delete_secret", parameters, self._delete)

    def _call(
        self, operation: str, parameters: Response, answer: Callable[[Mapping[str, Any]], Response]
    ) -> Response:
        recorded = {name: value for name, value in parameters.items() if name != "SecretString"}
        self.calls.append((operation, recorded))
        self._arrived.release()
        self._open.wait(_TIMEOUT_S)
        self.clock.advance(self.latency_s)
        if self.unreachable:
            raise _no_connection()
        with self._lock:
            reason = self._script.pop(0) if self._script else self.refusals.get(operation)
            if reason:
                raise _client_error(reason, operation)
            return answer(parameters)

    def _get(self, parameters: Mapping[str, Any]) -> Response:
        name = _name(parameters["SecretId"])
        if name in self.refusals:
            raise _client_error(self.refusals[name], "get_secret_value")
        stored = self._existing(name, "get_secret_value")
        stage = parameters.get("VersionStage", _CURRENT)
        if stage not in stored.stages:
            raise _client_error("ResourceNotFoundException", "get_secret_value")
        version_id = stored.stages[stage]
        value = stored.versions[version_id]
        held = {"SecretString": value} if isinstance(value, str) else {"SecretBinary": value}
        identity = {"Name": name, "ARN": _arn(name), "VersionId": version_id}
        return {**identity, **held, "VersionStages": [stage], "CreatedDate": _CREATED}

    def _batch(self, parameters: Mapping[str, Any]) -> Response:
        from botocore.exceptions import ClientError

        values: list[Response] = []
        errors: list[Response] = []
        for secret_id in parameters["SecretIdList"]:
            try:
                values.append(self._get({"SecretId": secret_id}))
            except ClientError as exc:
                reason = exc.response["Error"]["Code"]
                errors.append({"SecretId": secret_id, "ErrorCode": reason, "Message": "scripted"})
        return {"SecretValues": values, "Errors": errors}

    def _create(self, parameters: Mapping[str, Any]) -> Response:
        if parameters["Name"] in self._stored:
            raise _client_error("ResourceExistsException", "create_secret")
        return {"VersionId": self.keep(parameters["Name"], parameters["SecretString"])}

    def _put(self, parameters: Mapping[str, Any]) -> Response:
        name = _name(parameters["SecretId"])
        self._existing(name, "put_secret_value")
        (stage,) = parameters["VersionStages"]
        return {"VersionId": self.keep(name, parameters["SecretString"], stage=stage)}

    def _move_stage(self, parameters: Mapping[str, Any]) -> Response:
        stored = self._existing(_name(parameters["SecretId"]), "update_secret_version_stage")
        if stored.stages.get(parameters["VersionStage"]) != parameters.get("RemoveFromVersionId"):
            raise _client_error("InvalidParameterException", "update_secret_version_stage")
        _move(stored, parameters["VersionStage"], parameters["MoveToVersionId"])
        return {}

    def _delete(self, parameters: Mapping[str, Any]) -> Response:
        self._existing(_name(parameters["SecretId"]), "delete_secret").is_deleted = True
        days = timedelta(days=parameters["RecoveryWindowInDays"])
        return {"DeletionDate": _CREATED + days}

    def _existing(self, name: str, operation: str) -> _Stored:
        stored = self._stored.get(name)
        if stored is None:
            raise _client_error("ResourceNotFoundException", operation)
        if stored.is_deleted:
            raise _client_error("InvalidRequestException", operation)
        return stored


def _move(stored: _Stored, stage: str, version_id: str) -> None:
    if stage == _CURRENT and _CURRENT in stored.stages:
        stored.stages[_PREVIOUS] = stored.stages[_CURRENT]
    stored.stages[stage] = version_id


def _arn(name: str) -> str:
    return f"{_ARN_PREFIX}:{name}-AbCdEf"


def _name(secret_id: str) -> str:
    name = secret_id.removeprefix(f"{_ARN_PREFIX}:")
    return name if name == secret_id else name.removesuffix("-AbCdEf")


def _client_error(reason: str, operation: str) -> Exception:
    from botocore.exceptions import ClientError

    status = _SERVER_FAULTS.get(reason, _CLIENT_FAULT)
    response: Any = {
        "Error": {"Code": reason, "Message": "scripted"},
        "ResponseMetadata": {"RequestId": "scripted", "HTTPStatusCode": status},
    }
    return ClientError(response, operation)


def _no_connection() -> Exception:
    from botocore.exceptions import EndpointConnectionError

    return EndpointConnectionError(endpoint_url="https://secretsmanager.scripted.invalid")
