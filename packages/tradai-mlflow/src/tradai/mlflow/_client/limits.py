"""Lengths that every version of MLflow keeps; longer values are cut by the server in silence."""

from typing import Final

from tradai.mlflow._http.errors import LimitExceededError

PARAM_LENGTH: Final = 6_000
TAG_LENGTH: Final = 8_000
KEY_LENGTH: Final = 250


def check_length(kind: str, key: str, text: str, limit: int) -> None:
    """Refuse a text of more than `limit` characters.

    Args:
        kind: Kind of text, such as ``tag``.
        key: Its name, or the start of it.
        text: The text.
        limit: Largest number of characters.

    Raises:
        LimitExceededError: It is longer.
    """
    if len(text) > limit:
        name = f"the {kind} {key[:40]!r}"
        message = (
            f"{name} has {len(text)} characters, and MLflow keeps {limit}: shorten it, or log it "
            "as an artifact"
        )
        error = LimitExceededError(message, operation="check_length")
        error.field, error.limit, error.actual = name, limit, len(text)
        raise error
