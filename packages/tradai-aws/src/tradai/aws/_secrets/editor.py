"""Create, replace, roll back and delete secrets in AWS; every change can be undone."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, final

from tradai.aws._client.errors import AwsError
from tradai.aws._client.settings import AwsSettings
from tradai.aws._secrets.boto_client import SERVICE, SecretsClient, boto3_client, translated
from tradai.aws._secrets.identity import CURRENT, SecretIdentity, parse_name
from tradai.core import Secret
from tradai.core.exceptions import ConflictError, ValidationError

# https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
_MAX_BYTES: Final = 65_536
_MIN_RECOVERY_DAYS: Final = 7
_MAX_RECOVERY_DAYS: Final = 30
# Surrogates without their other half: valid in a Python string, but not in UTF-8.
_LONE_SURROGATES: Final = re.compile("[\ud800-\udfff]")


@final
class SecretsEditor:
    """Create, replace, roll back and delete secrets, for tools; trading code only reads them.

    Names are those of `SecretsManager`, without key and stage. Readers see a change at their next
    refresh.
    """

    def __init__(
        self, settings: AwsSettings | None = None, *, client: SecretsClient | None = None
    ) -> None:
        """Write with `client`, or else boto3's for `settings`, by default the environment's."""
        self._settings = settings or AwsSettings()
        self._custom_client = client

    def create(self, name: str, value: Secret) -> str:
        """Create a secret, and return the id of its first version.

        Raises:
            ValidationError: More than 65,536 bytes, or not a name; nothing was sent.
            ConflictError: The secret already exists.
            AwsError: AWS refused.
        """
        identity = _parse_whole_name(name, CURRENT)
        _require_size(value, identity)
        with translated("create_secret", identity.reference):
            response = self._client().create_secret(
                Name=identity.secret_id, SecretString=value.reveal()
            )
        return str(_field(response, "VersionId", "create_secret", identity))

    def put(self, name: str, value: Secret, *, stage: str = CURRENT) -> str:
        """Add a version under `stage`, and return its id.

        The version that was current before gets the stage ``AWSPREVIOUS``.

        Raises:
            ValidationError: More than 65,536 bytes, or not a name; nothing was sent.
            NotFoundError: The secret does not exist.
            AwsError: AWS refused.
        """
        identity = _parse_whole_name(name, stage)
        _require_size(value, identity)
        with translated("put_secret_value", identity.reference):
            response = self._client().put_secret_value(
                SecretId=identity.secret_id, SecretString=value.reveal(), VersionStages=[stage]
            )
        return str(_field(response, "VersionId", "put_secret_value", identity))

    def move_stage(self, name: str, version_id: str, *, stage: str = CURRENT) -> None:
        """Move `stage` to the version `version_id`, such as the pending or the previous one.

        Raises:
            NotFoundError: The secret does not exist, or no version has that stage.
            ConflictError: Another process has just moved the stage to another version.
            AwsError: AWS refused.
        """
        identity = _parse_whole_name(name, stage)
        before = self._holder(identity)
        if before == version_id:
            return
        try:
            self._move(identity, before, version_id)
        except AwsError as exc:
            refusal = exc
        else:
            return
        # The answer to an attempt that moved it may have been lost, or another process was first.
        now = self._holder(identity)
        if now == before:
            raise refusal
        if now != version_id:
            message = (
                f"the stage {stage} of {identity.reference} was moved to the version {now} "
                "meanwhile; look at the secret, then decide"
            )
            raise ConflictError(message, service=SERVICE, operation="update_secret_version_stage")

    def delete(self, name: str, *, recovery_days: int = 30) -> datetime:
        """Schedule the deletion of a secret; AWS can restore it until the instant returned.

        Raises:
            ValidationError: `recovery_days` is not 7 to 30; nothing was sent.
            NotFoundError: The secret does not exist.
            AwsError: AWS refused.
        """
        identity = _parse_whole_name(name, CURRENT)
        if not _MIN_RECOVERY_DAYS <= recovery_days <= _MAX_RECOVERY_DAYS:
            expected = f"{_MIN_RECOVERY_DAYS} to {_MAX_RECOVERY_DAYS} days"
            message = f"recovery_days={recovery_days} is not usable: expected {expected}"
            raise ValidationError(message, field="recovery_days", expected=expected)
        with translated("delete_secret", identity.reference):
            response = self._client().delete_secret(
                SecretId=identity.secret_id, RecoveryWindowInDays=recovery_days
            )
        deleted_at: datetime = _field(response, "DeletionDate", "delete_secret", identity)
        return deleted_at

    def _holder(self, identity: SecretIdentity) -> str:
        """Return the id of the version that has the stage."""
        with translated("get_secret_value", identity.reference):
            response = self._client().get_secret_value(
                SecretId=identity.secret_id, VersionStage=identity.stage
            )
        return str(_field(response, "VersionId", "get_secret_value", identity))

    def _move(self, identity: SecretIdentity, before: str, after: str) -> None:
        with translated("update_secret_version_stage", identity.reference):
            self._client().update_secret_version_stage(
                SecretId=identity.secret_id,
                VersionStage=identity.stage,
                RemoveFromVersionId=before,
                MoveToVersionId=after,
            )

    def _client(self) -> SecretsClient:
        return self._custom_client or boto3_client(self._settings)


def _parse_whole_name(name: str, stage: str) -> SecretIdentity:
    reference = parse_name(name)
    if reference.key is None and reference.stage is None:
        return SecretIdentity(reference.name, stage)
    expected = "the name or ARN of a whole secret, without key and stage"
    message = f"{reference} cannot be changed: expected {expected}"
    raise ValidationError(message, field="name", expected=expected)


def _require_size(value: Secret, identity: SecretIdentity) -> None:
    text: object = value.reveal()
    data = text.encode(errors="surrogatepass") if isinstance(text, str) else b""
    is_text = isinstance(text, str) and _LONE_SURROGATES.search(text) is None
    size = len(data)
    # A traceback may show local variables.
    del text, data
    if not is_text or size > _MAX_BYTES:
        expected = f"at most {_MAX_BYTES} bytes of UTF-8, JSON for several values"
        problem = f"has {size} bytes" if is_text else "cannot be encoded as UTF-8"
        message = f"the value for {identity.reference} {problem}: expected {expected}"
        raise ValidationError(message, field="value", expected=expected)


# Fields of a response have no common type.
def _field(response: Mapping[str, Any], name: str, operation: str, identity: SecretIdentity) -> Any:  # noqa: ANN401
    """Return a field; without it the request is not repeated: AWS may have carried it out."""
    if name in response:
        return response[name]
    # The response may contain the value, and a traceback may show local variables.
    del response
    raise AwsError(
        f"{SERVICE} {operation} {identity.reference} was answered without {name}: look at the "
        "secret before you try again",
        service=SERVICE,
        operation=operation,
        reason="IncompleteAnswer",
    )
