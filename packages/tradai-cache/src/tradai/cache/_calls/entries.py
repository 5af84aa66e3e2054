"""How values become entries in memory and sealed bytes for the shared tier, and come back."""

import time
from dataclasses import dataclass
from time import monotonic
from typing import Final, final

from tradai.cache._calls.cached_spec import CallRequest
from tradai.cache._codecs.codec import Codec, Uncacheable, Undecodable
from tradai.cache._codecs.envelope import Envelope, Payload, seal, unseal
from tradai.cache._memory.copying import copier_for, private_copy, size_of
from tradai.cache._memory.memory_tier import Entry

__all__ = ["Fetched", "fetched", "loaded", "sealed"]

# Redis counts in milliseconds.
_LEAST_S: Final = 0.001
# What is smaller than this as bytes is kept as bytes, and assumed to be so much larger as a value.
_SMALL: Final = 4_096
_GROWTH: Final = 8


def loaded(request: CallRequest, value: object, *, generation: int, fresh_s: float) -> Entry:
    """Return an entry with a copy of `value`, which its source may still change.

    Raises:
        TypeError: It cannot be copied.
    """
    kept = private_copy(value)
    entry = _entry(request, kept, generation=generation, fresh_s=fresh_s)
    entry.copier, entry.size = copier_for(kept), size_of(kept)
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


def fetched(request: CallRequest, data: bytes, *, generation: int) -> Fetched | None:
    """Return what the shared tier keeps; None when it is poisoned."""
    spec = request.spec
    envelope = unseal(data, identity=request.key.identity, key=spec.engine.key())
    if envelope is None:
        return None
    try:
        value = spec.codec.decode(envelope.payload)
    except Undecodable:
        return None
    now_s = time.time()
    # The tier's own clock says that it is kept; ours, or the writer's, may be wrong by any amount.
    own_s = spec.freshness.fresh_s(began_s=now_s, ended_s=now_s)
    fresh_s = min(own_s, max(0.0, envelope.fresh_until_ms / 1_000 - now_s))
    entry = _entry(request, value, generation=generation, fresh_s=fresh_s)
    entry.loaded_at -= max(0.0, now_s - envelope.loaded_ms / 1_000)
    if len(envelope.payload) < _SMALL:
        # The bytes are kept, which nobody can change: to make a value of them once more, if
        # somebody asks again, takes less than to see now how to copy and to measure this one.
        entry.copier = _LazyDecoder(entry, spec.codec, envelope.payload)
        entry.value, entry.size = None, _GROWTH * len(envelope.payload)
        return Fetched(value, entry)
    entry.copier, entry.size = copier_for(value), size_of(value)
    return Fetched(entry.get_value(), entry)


def sealed(request: CallRequest, entry: Entry) -> bytes | None:
    """Return what was loaded for the shared tier; None when it is to stay here.

    Raises:
        TypeError: No codec takes it.
        ValueError: The same, in the words of a model.
    """
    spec, now_s = request.spec, time.time()
    left_s = entry.fresh_until - monotonic()
    if left_s < _LEAST_S:
        return None
    try:
        payload = spec.codec.encode(entry.value)
    except Uncacheable:
        return None
    envelope = Envelope(
        payload=payload,
        loaded_ms=int(now_s * 1_000),
        fresh_until_ms=int((now_s + left_s) * 1_000),
        keep_until_ms=int((now_s + left_s + spec.freshness.stale_for_s) * 1_000),
    )
    return seal(envelope, identity=request.key.identity, key=spec.engine.key())


@final
class _LazyDecoder:
    """Makes a value of the bytes in an entry, and from then on leaves the entry alone."""

    __slots__ = ("_codec", "_entry", "_payload")

    def __init__(self, entry: Entry, codec: Codec, payload: Payload) -> None:
        self._entry = entry
        self._codec = codec
        self._payload = payload

    def __call__(self, _: object) -> object:
        """Return a value of its own; what the entry held is not looked at, as it may be newer."""
        value = self._codec.decode(self._payload)
        copier = copier_for(value)
        # In this order: whoever reads both at the same time has what belongs together.
        self._entry.value = value
        self._entry.copier = copier
        return value if copier is None else copier(value)


def _entry(request: CallRequest, value: object, *, generation: int, fresh_s: float) -> Entry:
    now = monotonic()
    stale_s = request.spec.freshness.stale_for_s if fresh_s > 0 else 0.0
    return Entry(
        request.key,
        value,
        generation=generation,
        loaded_at=now,
        fresh_until=now + fresh_s,
        keep_until=now + fresh_s + stale_s,
    )
