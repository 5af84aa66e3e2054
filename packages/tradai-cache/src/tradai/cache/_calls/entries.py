"""How values become entries in memory and sealed bytes for the shared tier, and come back."""

import time
from dataclasses import dataclass
from time import monotonic
from typing import Final, final

from tradai.cache._calls.cached_spec import Request
from tradai.cache._codecs.codec import Codec, Uncacheable, Undecodable
from tradai.cache._codecs.envelope import Envelope, Payload, seal, unseal
from tradai.cache._memory.copying import hand_out_for, isolated, size_of
from tradai.cache._memory.memory_tier import Entry

__all__ = ["Fetched", "fetched", "loaded", "sealed"]

# Redis counts in milliseconds.
_LEAST_S: Final = 0.001
# What is smaller than this as bytes is kept as bytes, and assumed to be so much larger as a value.
_SMALL: Final = 4_096
_GROWTH: Final = 8


def loaded(request: Request, value: object, *, generation: int, fresh_s: float) -> Entry:
    """Return an entry with a copy of `value`, which its source may still change.

    Raises:
        TypeError: It cannot be copied.
    """
    kept = isolated(value)
    entry = _entry(request, kept, generation=generation, fresh_s=fresh_s)
    entry.hand_out, entry.size = hand_out_for(kept), size_of(kept)
    return entry


@final
@dataclass(slots=True, eq=False)
class Fetched:
    """A value for one caller, and an entry for all others."""

    value: object
    entry: Entry

    def taken(self) -> object:
        """Return the value."""
        return self.value


def fetched(request: Request, data: bytes, *, generation: int) -> Fetched | None:
    """Return what the shared tier keeps; None when it is poisoned."""
    recipe = request.recipe
    envelope = unseal(data, identity=request.place.identity, key=recipe.engine.key())
    if envelope is None:
        return None
    try:
        value = recipe.codec.decode(envelope.payload)
    except Undecodable:
        return None
    now_s = time.time()
    # The tier's own clock says that it is kept; ours, or the writer's, may be wrong by any amount.
    own_s = recipe.freshness.fresh_s(began_s=now_s, ended_s=now_s)
    fresh_s = min(own_s, max(0.0, envelope.fresh_until_ms / 1_000 - now_s))
    entry = _entry(request, value, generation=generation, fresh_s=fresh_s)
    entry.loaded_at -= max(0.0, now_s - envelope.loaded_ms / 1_000)
    if len(envelope.payload) < _SMALL:
        # The bytes are kept, which nobody can change: to make a value of them once more, if
        # somebody asks again, takes less than to see now how to copy and to measure this one.
        entry.hand_out = _Unpacking(entry, recipe.codec, envelope.payload)
        entry.value, entry.size = None, _GROWTH * len(envelope.payload)
        return Fetched(value, entry)
    entry.hand_out, entry.size = hand_out_for(value), size_of(value)
    return Fetched(entry.handed_out(), entry)


def sealed(request: Request, entry: Entry) -> bytes | None:
    """Return what was loaded for the shared tier; None when it is to stay here.

    Raises:
        TypeError: No codec takes it.
        ValueError: The same, in the words of a model.
    """
    recipe, now_s = request.recipe, time.time()
    left_s = entry.fresh_until - monotonic()
    if left_s < _LEAST_S:
        return None
    try:
        payload = recipe.codec.encode(entry.value)
    except Uncacheable:
        return None
    envelope = Envelope(
        payload=payload,
        loaded_ms=int(now_s * 1_000),
        fresh_until_ms=int((now_s + left_s) * 1_000),
        keep_until_ms=int((now_s + left_s + recipe.freshness.stale_for_s) * 1_000),
    )
    return seal(envelope, identity=request.place.identity, key=recipe.engine.key())


@final
class _Unpacking:
    """Makes a value of the bytes in an entry, and from then on leaves the entry alone."""

    __slots__ = ("_codec", "_entry", "_payload")

    def __init__(self, entry: Entry, codec: Codec, payload: Payload) -> None:
        self._entry = entry
        self._codec = codec
        self._payload = payload

    def __call__(self, _: object) -> object:
        """Return a value of its own; what the entry held is not looked at, as it may be newer."""
        value = self._codec.decode(self._payload)
        hand_out = hand_out_for(value)
        # In this order: whoever reads both at the same time has what belongs together.
        self._entry.value = value
        self._entry.hand_out = hand_out
        return value if hand_out is None else hand_out(value)


def _entry(request: Request, value: object, *, generation: int, fresh_s: float) -> Entry:
    now = monotonic()
    stale_s = request.recipe.freshness.stale_for_s if fresh_s > 0 else 0.0
    return Entry(
        request.place,
        value,
        generation=generation,
        loaded_at=now,
        fresh_until=now + fresh_s,
        keep_until=now + fresh_s + stale_s,
    )
