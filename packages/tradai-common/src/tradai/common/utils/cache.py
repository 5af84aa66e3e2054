"""Platform import path of caching; without tradai-cache the error names the extra."""

from tradai.common._slices import OptionalSlice

with OptionalSlice("cache"):
    from tradai.cache import (
        Cache,
        CachedDataRepository,
        CacheHook,
        CacheSettings,
        CacheStats,
        CacheUnavailableError,
        Held,
        Namespace,
        candle,
    )

__all__ = [
    "Cache",
    "CacheHook",
    "CacheSettings",
    "CacheStats",
    "CacheUnavailableError",
    "CachedDataRepository",
    "Held",
    "Namespace",
    "candle",
]
