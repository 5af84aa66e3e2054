"""Errors of an MLflow server, by the condition that a caller can act on.

::

    MLflowError                          .operation .status .attempts .elapsed_s .server_message
    ├── ServerUnavailableError           no usable answer: try again later
    │   ├── HostNotFoundError            the name of the host has no address
    │   ├── ServerNotListeningError      nothing accepts connections there
    │   ├── ConnectionLostError          the connection broke before the whole answer was there
    │   ├── DeadlineExceededError        the time was over
    │   ├── RateLimitedError             429
    │   ├── ServerFaultError             5xx
    │   └── CircuitOpenError             it failed a moment ago, and was not asked
    ├── NotAnMLflowServerError           something else answers at this address
    ├── UnsupportedEndpointError         this version of MLflow does not offer the call
    ├── CertificateError                 TLS could not be set up
    ├── LoginRefusedError                401
    ├── HostRejectedError                the server does not accept the name it was reached by
    ├── AccessDeniedError                403
    ├── MLflowNotFoundError              experiment, run, model, version, alias, artifact
    ├── AlreadyExistsError               the name is taken
    ├── InvalidRequestError              the server refused a value
    │   ├── ParameterConflictError       a parameter of a run has another value already
    │   └── LimitExceededError           a value is longer than the server keeps
    └── CorruptArtifactError             a file is not the one that was expected
"""

from typing import TypedDict, Unpack

from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    TradAIError,
    ValidationError,
)


class CallFacts(TypedDict, total=False):
    """Facts about the call that failed; see `MLflowError`."""

    operation: str
    status: int | None
    attempts: int
    elapsed_s: float
    server_message: str


class MLflowError(TradAIError):
    """A call of the MLflow server failed.

    Attributes:
        operation: Endpoint that was asked, for example ``runs/create``.
        status: HTTP status of the last answer; None when there was none.
        attempts: Number of requests that were sent or tried.
        elapsed_s: Seconds from the start of the operation.
        server_message: The server's own words, secrets masked, at most 500 characters.
        may_have_run: Whether the server may have carried out a call that changes something.
    """

    code = "mlflow"

    def __init__(self, message: str, /, **facts: Unpack[CallFacts]) -> None:
        """Hold `message` and the facts of the call."""
        # The other bases take facts that these errors have as attributes of their class.
        TradAIError.__init__(self, message)
        self.operation = facts.get("operation", "")
        self.status = facts.get("status")
        self.attempts = facts.get("attempts", 0)
        self.elapsed_s = facts.get("elapsed_s", 0.0)
        self.server_message = facts.get("server_message", "")
        self.may_have_run = False


class _ServiceError(MLflowError, ExternalServiceError):
    """An error that the server or the way to it is to blame for."""

    code = "mlflow_service"
    service = "mlflow"


class ServerUnavailableError(_ServiceError):
    """The server gave no usable answer; the same call may succeed later.

    Attributes:
        retry_after_s: Seconds to wait before the next try, when they are known.
    """

    code = "mlflow_unavailable"
    retryable = True
    retry_after_s: float | None = None


class HostNotFoundError(ServerUnavailableError):
    """The name of the server's host has no address."""

    code = "mlflow_host_not_found"


class ServerNotListeningError(ServerUnavailableError):
    """Nothing accepts connections at the address of the server."""

    code = "mlflow_not_listening"


class ConnectionLostError(ServerUnavailableError):
    """The connection broke before the whole answer had arrived."""

    code = "mlflow_connection_lost"


class DeadlineExceededError(ServerUnavailableError):
    """The operation did not end within its deadline."""

    code = "mlflow_deadline_exceeded"


class RateLimitedError(ServerUnavailableError):
    """The server asks to slow down (429)."""

    code = "mlflow_rate_limited"


class ServerFaultError(ServerUnavailableError):
    """The server, or a proxy before it, failed (5xx)."""

    code = "mlflow_server_fault"


