"""boto3's client for Secrets Manager: the methods used, and the translation of its errors."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, cast

from tradai.aws._client.client import client_for
from tradai.aws._client.errors import AWS_RULES, client_error, error_code, no_response
from tradai.aws._client.settings import AwsSettings
from tradai.core import ErrorTable
from tradai.core.exceptions import ConflictError, NotFoundError, TradAIError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

# Parameters of boto3 have the types that AWS defines.
Parameter: TypeAlias = Any

SERVICE: Final = "secretsmanager"


class SecretsClient(Protocol):
    """Methods of boto3's client that are called; a fake has the same with boto3's parameters."""

    def get_secret_value(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Return one version of a secret."""
        ...

    def batch_get_secret_value(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Return the current versions of many secrets."""
        ...

    def create_secret(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Create a secret."""
        ...

    def put_secret_value(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Add a version."""
        ...

    def update_secret_version_stage(
        self, *_: Parameter, **parameters: Parameter
    ) -> Mapping[str, Any]:
        """Move a stage to another version."""
        ...

    def delete_secret(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Schedule a deletion."""
        ...


def boto3_client(settings: AwsSettings) -> SecretsClient:
    """Return boto3's client for `settings`."""
    # boto3 types each parameter of its methods; our protocol does not repeat them.
    return cast("SecretsClient", client_for("secretsmanager", settings))


def _client_error(error: "ClientError", service: str, operation: str, subject: str) -> TradAIError:
    if error_code(error) == "ResourceExistsException":
        message = f"the secret {subject} already exists; put a new version, or choose another name"
        return ConflictError(message, service=service, operation=operation)
    return secret_error(client_error(error, service, operation, subject), subject)


def secret_error(error: TradAIError, subject: str) -> TradAIError:
    """Return `error`, with advice about the name when the secret `subject` does not exist."""
    if not isinstance(error, NotFoundError):
        return error
    message = f"there is no secret {subject} here; check its name, its stage and AWS_REGION"
    return NotFoundError(message, kind="secret", key=subject)


_TABLE: Final = ErrorTable(
    {
        **AWS_RULES,
        "botocore.exceptions.ClientError": _client_error,
        # There were credentials when the client was created: only renewing them failed.
        "botocore.exceptions.CredentialRetrievalError": no_response(
            "the credentials could not be renewed; check the task's role or the profile",
            retryable=True,
        ),
    },
    scrubs=True,
)


def translated(operation: str, subject: str) -> AbstractContextManager[None]:
    """Raise errors of boto3 inside as ours, without those of boto3, which may contain a value."""
    return _TABLE.translated(SERVICE, operation, subject)
