"""Paths of objects on S3."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, final

from tradai.core._types.pydantic_schemas import text_schema
from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

_SCHEME: Final = "s3://"
_SHORTEST_BUCKET: Final = 3
_LONGEST_BUCKET: Final = 63
_LONGEST_KEY: Final = 1_024

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET_RULES: Final = (
    (re.compile(r"[a-z0-9.-]*"), "lower-case letters, digits, dots and hyphens only"),
    (re.compile(r"[a-z0-9](?s:.*)[a-z0-9]"), "a letter or a digit at both ends"),
    (re.compile(r"(?!.*\.\.).*"), "no two dots side by side"),
    (re.compile(r"(?![0-9]+(\.[0-9]+){3}\Z).*"), "a name, not an IP address"),
    (re.compile(r"(?!xn--|sthree-|amzn-s3-demo-).*"), "no prefix that S3 keeps for itself"),
)
# Other forms in which the place of a bucket is written.
_OTHER_FORMS: Final = (
    (re.compile(r"https?://", re.IGNORECASE), "a web address"),
    (re.compile(r"arn:", re.IGNORECASE), "an ARN"),
    (re.compile(r"s3[an]:", re.IGNORECASE), "Hadoop's form"),
    (re.compile(r"(?!s3:)(?i:s3:)"), "a scheme in capital letters"),
    (re.compile(r"file:|/", re.IGNORECASE), "a file"),
)


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
            ValidationError: The bucket name or the key is one that S3 would refuse; the message
                has the rule.
        """
        if not _SHORTEST_BUCKET <= len(self.bucket) <= _LONGEST_BUCKET:
            raise _s3_path_error(
                field="bucket", expected=f"{_SHORTEST_BUCKET} to {_LONGEST_BUCKET} characters"
            )
        for rule, expected in _BUCKET_RULES:
            if not rule.fullmatch(self.bucket):
                raise _s3_path_error(field="bucket", expected=expected)
        if not _is_key(self.key):
            expected = f"at most {_LONGEST_KEY} bytes of UTF-8 without NUL"
            raise _s3_path_error(field="key", expected=expected)

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Read ``s3://bucket/key``; ``s3://bucket`` means the whole bucket.

        Raises:
            ValidationError: `uri` is not an S3 URI; the message names the form it has, if that
                is a known one. It is not quoted: it may hold credentials.
        """
        if not uri.startswith(_SCHEME):
            form = next((name for rule, name in _OTHER_FORMS if rule.match(uri)), "something else")
            raise _s3_path_error(field="uri", expected=f"s3://bucket/key, and this is {form}")
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
                raise _s3_path_error(
                    field="part", expected="text that is not empty and does not start with /"
                )
            key = f"{key}/{part}" if key and not key.endswith("/") else f"{key}{part}"
        return type(self)(self.bucket, key)

    def __str__(self) -> str:
        """Return ``s3://bucket/key``."""
        return f"{_SCHEME}{self.bucket}/{self.key}"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Self], handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Let pydantic take a path or its text."""
        return text_schema(cls.parse, kind=cls)


def parse_s3_path(uri: str) -> S3Path:
    """Read ``s3://bucket/key``, as `S3Path.parse` does.

    Raises:
        ValidationError: `uri` is not an S3 URI.
    """
    return S3Path.parse(uri)


def _is_key(key: str) -> bool:
    try:
        return "\x00" not in key and len(key.encode()) <= _LONGEST_KEY
    except UnicodeEncodeError:
        return False


def _s3_path_error(*, field: str, expected: str) -> ValidationError:
    message = f"the {field} of an S3 path is not usable: expected {expected}"
    return ValidationError(message, field=field, expected=expected)
