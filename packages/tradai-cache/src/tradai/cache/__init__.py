"""Public names of tradai.cache: compute-once caching in memory and Redis, leases and sessions."""

from tradai.core import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.cache._cache import Cache as Cache
    from tradai.cache._calls.lookup import PeekResult as PeekResult
    from tradai.cache._candles.repository import CachedDataRepository as CachedDataRepository
    from tradai.cache._decorator.namespace import Namespace as Namespace
    from tradai.cache._errors import CacheUnavailableError as CacheUnavailableError
    from tradai.cache._lease.lease_store import RedisLeaseStore as RedisLeaseStore
    from tradai.cache._lease.session_store import RedisSessionStore as RedisSessionStore
    from tradai.cache._options.freshness import candle as candle
    from tradai.cache._options.settings import CacheSettings as CacheSettings
    from tradai.cache._stats import CacheHook as CacheHook, CacheStats as CacheStats

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "_cache": "Cache",
            "_calls.lookup": "PeekResult",
            "_candles.repository": "CachedDataRepository",
            "_decorator.namespace": "Namespace",
            "_errors": "CacheUnavailableError",
            "_lease.lease_store": "RedisLeaseStore",
            "_lease.session_store": "RedisSessionStore",
            "_options.freshness": "candle",
            "_options.settings": "CacheSettings",
            "_stats": "CacheHook CacheStats",
        },
    )
