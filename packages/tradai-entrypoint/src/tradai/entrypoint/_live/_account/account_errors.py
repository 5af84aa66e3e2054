"""Errors of signed requests, one for each next step of the caller."""

from typing import final

from tradai.core.exceptions import ConfigurationError, ExternalServiceError


@final
class KeyRefusedError(ConfigurationError):
    """The exchange refuses the key: it is wrong, or lacks a right."""

    code = "key_refused"


@final
class ExchangeRateLimitedError(ExternalServiceError):
    """The exchange must be left alone for a while; the request had no effect.

    Attributes:
        retry_after_s: Seconds until requests are answered again.
    """

    code = "rate_limited"

    def __init__(
        self, message: str, /, *, service: str, operation: str, retry_after_s: float
    ) -> None:
        """Keep `retry_after_s`."""
        super().__init__(message, service=service, operation=operation, retryable=True)
        self.retry_after_s = retry_after_s


@final
class OrderRefusedError(ExternalServiceError):
    """The exchange refused to place or cancel an order; nothing changed.

    Attributes:
        reason: The exchange's code for the reason.
    """

    code = "order_refused"

    def __init__(self, message: str, /, *, service: str, operation: str, reason: str) -> None:
        """Keep the `reason`."""
        super().__init__(message, service=service, operation=operation)
        self.reason = reason


@final
class OutcomeUnknownError(ExternalServiceError):
    """An order may have been placed or cancelled: read it before anything else is done.

    Attributes:
        client_order_id: The id by which the order is found.
    """

    code = "outcome_unknown"

    def __init__(
        self, message: str, /, *, service: str, operation: str, client_order_id: str
    ) -> None:
        """Keep the `client_order_id`."""
        super().__init__(message, service=service, operation=operation)
        self.client_order_id = client_order_id
