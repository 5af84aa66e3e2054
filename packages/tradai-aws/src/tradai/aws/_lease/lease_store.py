"""Place of a lease in an object on S3."""

from typing import final

from tradai.aws._client.settings import AwsSettings, impatient
from tradai.aws._s3.conditions import prove_conditions
from tradai.aws._s3.reader import object_path
from tradai.aws._s3.store import S3Store
from tradai.core import ObjectLeaseStore, StoredObject
from tradai.core.exceptions import ValidationError


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
        self._store = S3Store(impatient(settings or AwsSettings()))
        self._object = ObjectLeaseStore(self._store, self._uri)
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
            prove_conditions(self._store, self._uri, data, what="lease")
            self._is_proven = True
        return etag


def _checked(uri: str) -> str:
    if uri.endswith("/"):
        expected = "the name of an object, such as s3://bucket/leases/binance-1"
        message = f"{uri} does not name a lease: expected {expected}"
        raise ValidationError(message, field="uri", expected=expected)
    return str(object_path(uri))
