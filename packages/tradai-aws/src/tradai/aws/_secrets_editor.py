"""Secrets written to AWS, for tools: what is replaced or deleted can be had back."""

from datetime import datetime
from typing import Final, final

from tradai.aws._secret_client import SecretsClient, boto3_client, translated
from tradai.aws._secret_identity import CURRENT, SecretIdentity, reference_to
from tradai.aws._settings import AwsSettings
from tradai.core import Secret
from tradai.core.exceptions import ValidationError

__all__ = ["SecretsEditor"]

# https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
_MOST_BYTES: Final = 65_536
_SHORTEST_RECOVERY_DAYS: Final = 7
_LONGEST_RECOVERY_DAYS: Final = 30


@final
class SecretsEditor:
    """Creates, replaces, rolls back and deletes secrets; what trades only reads them.

    Names are those of `SecretsManager`, without key and stage. Readers see a change when they
    refresh.
    """

    def __init__(
        self, settings: AwsSettings | None = None, *, client: SecretsClient | None = None
    ) -> None:
        """Write to what `settings` say, by default the environment's, or by `client` instead."""
        self._settings = settings or AwsSettings()
        self._given = client

    def create(self, name: str, value: Secret) -> str:
        """Make a secret, and return the id of its first version.

        Raises:
            ValidationError: More than 65,536 bytes, or no name; nothing was sent.
            ConflictError: There is such a secret already.
            AwsError: AWS refused.
        """
        identity = _whole(name, CURRENT)
        _require_size(value, identity)
        with translated("create_secret", identity.reference):
            answer = self._client().create_secret(
                Name=identity.secret_id, SecretString=value.reveal()
            )
        return str(answer["VersionId"])

    def put(self, name: str, value: Secret, *, stage: str = CURRENT) -> str:
        """Add a version under `stage`, and return its id.

        What was current before becomes ``AWSPREVIOUS``.

        Raises:
            ValidationError: More than 65,536 bytes, or no name; nothing was sent.
            NotFoundError: There is no such secret.
            AwsError: AWS refused.
        """
        identity = _whole(name, stage)
        _require_size(value, identity)
        with translated("put_secret_value", identity.reference):
            answer = self._client().put_secret_value(
                SecretId=identity.secret_id, SecretString=value.reveal(), VersionStages=[stage]
            )
        return str(answer["VersionId"])

    def move_stage(self, name: str, version_id: str, *, stage: str = CURRENT) -> None:
        """Give `stage` to the version `version_id`: the pending one, or the one before.

        Raises:
            NotFoundError: There is no such secret, or no version has that stage.
            AwsError: AWS refused, for example because somebody else has just moved it.
        """
        identity = _whole(name, stage)
        with translated("get_secret_value", identity.reference):
            holder = self._client().get_secret_value(
                SecretId=identity.secret_id, VersionStage=stage
            )["VersionId"]
        with translated("update_secret_version_stage", identity.reference):
            self._client().update_secret_version_stage(
                SecretId=identity.secret_id,
                VersionStage=stage,
                RemoveFromVersionId=holder,
                MoveToVersionId=version_id,
            )

    def delete(self, name: str, *, recovery_days: int = 30) -> datetime:
        """Delete a secret; until the instant that is returned, AWS can restore it.

        Raises:
            ValidationError: `recovery_days` is not 7 to 30; nothing was sent.
            NotFoundError: There is no such secret.
            AwsError: AWS refused.
        """
        identity = _whole(name, CURRENT)
        if not _SHORTEST_RECOVERY_DAYS <= recovery_days <= _LONGEST_RECOVERY_DAYS:
            expected = f"{_SHORTEST_RECOVERY_DAYS} to {_LONGEST_RECOVERY_DAYS} days"
            message = f"recovery_days={recovery_days} is not usable: expected {expected}"
            raise ValidationError(message, field="recovery_days", expected=expected)
        with translated("delete_secret", identity.reference):
            answer = self._client().delete_secret(
                SecretId=identity.secret_id, RecoveryWindowInDays=recovery_days
            )
        final_at: datetime = answer["DeletionDate"]
        return final_at

    def _client(self) -> SecretsClient:
        return self._given or boto3_client(self._settings)


def _whole(name: str, stage: str) -> SecretIdentity:
    reference = reference_to(name)
    if reference.key is None and reference.stage is None:
        return SecretIdentity(reference.name, stage)
    expected = "the name or ARN of a whole secret, without key and stage"
    message = f"{reference} cannot be changed: expected {expected}"
    raise ValidationError(message, field="name", expected=expected)


def _require_size(value: Secret, identity: SecretIdentity) -> None:
    size = len(value.reveal().encode())
    if size > _MOST_BYTES:
        expected = f"at most {_MOST_BYTES} bytes of UTF-8"
        message = f"the value for {identity.reference} has {size} bytes: expected {expected}"
        raise ValidationError(message, field="value", expected=expected)
