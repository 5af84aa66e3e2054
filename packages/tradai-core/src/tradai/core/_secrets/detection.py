"""What looks like a secret in a configuration, by the names on its path or by its shape."""

import re
from collections.abc import Sequence
from typing import Final

from tradai.core._documents.json_values import JsonValue
from tradai.core._secrets.redaction import redact
from tradai.core._secrets.sensitive_keys import names_secret

__all__ = ["looks_like_secret"]

_REFERENCE: Final = re.compile(r"(?:env|file|aws-sm):\S+")
# What Binance issues. A digest in hex has the same length, but only small letters and digits.
_EXCHANGE_KEY: Final = re.compile(r"(?![0-9a-f]+\Z)[A-Za-z0-9]{64}")


def looks_like_secret(path: Sequence[str | int], value: JsonValue) -> bool:
    """Tell whether the leaf `value` at `path` should not be in a configuration.

    A reference such as ``env:NAME`` stands for a secret and is none.

    >>> looks_like_secret(["exchange", "apiKey"], "not-a-real-key")
    True
    """
    if isinstance(value, str):
        is_open = bool(value) and not _REFERENCE.fullmatch(value)
        return is_open and (_has_secret_shape(value) or _is_named(path))
    return isinstance(value, int | float) and not isinstance(value, bool) and _is_named(path)


def _is_named(path: Sequence[str | int]) -> bool:
    return any(names_secret(step) for step in path if isinstance(step, str))


def _has_secret_shape(text: str) -> bool:
    return redact(text) != text or _EXCHANGE_KEY.fullmatch(text) is not None
