"""The cache: what is dear to compute is computed once, and never served wrong."""

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Final, Self, final

from tradai.cache._decorator.namespace import Decorator, Namespace
from tradai.cache._memory.engine import Engine
from tradai.cache._memory.memory_tier import MemoryTier
from tradai.cache._options.freshness import Candle
from tradai.cache._options.policy import OnOutage, Policy
from tradai.cache._stats import CacheHook, CacheStats
from tradai.core import resolve_secret
from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    from tradai.cache._options.settings import CacheSettings

__all__ = ["Cache"]

_DEFAULT: Final = "default"


@final
class Cache:
    """Values in the memory of this process and, with Redis, in the whole fleet.

    One object serves threads and tasks, of any number of event loops. It connects when it is first
    used. A value is known by the function, its arguments by type and content, and the shape of
    what it returns.

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
        """Keep values where `uri` says.

        Args:
            uri: ``memory:`` for this process alone, ``redis://HOST[:PORT][/DATABASE]``, or
                ``rediss://`` for TLS. Who connects, and with which key values are signed, is
                read from the environment as `CacheSettings` says.
            max_entries: How many values this process holds in memory.
            max_bytes: And how many bytes of them, by estimate.
            hook: Is told of loads, stale answers and outages.

        Raises:
            ValidationError: `uri` is no address of a cache, or a bound is not above zero.
            ConfigurationError: A variable of `CacheSettings` is not usable.
        """
        local = MemoryTier(
            max_entries=_positive("max_entries", max_entries),
            max_bytes=_positive("max_bytes", max_bytes),
        )
        self._engine = Engine(local, hook=hook)
        self._lock = Lock()
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
        """Return the cache that `settings` describe; in memory when they name no address.

        The other arguments are those of the constructor.
        """
        made = cls(max_entries=max_entries, max_bytes=max_bytes, hook=hook)
        if settings.url not in {None, "memory:"}:
            made._connect(settings)
        return made

    def cached(
        self, *, ttl: float | Candle, jitter: float = 0.0, stale_for: float = 0.0
    ) -> Decorator:
        """Return a decorator as `Namespace.cached` does, of the namespace ``default``."""
        return self._default.cached(ttl=ttl, jitter=jitter, stale_for=stale_for)

    def namespace(
        self,
        name: str,
        *,
        version: int = 1,
        on_outage: OnOutage = "fail_open",
        is_sensitive: bool = False,
    ) -> Namespace:
        """Return the namespace of this name and version; the same one every time.

        Args:
            name: ASCII letters, digits, ``_`` and ``-``; 64 at most.
            version: Values of another version are other values: raise it when what functions
                return has changed in a way that their types do not show.
            on_outage: While the shared tier is away, ``fail_open`` loads here; ``stale_only``
                never loads, and serves what memory still holds within its time and ``stale_for``;
                ``fail_closed`` serves nothing that cannot be verified.
            is_sensitive: Keep values in memory only, whatever they are.

        Raises:
            ValidationError: An argument is not usable, or the namespace is there with other rules.
        """
        policy = Policy.of(name, version=version, on_outage=on_outage, is_sensitive=is_sensitive)
        with self._lock:
            if self._policies.setdefault(policy.namespace, policy) != policy:
                expected = "the rules it was first asked for with"
                message = f"namespace {policy.namespace} has other rules: expected {expected}"
                raise ValidationError(message, field="name", expected=expected)
            known = self._namespaces.get(policy.namespace)
            return known or self._namespaces.setdefault(
                policy.namespace, Namespace(self._engine, policy)
            )

    def stats(self) -> CacheStats:
        """Return what was counted in this process so far, all namespaces together."""
        with self._lock:
            namespaces = tuple(self._namespaces.values())
        return CacheStats.total(namespace.stats() for namespace in namespaces)

    def close(self) -> None:
        """Let go of connections and threads; closing twice is no error.

        Cached functions go on with what is in memory, as while the shared tier is away.
        """
        if self._engine.tier is not None:
            self._engine.tier.close()

    def _connect(self, settings: "CacheSettings") -> None:
        # The one place that costs the import of redis.
        from tradai.cache._redis.tier import connect

        self._engine.tier = connect(settings, events=self._engine)
        reference = settings.key
        if reference is not None:
            # Asked for when the first value is shared, and then known.
            self._engine.key = cache(lambda: resolve_secret(reference).reveal().encode())


def _settings_of(uri: str) -> "CacheSettings":
    from tradai.cache._options.address import parse_address
    from tradai.cache._options.settings import CacheSettings

    parse_address(uri)  # before the settings do, whose errors are about configuration
    return CacheSettings(url=uri)


def _positive(name: str, bound: int) -> int:
    if type(bound) is not int or bound <= 0:
        expected = "a whole number above zero"
        message = f"{name} {bound!r} is not usable: expected {expected}"
        raise ValidationError(message, field=name, expected=expected)
    return bound
