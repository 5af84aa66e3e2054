"""Secrets by the settings of the environment, without a `SecretsManager` of one's own."""

from typing import TYPE_CHECKING, Any, TypeVar, overload

from tradai.aws._client.client import client_for
from tradai.aws._client.settings import AwsSettings
from tradai.aws._secrets.held_secret import HeldSecret
from tradai.aws._secrets.secrets_manager import SecretsManager

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

T = TypeVar("T")


@overload
def get_secret(name: str) -> HeldSecret[str]: ...
@overload
def get_secret(name: str, *, as_: type[T]) -> HeldSecret[T]: ...
def get_secret(name: str, *, as_: type[Any] = str) -> HeldSecret[Any]:
    """Return the secret `name` from the process's shared manager.

    The environment is read on every call, which takes hundreds of times as long as `get` of a
    manager that you keep.

    Args:
        name: ``name#json.key@stage``.
        as_: Text by default; or a frozen pydantic model, read from JSON, strictly.

    Raises:
        TradAIError: An error of `SecretsManager.get`, or the settings are not valid.
    """
    return SecretsManager.shared().get(name, as_=as_)


def get_secrets_client(settings: AwsSettings | None = None) -> "SecretsManagerClient":
    """Return boto3's client for Secrets Manager, shared by all threads; see `client_for`.

    It returns values as plain text: prefer `get_secret`.
    """
    return client_for("secretsmanager", settings)
