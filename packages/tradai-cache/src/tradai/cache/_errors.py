"""Errors of the cache."""

from typing import final

from tradai.core.exceptions import ExternalServiceError

__all__ = ["CacheUnavailableError"]


@final
class CacheUnavailableError(ExternalServiceError):
    """The shared cache is away, and the namespace allows no value that it cannot vouch for.

    Attributes:
        namespace: Name and version of the namespace, for example ``"markets.2"``.
    """

    code = "cache_unavailable"

    def __init__(self, message: str, /, *, namespace: str) -> None:
        """Name the `namespace` whose policy refuses."""
        super().__init__(message, service="cache", operation="fetch", retryable=True)
        self.namespace = namespace
