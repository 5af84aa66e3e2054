"""What was decorated, and how: everything that calls of one cached function have in common."""

import asyncio
from asyncio import AbstractEventLoop
from dataclasses import dataclass, field
from typing import Final, final

from tradai.cache._calls.signature import Signature, Values
from tradai.cache._codecs.codec import Codec
from tradai.cache._memory.engine import Engine
from tradai.cache._memory.memory_tier import Entry
from tradai.cache._options.freshness import Freshness
from tradai.cache._options.policy import Policy
from tradai.cache._stats import Counters
from tradai.cache._tier.shared_tier import CacheKey, Tier

__all__ = ["CachedSpec", "CallRequest"]

_MAX_KEYS: Final = 10_000


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CachedSpec:
    """One cached function.

    Attributes:
        aliases: Entries by the arguments of calls as they are, for the quick way.
        places: Places by the same, so that what was evicted needs no digest again.
    """

    engine: Engine
    policy: Policy
    signature: Signature
    freshness: Freshness
    codec: Codec
    is_async: bool
    aliases: dict[Values, Entry] = field(default_factory=dict)
    keys: dict[Values, CacheKey] = field(default_factory=dict)

    @property
    def counters(self) -> Counters:
        """Where calls are counted."""
        return self.policy.counters

    @property
    def tier(self) -> Tier | None:
        """Where values are shared; sensitive ones are not."""
        return None if self.policy.is_sensitive else self.engine.tier

    @property
    def loop(self) -> AbstractEventLoop | None:
        """Where a call runs that is made now; None for a thread."""
        return asyncio.get_running_loop() if self.is_async else None

    def request(self, values: Values) -> "CallRequest":
        """Return the request for the answer to `values`.

        Raises:
            TypeError: A value is unkeyable.
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


# Not frozen: one is made for every call that the quick way has no answer for.
@final
@dataclass(slots=True, eq=False)
class CallRequest:
    """One cached function with its arguments."""

    spec: CachedSpec
    values: Values
    key: CacheKey
    alias: Values | None

    def on_hit(self, entry: Entry) -> None:
        """Let the quick way find `entry` from now on."""
        if self.alias is not None:
            entry.alias(self.spec.aliases, self.alias)
