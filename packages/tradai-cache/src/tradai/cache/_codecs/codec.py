"""`codec_for`: the codec of a return annotation, plain data, frames or models."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, final

from tradai.cache._codecs.annotations import fingerprint_of, is_frame, is_plain
from tradai.cache._codecs.envelope import Payload
from tradai.cache._codecs.plain import from_plain, to_plain
from tradai.cache._codecs.secret_scan import Undecodable


class Codec(Protocol):
    """Encodes values of one type as bytes, and decodes them exactly."""

    @property
    def fingerprint(self) -> bytes:
        """Bytes that change with the type: values of another shape are never read as this one."""

    def encode(self, value: object, /) -> Payload:
        """Return `value` as bytes, which may be views of its memory: seal them before it changes.

        Raises:
            Uncacheable: `value` contains a secret.
            TypeError: Decoding would not return an identical value.
        """

    def decode(self, payload: Payload, /) -> object:
        """Return the value that was encoded.

        Raises:
            Undecodable: `payload` was not encoded by this codec.
        """


def codec_for(annotation: object) -> Codec:
    """Return the codec for the values of a return annotation.

    Without an annotation, values must be plain data, which describe themselves.

    Raises:
        TypeError: No codec takes values of this annotation.
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
        # Foreign bytes may raise any error in any library; all mean that they are not a value.
        except Exception as exc:  # noqa: BLE001
            # Its message could show the content of the bytes, so it is not passed on.
            problem = type(exc).__name__
        message = f"bytes of the shared tier are not a value of this type ({problem})"
        raise Undecodable(message)
