"""Secrets written to AWS, for tools: what is replaced or deleted can be had back."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, final

from tradai.aws._client.errors import AwsError
from tradai.aws._client.settings import AwsSettings
from tradai.aws._secrets.boto_client import SERVICE, SecretsClient, boto3_client, translated
from tradai.aws._secrets.identity import CURRENT, SecretIdentity, reference_to
from tradai.core import Secret
from tradai.core.exceptions import ValidationError

__all__ = ["SecretsEditor"]

# https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
_MOST_BYTES: Final = 65_536
_SHORTEST_RECOVERY_DAYS: Final = 7
_LONGEST_RECOVERY_DAYS: Final = 30
# Halves of characters: text in Python, and nothing that can be sent.
_HALVES: Final = re.compile("[\ud800-\udfff]")


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
        return str(_told(answer, "VersionId", "create_secret", identity))

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
        return str(_told(answer, "VersionId", "put_secret_value", identity))

    def move_stage(self, name: str, version_id: str, *, stage: str = CURRENT) -> None:
        """Give `stage` to the version `version_id`: the pending one, or the one before.

        Raises:
            NotFoundError: There is no such secret, or no version has that stage.
            AwsError: AWS refused, for example because somebody else has just moved it.
        """
        identity = _whole(name, stage)
        with translated("get_secret_value", identity.reference):
            answer = self._client().get_secret_value(
                SecretId=identity.secret_id, VersionStage=stage
            )
        holder = _told(answer, "VersionId", "get_secret_value", identity)
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
        final_at: datetime = _told(answer, "DeletionDate", "delete_secret", identity)
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
    text: object = value.reveal()
    data = text.encode(errors="surrogatepass") if isinstance(text, str) else b""
    is_text = isinstance(text, str) and _HALVES.search(text) is None
    size = len(data)
    # A traceback may show what this frame holds.
    del text, data
    if not is_text or size > _MOST_BYTES:
        expected = f"at most {_MOST_BYTES} bytes of UTF-8, JSON for several values"
        problem = f"has {size} bytes" if is_text else "is no text that UTF-8 can write"
        message = f"the value for {identity.reference} {problem}: expected {expected}"
        raise ValidationError(message, field="value", expected=expected)


# What AWS names has no common type.
def _told(answer: Mapping[str, Any], what: str, operation: str, identity: SecretIdentity) -> Any:  # noqa: ANN401
    """Return `what` AWS was to name; not repeated without it, for it may have been done."""
    if what in answer:
        return answer[what]
    # It may hold the value, and a traceback may show what this frame holds.
    del answer
    raise AwsError(
        f"{SERVICE} {operation} {identity.reference} was answered without {what}: look at the "
        "secret before you try again",
        service=SERVICE,
        operation=operation,
        reason="IncompleteAnswer",
    )
