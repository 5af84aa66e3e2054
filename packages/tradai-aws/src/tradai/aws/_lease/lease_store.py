"""Place of a lease in an object on S3."""

from typing import Final, final

from tradai.aws._client.settings import AwsSettings
from tradai.aws._s3.reader import object_path
from tradai.aws._s3.store import S3Store
from tradai.core import ObjectLeaseStore, StoredObject
from tradai.core.exceptions import ConfigurationError, ConflictError, ValidationError

# A call ends after about ten seconds at most: a holder must learn in time that S3 does not answer.
_CONNECT_TIMEOUT_S: Final = 2.0
_READ_TIMEOUT_S: Final = 2.0
_MAX_ATTEMPTS: Final = 2
# No object has this tag.
_WRONG_TAG: Final = f'"{"0" * 32}"'


@final
class S3LeaseStore:
    """Place of a lease in one object, which conditional writes replace.

    Some servers that speak S3's protocol ignore conditions. So the first write of a process is
    followed by two that must be refused.
    """

    def __init__(self, uri: str, settings: AwsSettings | None = None) -> None:
        """Use the object at `uri`, with `settings`, by default those of the environment now.

        Timeouts and attempts are those of `settings`, but at most 2 seconds and 2 attempts.

        Raises:
            ValidationError: `uri` does not name an object.
        """
        self._uri = _checked(uri)
        self._object = ObjectLeaseStore(S3Store(_impatient(settings or AwsSettings())), self._uri)
        self._is_proven = False

    @classmethod
    def for_uri(cls, uri: str) -> "S3LeaseStore":
        """Return the place of the lease at `uri`.

        Raises:
            ValidationError: `uri` does not name an object.
        """
        return cls(uri)

    def read(self) -> StoredObject | None:
        """Return the bytes and their tag; None before the first write."""
        return self._object.read()

    def replace(self, data: bytes, *, expected: str | None) -> str:
        """Write `data` where the bytes with the tag `expected` are, and return the new tag.

        Raises:
            ConflictError: The object has other bytes, or does not exist.
            ConfigurationError: The server ignores the conditions of writes.
            AwsError: S3 refused or did not answer.
        """
        etag = self._object.replace(data, expected=expected)
        if not self._is_proven:
            self._prove(data)
            self._is_proven = True
        return etag

    def _prove(self, data: bytes) -> None:
        for wrong in (None, _WRONG_TAG):
            try:
                self._object.replace(data, expected=wrong)
            except ConflictError:
                continue
            message = (
                f"the lease {self._uri} would not be exclusive: this server ignores the conditions "
                "If-None-Match and If-Match of writes; use a server that obeys them, as Amazon S3 "
                "does"
            )
            raise ConfigurationError(message, key="AWS_ENDPOINT_URL")


def _checked(uri: str) -> str:
    if uri.endswith("/"):
        expected = "the name of an object, such as s3://bucket/leases/binance-1"
        message = f"{uri} does not name a lease: expected {expected}"
        raise ValidationError(message, field="uri", expected=expected)
    return str(object_path(uri))


def _impatient(settings: AwsSettings) -> AwsSettings:
    limits = {
        "connect_timeout_s": min(settings.connect_timeout_s, _CONNECT_TIMEOUT_S),
        "read_timeout_s": min(settings.read_timeout_s, _READ_TIMEOUT_S),
        "max_attempts": min(settings.max_attempts, _MAX_ATTEMPTS),
    }
    return settings.model_copy(update=limits)
