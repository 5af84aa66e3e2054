"""Specification of a cached function, shared by all its calls, and the request of one call."""

import asyncio
import logging
from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Final, final

from tradai.cache._calls.signature import Signature, Values
from tradai.cache._codecs.codec import Codec
from tradai.cache._keys.digest import can_be_looked_up_by_equality
from tradai.cache._memory.cache_core import CacheCore
from tradai.cache._memory.memory_tier import Entry
from tradai.cache._options.freshness import Freshness
from tradai.cache._options.policy import Policy
from tradai.cache._stats import Counters
from tradai.cache._tier.shared_tier import CacheKey, Tier

_MAX_KEYS: Final = 10_000

_LOGGER: Final = logging.getLogger(__name__)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CachedSpec:
    """One cached function: how it is called, keyed, encoded and kept.

    Attributes:
        keys: Cache keys by the plain arguments of a call, which take less time to compare than a
            digest to compute.
    """

    core: CacheCore
    policy: Policy
    signature: Signature
    freshness: Freshness
    codec: Codec
    is_async: bool
    keys: dict[Values, CacheKey] = field(default_factory=dict)
    _warnings: list[Exception] = field(default_factory=list)

    @property
    def counters(self) -> Counters:
        """The counters of its namespace."""
        return self.policy.counters

    @property
    def tier(self) -> Tier | None:
        """The shared tier; None when there is none or the namespace is sensitive."""
        return None if self.policy.is_sensitive else self.core.tier

    @property
    def loop(self) -> AbstractEventLoop | None:
        """The event loop of a call made now; None for a call in a thread."""
        return asyncio.get_running_loop() if self.is_async else None

    def warn_unshared(self, error: Exception) -> None:
        """Log, the first time, that a value stays in this process because no codec takes it."""
        if not self._warnings:
            self._warnings.append(error)
            # Any other error is in the words of a model, and may show the value.
            reason = str(error) if isinstance(error, TypeError) else type(error).__name__
            extra = {"function": self.signature.identity, "reason": reason}
            _LOGGER.warning("a cached value is not shared with other processes", extra=extra)

    def finder(self) -> Callable[[Values, Mapping[str, object]], Entry | None]:
        """Return a function that finds the fresh and verified entry of a call in memory.

        It neither binds the arguments nor takes a lock: an entry that is dropped meanwhile is
        expired for every reader. Everything it needs is at hand, since it is most of a hit.
        """
        keys, counters, find = self.keys, self.counters, self.core.entries.get
        tier = self.core.generation_source

        def find_fresh(args: Values, kwargs: Mapping[str, object]) -> Entry | None:
            try:
                key = keys[_plain_arguments(args, kwargs) if kwargs else (args, *map(type, args))]
            except (KeyError, TypeError):  # a new call, or an argument without a hash
                return None
            entry = find(key)
            if entry is None or entry.fresh_until <= monotonic():
                return None
            if entry.generation != tier.generation:
                return None
            entry.was_used = True
            counters.memory += 1
            return entry

        return find_fresh

    def request(self, args: Values, kwargs: Mapping[str, object]) -> "CallRequest":
        """Return the request of a call.

        Raises:
            TypeError: An argument is missing, unknown or cannot be part of a key.
        """
        values = self.signature.values(args, kwargs)
        if not all(map(can_be_looked_up_by_equality, values)):
            return CallRequest(self, values, self._key(values))
        plain = _plain_arguments(args, kwargs)
        key = self.keys.get(plain)
        if key is None:
            if len(self.keys) >= _MAX_KEYS:
                self.keys.clear()
            key = self.keys[plain] = self._key(values)
        return CallRequest(self, values, key)

    def _key(self, values: Values) -> CacheKey:
        digest = self.signature.digest(values, self.codec.fingerprint)
        return CacheKey(self.policy.namespace, digest)


# Not frozen: one is made for every call that memory does not answer.
@final
@dataclass(slots=True, eq=False)
class CallRequest:
    """One call: the cached function, its arguments and their cache key."""

    spec: CachedSpec
    values: Values
    key: CacheKey


def _plain_arguments(args: Values, kwargs: Mapping[str, object]) -> Values:
    """Return the arguments as they were given, and their types: 1, 1.0 and True are equal."""
    if kwargs:
        given = tuple(kwargs.items())
        return (args, given, *map(type, args), *map(type, kwargs.values()))
    return (args, *map(type, args))
