"""`Cache`: cached functions over process memory and, with an address, a shared Redis."""

import weakref
from functools import cache
from typing import TYPE_CHECKING, Final, Self, final

from tradai.cache._decorator.namespace import Decorator, Namespace
from tradai.cache._memory.cache_core import CacheCore
from tradai.cache._memory.memory_tier import MemoryTier
from tradai.cache._options.freshness import Candle
from tradai.cache._options.policy import OnOutage, Policy
from tradai.cache._stats import CacheHook, CacheStats
from tradai.cache._tier.background import run_in_background
from tradai.core import ForkLock, resolve_secret
from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    from tradai.cache._options.settings import CacheSettings

_DEFAULT: Final = "default"


@final
class Cache:
    """Cache function results in the memory of this process and, with Redis, for the whole fleet.

    One object serves threads and the tasks of any number of event loops. It connects on first use.
    The key of a value is the function, the types and contents of its arguments, and the shape of
    its return annotation.

    >>> cache = Cache()
    >>> @cache.cached(ttl=60.0)
    ... def square(number: int) -> int:
    ...     return number * number
    >>> square(3), square(3), cache.stats().loads
    (9, 9, 1)
    """

    def __init__(
        self,
        uri: str = "memory:",
        *,
        max_entries: int = 10_000,
        max_bytes: int = 256_000_000,
        hook: CacheHook | None = None,
    ) -> None:
        """Create a cache at `uri`.

        Args:
            uri: ``memory:`` for this process alone, ``redis://HOST[:PORT][/DATABASE]``, or
                ``rediss://`` for TLS. User, password and signing key are read from the
                environment by `CacheSettings`.
            max_entries: Maximum number of values in the memory of this process.
            max_bytes: Maximum of their estimated size, in bytes.
            hook: Called on loads, stale answers and outages.

        Raises:
            ValidationError: `uri` is not a cache address, or a bound is not above zero.
            ConfigurationError: An environment variable of `CacheSettings` is not usable.
        """
        memory = MemoryTier(
            max_entries=_positive("max_entries", max_entries),
            max_bytes=_positive("max_bytes", max_bytes),
        )
        self._core = CacheCore(memory, hook=hook)
        self._lock = ForkLock()
        self._namespaces: dict[str, Namespace] = {}
        self._policies: dict[str, Policy] = {}
        self._default = self.namespace(_DEFAULT)
        if uri != "memory:":
            self._connect(_settings_of(uri))

    @classmethod
    def from_settings(
        cls,
        settings: "CacheSettings",
        *,
        max_entries: int = 10_000,
        max_bytes: int = 256_000_000,
        hook: CacheHook | None = None,
    ) -> Self:
        """Return the cache that `settings` describe, in memory when they name no address.

        The other arguments are those of the constructor.
        """
        made = cls(max_entries=max_entries, max_bytes=max_bytes, hook=hook)
        if settings.url not in {None, "memory:"}:
            made._connect(settings)
        return made

    def cached(
        self, *, ttl: float | Candle, jitter: float = 0.0, stale_for: float = 0.0
    ) -> Decorator:
        """Return the decorator of the namespace ``default``; see `Namespace.cached`."""
        return self._default.cached(ttl=ttl, jitter=jitter, stale_for=stale_for)

    def namespace(
        self,
        name: str,
        *,
        version: int = 1,
        on_outage: OnOutage = "fail_open",
        is_sensitive: bool = False,
    ) -> Namespace:
        """Return the namespace of this name and version, the same object on every call.

        Args:
            name: ASCII letters, digits, ``_`` and ``-``; 64 at most.
            version: Versions do not share values: raise it when functions return other values
                in a way that their types do not show.
            on_outage: While the shared tier is away, ``fail_open`` loads in this process;
                ``stale_only`` never loads, and serves values in memory until their ttl and
                ``stale_for`` are over; ``fail_closed`` serves no value that cannot be verified.
            is_sensitive: Keep all values in memory only.

        Raises:
            ValidationError: An argument is not usable, or the namespace exists with other rules.
        """
        policy = Policy.of(name, version=version, on_outage=on_outage, is_sensitive=is_sensitive)
        with self._lock:
            if self._policies.setdefault(policy.namespace, policy) != policy:
                expected = "the rules it was created with"
                message = f"namespace {policy.namespace} has other rules: expected {expected}"
                raise ValidationError(message, field="name", expected=expected)
            known = self._namespaces.get(policy.namespace)
            return known or self._namespaces.setdefault(
                policy.namespace, Namespace(self._core, policy)
            )

    def stats(self) -> CacheStats:
        """Return the counts of this process so far, all namespaces together."""
        with self._lock:
            namespaces = tuple(self._namespaces.values())
        return CacheStats.total(namespace.stats() for namespace in namespaces)

    def close(self) -> None:
        """Close connections and threads; closing twice has no effect.

        Cached functions go on with the values in memory, as while the shared tier is away.
        """
        if self._core.tier is not None:
            self._core.tier.close()

    def _connect(self, settings: "CacheSettings") -> None:
        # The only import of redis: a cache in memory does not pay for it.
        from tradai.cache._redis.tier import connect

        # Its thread must not keep alive a cache, and the functions of one, that are gone.
        tier = connect(settings, events=weakref.proxy(self._core))
        self._core.tier = tier
        # In a thread: the garbage collector runs anywhere, also where a lock of the tier is held.
        weakref.finalize(self._core, run_in_background, tier.close).atexit = False
        reference = settings.key
        if reference is not None:
            # Resolved when the first value is shared, and only once.
            self._core.signing_key = cache(lambda: resolve_secret(reference).reveal().encode())


def _settings_of(uri: str) -> "CacheSettings":
    from tradai.cache._options.address import parse_address
    from tradai.cache._options.settings import CacheSettings

    parse_address(uri)  # first: the settings would raise a configuration error
    return CacheSettings(url=uri)


def _positive(name: str, bound: int) -> int:
    if type(bound) is not int or bound <= 0:
        expected = "a whole number above zero"
        message = f"{name} {bound!r} is not usable: expected {expected}"
        raise ValidationError(message, field=name, expected=expected)
    return bound
