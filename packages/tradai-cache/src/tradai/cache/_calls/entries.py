"""Entries in memory: made from loaded values or sealed bytes, and sealed for the shared tier."""

import time
from dataclasses import dataclass
from time import monotonic
from typing import Final, final

from tradai.cache._calls.cached_spec import CallRequest
from tradai.cache._codecs.codec import Codec
from tradai.cache._codecs.envelope import Envelope, Payload, seal, unseal
from tradai.cache._codecs.secret_scan import Uncacheable, Undecodable
from tradai.cache._memory.copying import copier_for, private_copy, size_of
from tradai.cache._memory.memory_tier import Entry

# Redis counts in milliseconds.
_MIN_FRESH_S: Final = 0.001
# A payload below this size stays encoded in memory; its value is assumed to be this much larger.
_SMALL_BYTES: Final = 4_096
_DECODED_GROWTH: Final = 8


def new_entry(request: CallRequest, value: object, *, generation: int, fresh_s: float) -> Entry:
    """Return an entry with a copy of the loaded `value`, which its source may still change.

    Raises:
        TypeError: `value` cannot be copied.
    """
    kept = private_copy(value)
    entry = _entry(request, kept, generation=generation, fresh_s=fresh_s)
    entry.copier, entry.size = copier_for(kept), size_of(kept)
    return entry


@final
@dataclass(slots=True, eq=False)
class Fetched:
    """A value for the call that fetched it, and an entry for all later calls."""

    value: object
    entry: Entry


def decode_entry(request: CallRequest, data: bytes, *, generation: int) -> Fetched | None:
    """Return the value in the sealed bytes `data`; None when they are not usable."""
    spec = request.spec
    envelope = unseal(data, identity=request.key.identity, key=spec.core.signing_key())
    if envelope is None:
        return None
    try:
        value = spec.codec.decode(envelope.payload)
    except Undecodable:
        return None
    now_s = time.time()
    # The shared tier expires values by its own clock; ours, or the writer's, may be wrong by any
    # amount: never trust it for longer than the function's own ttl.
    own_s = spec.freshness.fresh_s(began_s=now_s, ended_s=now_s)
    fresh_s = min(own_s, max(0.0, envelope.fresh_until_ms / 1_000 - now_s))
    entry = _entry(request, value, generation=generation, fresh_s=fresh_s)
    entry.loaded_at -= max(0.0, now_s - envelope.loaded_ms / 1_000)
    if len(envelope.payload) < _SMALL_BYTES:
        # Bytes are immutable: decoding them again for a second caller is cheaper than finding out
        # now how to copy and measure this value, which may never be asked for again.
        entry.copier = _LazyDecoder(entry, spec.codec, envelope.payload)
        entry.value, entry.size = None, _DECODED_GROWTH * len(envelope.payload)
        return Fetched(value, entry)
    entry.copier, entry.size = copier_for(value), size_of(value)
    return Fetched(entry.get_value(), entry)


def encode_entry(request: CallRequest, entry: Entry) -> bytes | None:
    """Return the sealed bytes of a loaded entry; None when it stays in this process.

    A value that no codec takes is served from memory, as by a cache without a shared tier.
    """
    spec, now_s = request.spec, time.time()
    left_s = entry.fresh_until - monotonic()
    if left_s < _MIN_FRESH_S:
        return None
    try:
        payload = spec.codec.encode(entry.value)
    except Uncacheable:
        return None
    # A model's own code runs here, and says what is wrong in its own words.
    except (TypeError, ValueError) as exc:
        spec.warn_unshared(exc)
        return None
    envelope = Envelope(
        payload=payload,
        loaded_ms=int(now_s * 1_000),
        fresh_until_ms=int((now_s + left_s) * 1_000),
        keep_until_ms=int((now_s + left_s + spec.freshness.stale_for_s) * 1_000),
    )
    return seal(envelope, identity=request.key.identity, key=spec.core.signing_key())


@final
@dataclass(slots=True, eq=False)
class _LazyDecoder:
    """Decodes the payload of an entry for its second caller, and keeps the value in the entry."""

    entry: Entry
    codec: Codec
    payload: Payload

    def __call__(self, _: object) -> object:
        """Return a value of its own; the argument is ignored, as the entry may be newer by now."""
        value = self.codec.decode(self.payload)
        copier = copier_for(value)
        # In this order, so that a reader of both at the same time gets a matching pair.
        self.entry.value = value
        self.entry.copier = copier
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
