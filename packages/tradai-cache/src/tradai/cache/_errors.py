"""`CacheUnavailableError`: the shared cache is away and the policy allows no value."""

from typing import final

from tradai.core.exceptions import ExternalServiceError


@final
class CacheUnavailableError(ExternalServiceError):
    """The shared cache is away, and the policy of the namespace allows no unverified value.

    Attributes:
        namespace: Name and version of the namespace, for example ``"markets.2"``.
    """

    code = "cache_unavailable"

    def __init__(self, message: str, /, *, namespace: str) -> None:
        """Record the `namespace` whose policy refused."""
        super().__init__(message, service="cache", operation="fetch", retryable=True)
        self.namespace = namespace
