"""Errors of the registry."""

from typing import final

from tradai.core import JsonObject
from tradai.core.exceptions import ExternalServiceError, TradingError


@final
class ModelIntegrityError(ExternalServiceError):
    """A version in the registry is not what was registered: its tags or files do not match."""

    code = "model_integrity"
    exit_code = 65

    def __init__(self, message: str, /) -> None:
        """Hold `message`, a sentence for people."""
        super().__init__(message, service="mlflow", operation="resolve")


@final
class StaleModelError(ExternalServiceError):
    """The server cannot be reached, and what was resolved before may not be used in its place.

    Attributes:
        age_s: Age in seconds of what was resolved last; None when nothing is kept here.
    """

    code = "stale_model"

    def __init__(self, message: str, /, *, age_s: float | None) -> None:
        """Say how old the last answer is."""
        super().__init__(message, service="mlflow", operation="resolve", retryable=True)
        self.age_s = age_s


@final
class PromotionRefusedError(TradingError):
    """A gate refused a promotion; the alias is as it was.

    Attributes:
        report: Report of the gates, as JSON; the message is the same for people.
    """

    code = "promotion_refused"

    def __init__(self, message: str, /, *, report: JsonObject) -> None:
        """Hold the report of the gates."""
        super().__init__(message, reason="promotion")
        self.report = report
