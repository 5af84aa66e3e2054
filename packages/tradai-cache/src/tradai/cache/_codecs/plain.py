"""Plain data as JSON, with tags for what JSON lacks: what goes in comes back with its exact types.

JSON that needs no tags is stored as it is. Elsewhere ``{"~decimal": "1.50"}`` stands for a
`Decimal`, and so on; a dictionary that would look like a tag is spelled in pairs.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias, cast

from tradai.cache._codecs.plain_scalars import DECODERS, ENCODERS
from tradai.cache._codecs.secret_scan import refuse_secrets

__all__ = ["from_plain", "to_plain"]

_TAGGED: Final = b"~"  # no JSON begins with it
_MAX_DEPTH: Final = 100  # a reader deeper in its own stack must still come down here
_MAX_INT: Final = 1 << 2048  # below the least limit that Python can be told for digits of integers
# JSON would read two halves as one character.
_SURROGATE_PAIR: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_CONTAINERS: Final[dict[type, str]] = {tuple: "~tuple", set: "~set", frozenset: "~frozenset"}

Flatten: TypeAlias = Callable[[object], object]

_dumps: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_loads: Final = json.JSONDecoder().decode


def reject(value: object) -> object:
    """Refuse what is not plain."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    message = (
        f"a value of type {kind} cannot be shared as plain data: expected None, bool, int, float, "
        "str, bytes, Decimal, datetime, date, time, timedelta, UUID, list, tuple, dict, set or "
        "frozenset; a model, a dataclass, an Enum or a frame can be when the function's return "
        "annotation says that it is one"
    )
    raise TypeError(message)


def to_plain(value: object, flatten: Flatten = reject) -> bytes:
    """Return `value` as JSON in ASCII; `flatten` makes what is not plain plainer, or refuses.

    Raises:
        Uncacheable: There is a secret inside.
        TypeError: There is something inside that is not plain, or it is nested too deeply.
    """
    if _is_json(value, _MAX_DEPTH):
        return _dumps(value).encode()
    return _TAGGED + _dumps(_encode(value, flatten, _MAX_DEPTH)).encode()


def from_plain(payload: bytes | memoryview) -> object:
    """Return what `to_plain` was given; what is no such payload raises nearly anything."""
    if payload[:1] == _TAGGED:
        return _loads_tagged(str(payload[1:], "ascii"))
    return _loads(str(payload, "ascii"))


def _is_json(value: object, depth: int) -> bool:
    """Tell whether JSON gives exactly `value` back."""
    kind = type(value)
    if kind is str:
        return _is_json_text(cast("str", value))
    if kind in (float, bool, type(None)):
        return True
    if kind is int:
        return -_MAX_INT < cast("int", value) < _MAX_INT
    if depth and kind is list:
        return all(_is_json(item, depth - 1) for item in cast("list[object]", value))
    if depth and kind is dict:
        table = cast("dict[object, object]", value)
        return _is_object(table) and all(_is_json(item, depth - 1) for item in table.values())
    return False


def _is_object(table: Iterable[object]) -> bool:
    return all(type(key) is str and _is_json_text(key) for key in table)


def _is_json_text(text: str) -> bool:
    return text.isascii() or not _SURROGATE_PAIR.search(text)


def _encode(value: object, flatten: Flatten, depth: int) -> object:
    """Return `value` in JSON with tags."""
    if not depth:
        message = f"a value is nested too deeply to be shared: expected at most {_MAX_DEPTH} levels"
        raise TypeError(message)
    kind = type(value)
    if kind is dict:
        return _encode_dict(cast("dict[object, object]", value), flatten, depth - 1)
    if kind is list or kind in _CONTAINERS:
        items = [_encode(item, flatten, depth - 1) for item in cast("Iterable[object]", value)]
        return items if kind is list else {_CONTAINERS[kind]: items}
    if _is_json(value, 0):
        return value
    if kind in ENCODERS:
        tag, encode = ENCODERS[kind]
        return {tag: encode(value)}
    refuse_secrets(value)
    return _encode(flatten(value), flatten, depth - 1)


def _encode_dict(table: Mapping[object, object], flatten: Flatten, depth: int) -> object:
    items = [_encode(item, flatten, depth) for item in table.values()]
    if _is_object(table) and not _is_tag(table):
        return dict(zip(table, items, strict=True))
    keys = [_encode(key, flatten, depth) for key in table]
    return {"~dict": [*zip(keys, items, strict=True)]}


def _is_tag(table: Iterable[object]) -> bool:
    key, *more = [*table] or [""]
    return not more and str(key).startswith("~")


def _decode_tag(found: dict[str, object]) -> object:
    """Return what a JSON object stands for."""
    return DECODERS[next(iter(found))](*found.values()) if _is_tag(found) else found


# Numbers that are none must stay apart inside sets: each is an object of its own.
_loads_tagged: Final = json.JSONDecoder(object_hook=_decode_tag, parse_constant=float).decode
