"""Specification of a cached function, shared by all its calls, and the request of one call."""

import asyncio
from asyncio import AbstractEventLoop
from dataclasses import dataclass, field
from typing import Final, final

from tradai.cache._calls.signature import Signature, Values
from tradai.cache._codecs.codec import Codec
from tradai.cache._memory.cache_core import CacheCore
from tradai.cache._memory.memory_tier import Entry
from tradai.cache._options.freshness import Freshness
from tradai.cache._options.policy import Policy
from tradai.cache._stats import Counters
from tradai.cache._tier.shared_tier import CacheKey, Tier

_MAX_KEYS: Final = 10_000


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CachedSpec:
    """One cached function: how it is called, keyed, encoded and kept.

    Attributes:
        aliases: Entries by the plain arguments of a call, for the fast path.
        keys: Cache keys by the same, so that an evicted value needs no new digest.
    """

    core: CacheCore
    policy: Policy
    signature: Signature
    freshness: Freshness
    codec: Codec
    is_async: bool
    aliases: dict[Values, Entry] = field(default_factory=dict)
    keys: dict[Values, CacheKey] = field(default_factory=dict)

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

    def request(self, values: Values) -> "CallRequest":
        """Return the request of a call with the arguments `values`.

        Raises:
            TypeError: A value cannot be part of a key.
        """
        alias = self.signature.alias(values)
        key = None if alias is None else self.keys.get(alias)
        if key is None:
            digest = self.signature.digest(values, self.codec.fingerprint)
            key = CacheKey(self.policy.namespace, digest)
            self._remember(alias, key)
        return CallRequest(self, values, key, alias)

    def _remember(self, alias: Values | None, key: CacheKey) -> None:
        if len(self.keys) >= _MAX_KEYS:
            self.keys.clear()
        if alias is not None:
            self.keys[alias] = key


# Not frozen: one is made for every call that the fast path does not answer.
@final
@dataclass(slots=True, eq=False)
class CallRequest:
    """One call: the cached function, its arguments and their cache key."""

    spec: CachedSpec
    values: Values
    key: CacheKey
    alias: Values | None

    def on_hit(self, entry: Entry) -> None:
        """Let the fast path find `entry` from now on."""
        if self.alias is not None:
            entry.add_alias(self.spec.aliases, self.alias)
