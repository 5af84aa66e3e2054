"""Codec of plain data: JSON, with tags for the types that JSON lacks.

JSON that needs no tags is stored as it is. Otherwise ``{"~decimal": "1.50"}`` stands for a
`Decimal`, and so on; a dictionary that would look like a tag is encoded as pairs.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias, cast

from tradai.cache._codecs.plain_scalars import DECODERS, ENCODERS
from tradai.cache._codecs.secret_scan import refuse_secrets

_TAGGED: Final = b"~"  # no JSON begins with it
_MAX_DEPTH: Final = 100  # low enough for a reader that is deep in its own stack
_MAX_INT: Final = 1 << 2048  # below the lowest digit limit that Python can be set to
# JSON would read the two surrogates as one character.
_SURROGATE_PAIR: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_CONTAINERS: Final[dict[type, str]] = {tuple: "~tuple", set: "~set", frozenset: "~frozenset"}

Flatten: TypeAlias = Callable[[object], object]

_dumps: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_loads: Final = json.JSONDecoder().decode


def reject(value: object) -> object:
    """Raise the error for a value that is not plain."""
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    message = (
        f"a value of type {name} cannot be shared as plain data: expected None, bool, int, float, "
        "str, bytes, Decimal, datetime, date, time, timedelta, UUID, list, tuple, dict, set or "
        "frozenset; a model, a dataclass, an Enum or a frame can be when the function's return "
        "annotation says so"
    )
    raise TypeError(message)


def to_plain(value: object, flatten: Flatten = reject) -> bytes:
    """Return `value` as JSON in ASCII; `flatten` replaces values that are not plain, or raises.

    Raises:
        Uncacheable: `value` contains a secret.
        TypeError: A part of `value` is not plain, or it is nested too deeply.
    """
    if _is_json(value, _MAX_DEPTH):
        return _dumps(value).encode()
    return _TAGGED + _dumps(_encode(value, flatten, _MAX_DEPTH)).encode()


def from_plain(payload: bytes | memoryview) -> object:
    """Return the value that `to_plain` encoded; any other payload may raise any error."""
    if payload[:1] == _TAGGED:
        return _loads_tagged(str(payload[1:], "ascii"))
    return _loads(str(payload, "ascii"))


def _is_json(value: object, depth: int) -> bool:
    """Tell whether JSON decodes to exactly `value`."""
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
    """Return `value` as JSON with tags."""
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


def _decode_tag(table: dict[str, object]) -> object:
    """Return the value of a JSON object, by its tag if it has one."""
    return DECODERS[next(iter(table))](*table.values()) if _is_tag(table) else table


# Every NaN is a new object, so that several of them stay separate in a set.
_loads_tagged: Final = json.JSONDecoder(object_hook=_decode_tag, parse_constant=float).decode
