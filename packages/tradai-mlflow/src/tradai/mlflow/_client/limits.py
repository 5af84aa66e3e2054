"""Lengths that every version of MLflow keeps; longer values are cut by the server in silence."""

from typing import Final

from tradai.mlflow._http.errors import LimitExceededError

PARAM_LENGTH: Final = 6_000
TAG_LENGTH: Final = 8_000
KEY_LENGTH: Final = 250


def check_length(name: str, text: str, limit: int) -> None:
    """Refuse a text of more than `limit` characters.

    Raises:
        LimitExceededError: It is longer.
    """
    if len(text) > limit:
        message = (
            f"{name} has {len(text)} characters, and MLflow keeps {limit}: shorten it, or log it "
            "as an artifact"
        )
        error = LimitExceededError(message, operation="check_length")
        error.field, error.limit, error.actual = name, limit, len(text)
        raise error
