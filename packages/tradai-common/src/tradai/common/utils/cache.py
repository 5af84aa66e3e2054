"""Seed path of caching; its import names the extra when that is not installed."""

from tradai.common._slices import OptionalSlice

with OptionalSlice("cache"):
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
