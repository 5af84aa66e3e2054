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
from tradai.cache._tier.shared_tier import Place, Tier

__all__ = ["Recipe", "Request"]

_MOST_PLACES: Final = 10_000


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
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
    places: dict[Values, Place] = field(default_factory=dict)

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

    def request(self, values: Values) -> "Request":
        """Return the request for the answer to `values`.

        Raises:
            TypeError: A value is unkeyable.
        """
        alias = self.signature.alias(values)
        place = None if alias is None else self.places.get(alias)
        if place is None:
            digest = self.signature.digest(values, self.codec.fingerprint)
            place = Place(self.policy.namespace, digest)
            self._remember(alias, place)
        return Request(self, values, place, alias)

    def _remember(self, alias: Values | None, place: Place) -> None:
        if len(self.places) >= _MOST_PLACES:
            self.places.clear()
        if alias is not None:
            self.places[alias] = place


# Not frozen: one is made for every call that the quick way has no answer for.
@final
@dataclass(slots=True, eq=False)
class Request:
    """One cached function with its arguments."""

    recipe: Recipe
    values: Values
    place: Place
    alias: Values | None

    def seen(self, entry: Entry) -> None:
        """Let the quick way find `entry` from now on."""
        if self.alias is not None:
            entry.alias(self.recipe.aliases, self.alias)
