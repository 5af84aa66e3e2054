"""Where an object lives on S3."""

import re
from dataclasses import dataclass
from typing import Final, Self, final

from tradai.core.exceptions import ValidationError

__all__ = ["S3Path"]

_SCHEME: Final = "s3://"
_BUCKET: Final = re.compile(r"(?!.*\.\.)(?![0-9.]+\Z)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_MAX_KEY_BYTES: Final = 1_024
_BUCKET_EXPECTED: Final = "3 to 63 lower-case letters, digits, dots and hyphens"
_KEY_EXPECTED: Final = f"at most {_MAX_KEY_BYTES} bytes of UTF-8 without NUL"


@final
@dataclass(frozen=True, slots=True, order=True)
class S3Path:
    """A bucket and a key. Pure text: nothing is looked up, decoded or normalised.

    An empty key means the whole bucket. ``?``, ``#``, ``%`` and ``..`` are ordinary characters of
    a key, as they are to S3.

    >>> S3Path.parse("s3://lake/ohlcv/BTC.parquet").key
    'ohlcv/BTC.parquet'
    """

    bucket: str
    key: str

    def __post_init__(self) -> None:
        """Check both parts.

        Raises:
            ValidationError: The bucket name or the key is one that S3 would refuse.
        """
        if not _BUCKET.fullmatch(self.bucket):
            raise _refusal(
                field="bucket", expected="3 to 63 lower-case letters, digits, dots and hyphens"
            )
        if "\x00" in self.key or len(self.key.encode(errors="replace")) > _MAX_KEY_BYTES:
            raise _refusal(
                field="key", expected=f"at most {_MAX_KEY_BYTES} bytes of UTF-8 without NUL"
            )

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Read ``s3://bucket/key``; ``s3://bucket`` means the whole bucket.

        Raises:
            ValidationError: `uri` is not an S3 URI. It is not quoted: it may hold credentials.
        """
        if not uri.startswith(_SCHEME):
            raise _refusal(field="uri", expected="s3://bucket/key")
        bucket, _, key = uri.removeprefix(_SCHEME).partition("/")
        return cls(bucket, key)

    def joined(self, *parts: str) -> Self:
        """Return the path below this one, with one ``/`` before each part.

        Raises:
            ValidationError: A part is empty or starts with ``/``.
        """
        key = self.key
        for part in parts:
            if not part or part.startswith("/"):
                raise _refusal(
                    field="part", expected="text that is not empty and does not start with /"
                )
            key = f"{key}/{part}" if key and not key.endswith("/") else f"{key}{part}"
        return type(self)(self.bucket, key)

    def __str__(self) -> str:
        """Spell the path as ``s3://bucket/key``."""
        return f"{_SCHEME}{self.bucket}/{self.key}"


def _refusal(*, field: str, expected: str) -> ValidationError:
    message = f"the {field} of an S3 path is not usable: expected {expected}"
    return ValidationError(message, field=field, expected=expected)
