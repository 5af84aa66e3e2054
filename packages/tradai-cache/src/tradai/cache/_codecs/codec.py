"""How values become bytes for the shared tier and come back: chosen once, by the type."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, final

from tradai.cache._codecs.annotations import fingerprint_of, is_frame, is_plain
from tradai.cache._codecs.envelope import Payload
from tradai.cache._codecs.plain import from_plain, to_plain
from tradai.cache._codecs.secret_scan import Uncacheable, Undecodable

__all__ = ["Codec", "Uncacheable", "Undecodable", "codec_for"]


class Codec(Protocol):
    """Turns values of one type into bytes and back, exactly."""

    @property
    def fingerprint(self) -> bytes:
        """What changes with the type: values of another shape are never read as this one."""
        ...

    def encode(self, value: object, /) -> Payload:
        """Return `value` as bytes, which may look into its memory: seal them before it changes.

        Raises:
            Uncacheable: There is a secret inside.
            TypeError: `value` would not come back as it is.
        """
        ...

    def decode(self, payload: Payload, /) -> object:
        """Return what was encoded.

        Raises:
            Undecodable: `payload` is no value of this codec.
        """
        ...


def codec_for(annotation: object) -> Codec:
    """Return the codec for what a function with this return annotation gives.

    Without an annotation values must be plain data, which say themselves what they are.

    Raises:
        TypeError: No codec takes such values.
    """
    fingerprint = fingerprint_of(annotation)
    if is_plain(annotation):
        return _Codec(fingerprint, to_plain, from_plain)
    if is_frame(annotation):
        from tradai.cache._codecs.frames import from_frame, to_frame

        return _Codec(fingerprint, to_frame, from_frame)
    from tradai.cache._codecs.models import ModelCodec

    typed = ModelCodec(annotation)
    return _Codec(fingerprint, typed.encode, typed.read)


@final
@dataclass(frozen=True, slots=True)
class _Codec:
    fingerprint: bytes
    encode: Callable[[object], Payload]
    read: Callable[..., object]

    def decode(self, payload: Payload) -> object:
        try:
            return self.read(payload)
        # Whatever bytes of others provoke, in any library, is one thing: they are no value.
        except Exception as exc:  # noqa: BLE001
            # Its own message would show what is in the bytes, so it is left behind.
            problem = type(exc).__name__
        message = f"bytes of the shared tier are no value of this type ({problem})"
        raise Undecodable(message)
