"""Platform import path of caching; without tradai-cache the error names the extra."""

from tradai.common._optional import OptionalDistribution

with OptionalDistribution("cache"):
    from tradai.cache import (
        Cache,
        CachedDataRepository,
        CacheHook,
        CacheSettings,
        CacheStats,
        CacheUnavailableError,
        Namespace,
        PeekResult,
        candle,
    )

__all__ = [
    "Cache",
    "CacheHook",
    "CacheSettings",
    "CacheStats",
    "CacheUnavailableError",
    "CachedDataRepository",
    "Namespace",
    "PeekResult",
    "candle",
]
