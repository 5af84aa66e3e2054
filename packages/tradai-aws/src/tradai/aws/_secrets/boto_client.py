"""What is asked of boto3's client for Secrets Manager, and how its errors become ours."""

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

__all__ = ["SERVICE", "SecretsClient", "about_secret", "boto3_client", "translated"]

# Requests and answers of boto3 are of whatever kinds AWS defines.
Given: TypeAlias = Any

SERVICE: Final = "secretsmanager"


class SecretsClient(Protocol):
    """What is called of boto3's client; a fake has these methods and takes boto3's parameters."""

    def get_secret_value(self, *_: Given, **asked: Given) -> Mapping[str, Any]:
        """Answer with one version of a secret."""
        ...

    def batch_get_secret_value(self, *_: Given, **asked: Given) -> Mapping[str, Any]:
        """Answer with the present version of many."""
        ...

    def create_secret(self, *_: Given, **asked: Given) -> Mapping[str, Any]:
        """Make a secret."""
        ...

    def put_secret_value(self, *_: Given, **asked: Given) -> Mapping[str, Any]:
        """Add a version."""
        ...

    def update_secret_version_stage(self, *_: Given, **asked: Given) -> Mapping[str, Any]:
        """Move a stage to another version."""
        ...

    def delete_secret(self, *_: Given, **asked: Given) -> Mapping[str, Any]:
        """Schedule a deletion."""
        ...


def boto3_client(settings: AwsSettings) -> SecretsClient:
    """Return boto3's client for `settings`."""
    # Its methods take their parameters one by one, which no protocol of ours repeats.
    return cast("SecretsClient", client_for("secretsmanager", settings))


def _refused(error: "ClientError", service: str, operation: str, subject: str) -> TradAIError:
    if error_code(error) == "ResourceExistsException":
        message = f"there is a secret {subject} already; put a new version, or choose another name"
        return ConflictError(message, service=service, operation=operation)
    return about_secret(client_error(error, service, operation, subject), subject)


def about_secret(error: TradAIError, subject: str) -> TradAIError:
    """Return `error`, or what to do when it says that there is no secret `subject`."""
    if not isinstance(error, NotFoundError):
        return error
    message = f"there is no secret {subject} here; check its name, its stage and AWS_REGION"
    return NotFoundError(message, kind="secret", key=subject)


_TABLE: Final = ErrorTable(
    {
        **AWS_RULES,
        "botocore.exceptions.ClientError": _refused,
        # There were credentials when the client was made; whoever renews them does not answer.
        "botocore.exceptions.CredentialRetrievalError": no_response(
            "the credentials could not be renewed; check the task's role or the profile",
            retryable=True,
        ),
    },
    scrubs=True,
)


def translated(operation: str, subject: str) -> AbstractContextManager[None]:
    """Raise AWS's errors as ours inside, without anything of AWS's that may hold a value."""
    return _TABLE.translated(SERVICE, operation, subject)
