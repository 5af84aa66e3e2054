"""Canonical JSON and SHA-256 digests: equal in every process, whatever the order of keys."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from tradai.core._numbers.decimals import plain_text
from tradai.core.exceptions import ValidationError

# Beyond this, not every whole float is the integer it was written as.
_EXACT_FLOATS: Final = 2**53
# By default Python converts no integer of more than 4,300 digits to text.
_MOST_BITS: Final = 14_000
_EXPECTED: Final = "JSON values, finite decimals and aware datetimes"


def canonical_json(value: object) -> bytes:
    """Return the canonical JSON of `value`, in UTF-8.

    Keys are sorted. A decimal becomes its shortest plain text, an instant its ISO text in UTC,
    a whole float the integer it equals.

    >>> canonical_json({"b": 1.0, "a": Decimal("0.10")})
    b'{"a":"0.1","b":1}'

    Raises:
        ValidationError: `value` holds NaN, infinity, an integer of thousands of digits, a naive
            datetime, text that is not Unicode, or a type that JSON does not have.
    """
    text = json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _digest_error(found="text with lone surrogates") from None


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical JSON of `value`, in hex.

    Raises:
        ValidationError: As for `canonical_json`.
    """
    return hashlib.sha256(canonical_json(value)).hexdigest()


def files_digest(files: Iterable[tuple[str, bytes]]) -> str:
    """Return the SHA-256 over the names and contents of `files`, in hex.

    Args:
        files: Relative path with slashes, and bytes, of each file, in the order of `Path` objects.

    >>> files_digest([("trend.py", b"")])[:8]
    '6d007874'
    """
    content = hashlib.sha256()
    for name, data in files:
        content.update(f"{name}\0{len(data)}\0".encode())
        content.update(data)
    return content.hexdigest()


def version_id(value_digest: str) -> str:
    """Return the short name of a digest: ``v1-`` and its first eight digits."""
    return f"v1-{value_digest[:8]}"


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: object) -> object:
    match value:
        case None | bool() | str():
            return value
        case int() if value.bit_length() <= _MOST_BITS:
            return value
        case float() if math.isfinite(value):
            return int(value) if value.is_integer() and abs(value) < _EXACT_FLOATS else value
        case Decimal() if value.is_finite():
            return plain_text(value)
        case datetime() if value.utcoffset() is not None:
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case _:
            raise _digest_error(found=f"such a {type(value).__name__}")


def _key(key: object) -> str:
    if isinstance(key, str):
        return key
    raise _digest_error(found=f"a key that is a {type(key).__name__}")


def _digest_error(*, found: str) -> ValidationError:
    return ValidationError(f"cannot digest {found}: expected {_EXPECTED}", expected=_EXPECTED)
