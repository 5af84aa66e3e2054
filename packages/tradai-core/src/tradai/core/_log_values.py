"""Anything at all as JSON fit for a log: finite, not too long, without secrets."""

import itertools
import math
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, final

from tradai.core._json import JsonValue
from tradai.core._redaction import MASK, names_secret, redact

__all__ = ["log_field", "log_text", "log_value"]

_MOST_VALUES: Final = 500
_DEEPEST: Final = 8
_LONGEST_TEXT: Final = 16_384
_SMALLEST: Final = -(2**63)
_LARGEST: Final = 2**64 - 1
_MORE: Final = "<more>"


def log_value(value: object) -> JsonValue:
    """Return `value` as JSON; never raises.

    NaN and infinity, and integers beyond 64 bits, become text. Cycles end at a depth of eight,
    and anything at five hundred values. A field whose name says that it is secret is masked.
    """
    return _Walk().value(value, 0)


def log_field(name: str, value: object) -> JsonValue:
    """Return the value of the field `name` as JSON; masked when the name says it is secret."""
    return MASK if value is not None and names_secret(name) else log_value(value)


@final
class _Walk:
    """A walk through one value, which ends after so many steps."""

    def __init__(self) -> None:
        self._left = _MOST_VALUES

    def value(self, value: object, depth: int) -> JsonValue:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            return _MORE
        try:
            return self._converted(value, depth + 1)
        # The value is somebody else's, and its methods may do anything.
        except Exception:  # noqa: BLE001
            return f"<unreadable {type(value).__name__}>"

    def _converted(self, value: object, depth: int) -> JsonValue:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return _number(value)
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, list | tuple | AbstractSet):
            return self._list(value, depth)
        return log_text(value)

    def _mapping(self, value: Mapping[object, object], depth: int) -> JsonValue:
        items = itertools.islice(value.items(), self._left + 1)
        named = ((log_text(key), item) for key, item in items)
        return {name: self._item(name, item, depth) for name, item in named}

    def _item(self, name: str, value: object, depth: int) -> JsonValue:
        return MASK if value is not None and names_secret(name) else self.value(value, depth)

    def _list(self, value: Iterable[object], depth: int) -> JsonValue:
        return [self.value(item, depth) for item in itertools.islice(value, self._left + 1)]


def _number(value: float) -> int | float | str:
    if isinstance(value, int):
        return int(value) if _SMALLEST <= value <= _LARGEST else log_text(int(value))
    return float(value) if math.isfinite(value) else log_text(float(value))


def log_text(value: object) -> str:
    """Return `value` as text of sound characters, masked and then cut in the middle."""
    if isinstance(value, str):
        text = str.__str__(value)
    elif isinstance(value, bytes | bytearray):
        text = value.decode(errors="backslashreplace")
    elif isinstance(value, BaseException):
        text = f"{type(value).__name__}: {value}"
    else:
        text = str(value)
    sound = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _cut(redact(sound))


def _cut(text: str) -> str:
    left_out = len(text) - _LONGEST_TEXT
    if left_out <= 0:
        return text
    half = _LONGEST_TEXT // 2
    return f"{text[:half]}...({left_out} characters left out)...{text[-half:]}"
