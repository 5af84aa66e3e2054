"""JSON text of one line, in ASCII; the same text with orjson (extra ``speed``) and without."""

import json
from collections.abc import Callable
from typing import Final, TypeAlias, final

__all__ = ["Encode", "OddFloat", "line_encoder"]

Encode: TypeAlias = Callable[[object], str]

_STANDARD: Final[Encode] = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_DELETE: Final = b"\x7f"


@final
class OddFloat(float):
    """A number that encoders write in different ways; orjson refuses it, as a subclass."""

    __slots__ = ()


def line_encoder() -> Encode:
    """Return the fastest encoder there is."""
    try:
        import orjson
    except ImportError:
        return _STANDARD

    def encode(fields: object) -> str:
        try:
            line = orjson.dumps(fields)
        except orjson.JSONEncodeError:
            return _STANDARD(fields)
        # orjson leaves these as they are; not every stream can take them.
        return line.decode() if line.isascii() and _DELETE not in line else _STANDARD(fields)

    return encode
