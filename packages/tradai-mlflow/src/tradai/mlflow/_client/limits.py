"""Values that every version of MLflow keeps; a longer text is cut by the server in silence."""

import math
from hashlib import sha256
from typing import Final

from tradai.core.exceptions import ValidationError
from tradai.mlflow._http.errors import LimitExceededError

PARAM_LENGTH: Final = 6_000
TAG_LENGTH: Final = 8_000
KEY_LENGTH: Final = 250
# Folder, below that of the run, of values that are too long for a server.
LONG_VALUES: Final = "long-values"


def check_length(kind: str, key: str, text: str, limit: int) -> None:
    """Refuse a text of more than `limit` characters.

    Args:
        kind: Kind of text, such as ``tag``.
        key: Its name, or the start of it.
        text: The text.
        limit: Largest number of characters.

    Raises:
        LimitExceededError: It is longer.
        ValidationError: It is not a text.
    """
    check_text(kind, key, text)
    if len(text) > limit:
        name = f"the {kind} {key[:40]!r}"
        message = (
            f"{name} has {len(text)} characters, and MLflow keeps {limit}: shorten it, or log it "
            "as an artifact"
        )
        error = LimitExceededError(message, operation="check_length")
        error.field, error.limit, error.actual = name, limit, len(text)
        raise error


def check_text(kind: str, key: object, text: object) -> None:
    """Refuse a value that is not a text, with its `kind` and its name `key`.

    Raises:
        ValidationError: It has another type.
    """
    if not isinstance(text, str):
        message = f"the {kind} {key!r} is of type {type(text).__name__}: expected text"
        raise ValidationError(message, field=kind, expected="text")


def spilled(text: str) -> tuple[str, str]:
    """Return the artifact that keeps a text too long for a server, and the value in its place."""
    digest = sha256(text.encode()).hexdigest()
    path = f"{LONG_VALUES}/{digest[:16]}.txt"
    return path, f"sha256:{digest} of {len(text)} characters in {path}"


def metric_value(key: str, value: float) -> float:
    """Return the value of the metric `key`, which may be NaN or infinite.

    Raises:
        ValidationError: It is not a number, or one that no float can hold.
    """
    try:
        # Without this, a text would be taken for the number that it shows.
        math.isfinite(value)
        return float(value)
    except (TypeError, ValueError, OverflowError):
        expected = "a number that a float can hold"
        found = f"{type(value).__name__} as the value of the metric {key!r} is not usable"
        raise ValidationError(
            f"{found}: expected {expected}", field=key, expected=expected
        ) from None
