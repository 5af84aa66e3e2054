"""Door of tradai.cache: where values that are dear to compute are kept."""

from tradai.core import lazy_door

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.cache._cache import Cache as Cache
    from tradai.cache._calls import Held as Held
    from tradai.cache._errors import CacheUnavailableError as CacheUnavailableError
    from tradai.cache._freshness import candle as candle
    from tradai.cache._namespaces import Namespace as Namespace
    from tradai.cache._repository import CachedDataRepository as CachedDataRepository
    from tradai.cache._settings import CacheSettings as CacheSettings
    from tradai.cache._stats import CacheHook as CacheHook
    from tradai.cache._stats import CacheStats as CacheStats

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

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_door(
        __name__,
        {
            "Cache": "_cache",
            "CacheHook": "_stats",
            "CacheSettings": "_settings",
            "CacheStats": "_stats",
            "CacheUnavailableError": "_errors",
            "CachedDataRepository": "_repository",
            "Held": "_calls",
            "Namespace": "_namespaces",
            "candle": "_freshness",
        },
    )