class CircuitOpenError(ServerUnavailableError):
    """The server failed a moment ago, so this call was not sent."""

    code = "mlflow_circuit_open"


class NotAnMLflowServerError(MLflowError, ConfigurationError):
    """Something that is not MLflow answers at the address."""

    code = "mlflow_not_a_server"
    key = "MLFLOW_TRACKING_URI"
    source = None


class UnsupportedEndpointError(MLflowError, ConfigurationError):
    """This version of MLflow does not offer the call."""

    code = "mlflow_unsupported"
    key = "MLFLOW_TRACKING_URI"
    source = None


class CertificateError(MLflowError, ConfigurationError):
    """The certificate of the server or of the client was not accepted."""

    code = "mlflow_certificate"
    key = "MLFLOW_TRACKING_SERVER_CERT_PATH"
    source = None


class LoginRefusedError(MLflowError, ConfigurationError):
    """The server refused the user name, the password or the token (401)."""

    code = "mlflow_login_refused"
    key = "MLFLOW_TRACKING_USERNAME"
    source = None


class HostRejectedError(MLflowError, ConfigurationError):
    """The server does not accept the host name that it was reached by."""

    code = "mlflow_host_rejected"
    key = "MLFLOW_TRACKING_URI"
    source = None


class AccessDeniedError(_ServiceError):
    """The user has no permission for the call (403)."""

    code = "mlflow_access_denied"


class MLflowNotFoundError(MLflowError, NotFoundError):
    """The server does not have the thing.

    Attributes:
        key: Name or id that was looked for.
    """

    code = "mlflow_not_found"
    kind: str = "thing"
    key: str = ""


class ExperimentNotFoundError(MLflowNotFoundError):
    """The experiment does not exist."""

    code = "mlflow_experiment_not_found"
    kind: str = "experiment"


class RunNotFoundError(MLflowNotFoundError):
    """The run does not exist."""

    code = "mlflow_run_not_found"
    kind: str = "run"


class ModelNotFoundError(MLflowNotFoundError):
    """The registered model does not exist."""

    code = "mlflow_model_not_found"
    kind: str = "registered model"


class ModelVersionNotFoundError(MLflowNotFoundError):
    """The model has no version of this number."""

    code = "mlflow_version_not_found"
    kind: str = "model version"


class AliasNotFoundError(MLflowNotFoundError):
    """The model has no such alias."""

    code = "mlflow_alias_not_found"
    kind: str = "alias"


class ArtifactNotFoundError(MLflowNotFoundError):
    """The artifact does not exist."""

    code = "mlflow_artifact_not_found"
    kind: str = "artifact"


class _ValueError(MLflowError, ValidationError):
    """An error about a value of the caller."""

    code = "mlflow_value"
    field: str | None = None
    expected: str | None = None


class AlreadyExistsError(_ValueError):
    """The name is taken."""

    code = "mlflow_already_exists"


class InvalidRequestError(_ValueError):
    """The server refused a value."""

    code = "mlflow_invalid_request"


class ParameterConflictError(InvalidRequestError):
    """A parameter of a run has another value already; it can be written once."""

    code = "mlflow_parameter_conflict"


class LimitExceededError(InvalidRequestError):
    """A value is longer than the server keeps.

    Attributes:
        limit: Number of characters that the server keeps; 0 when it did not say.
        actual: Number of characters of the value.
    """

    code = "mlflow_limit_exceeded"
    limit: int = 0
    actual: int = 0


class CorruptArtifactError(_ServiceError):
    """A file is cut, or its bytes are not the expected ones."""

    code = "mlflow_corrupt_artifact"


def not_found(
    kind: type[MLflowNotFoundError], message: str, operation: str, key: str
) -> MLflowNotFoundError:
    """Return an error about a thing that the client itself found to be missing."""
    error = kind(message, operation=operation)
    error.key = key
    return error
