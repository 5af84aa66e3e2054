"""Any value as JSON fit for a log line: finite, short, without secrets; and its encoder."""

import itertools
import json
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence, Set as AbstractSet, ValuesView
from datetime import date, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeAlias, final

from tradai.core._documents.json_values import JsonValue
from tradai.core._logging.model_fields import declared_fields
from tradai.core._secrets.redaction import MASK, may_hold_secret, redact
from tradai.core._secrets.sensitive_keys import is_sensitive_key

Encode: TypeAlias = Callable[[object], str]

_MOST_VALUES: Final = 500
_DEEPEST: Final = 8
_LONGEST_TEXT: Final = 16_384
_SMALLEST: Final = -(2**63)
_LARGEST: Final = 2**64 - 1
_MOST_DIGITS: Final = 100
_MOST_BITS: Final = 1024
_NUMBERS: Final = frozenset("biuf")  # what NumPy calls booleans, integers and floats
_AS_IT_IS: Final = frozenset({str, bool, type(None)})
_MORE: Final = "<more>"
# Between these all encoders write a number alike.
_SMALLEST_PLAIN: Final = 1e-4
_LARGEST_PLAIN: Final = 1e16
_STANDARD: Final[Encode] = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_DELETE: Final = b"\x7f"


@final
class _OddFloat(float):
    """A number that encoders write in different ways; orjson refuses it, as a subclass."""

    __slots__ = ()


def line_encoder() -> Encode:
    """Return the fastest encoder of JSON lines in ASCII that is installed.

    orjson (extra ``speed``) and the standard library write the same text.
    """
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


def log_value(value: object) -> JsonValue:
    """Return `value` as JSON; never raises.

    NaN and infinity, and integers beyond 64 bits, become text. Cycles end at a depth of eight,
    and anything at five hundred values. Dataclasses and models are shown by their fields, arrays
    and frames by their shape. A field whose name says that it is secret is masked.
    """
    # Nearly all that is logged is one of these.
    if type(value) is str:
        return log_text(value)
    if type(value) is float and _SMALLEST_PLAIN <= abs(value) < _LARGEST_PLAIN:
        return value
    if type(value) is int and _SMALLEST <= value <= _LARGEST:
        return value
    return _Conversion().value(value, 0)


def log_fields(fields: Mapping[str, object]) -> dict[str, JsonValue]:
    """Return named values as JSON; each is masked when its name says that it is secret."""
    if not _has_clean_text(fields):
        fields = {log_text(name): _clean_text(value) for name, value in fields.items()}
    converted: dict[str, Any] = {
        name: value
        if type(value) in _AS_IT_IS
        # As in `log_value`, without a call for each number.
        or (type(value) is float and _SMALLEST_PLAIN <= abs(value) < _LARGEST_PLAIN)
        else log_value(value)
        for name, value in fields.items()
    }
    for name in _sensitive_among(tuple(converted)):
        converted[name] = None if converted[name] is None else MASK
    return converted


def json_text(value: JsonValue) -> str:
    """Return JSON as text for people."""
    return json.dumps(value, ensure_ascii=False)


@final
class _Conversion:
    """The conversion of one value, which ends after a limited number of steps."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = _MOST_VALUES

    def value(self, value: object, depth: int) -> JsonValue:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            return _MORE
        try:
            return self._converted(value, depth + 1)
        # The methods of the value are other code, and may do anything.
        except Exception:  # noqa: BLE001
            return _unreadable(value)

    def _converted(self, value: object, depth: int) -> JsonValue:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return _number(value)
        if isinstance(value, str | bytes | bytearray | memoryview | BaseException):
            return log_text(value)
        return self._structured(value, depth)

    def _structured(self, value: object, depth: int) -> JsonValue:
        fields = value if isinstance(value, Mapping) else declared_fields(value)
        if fields is not None:
            return self._mapping(fields, depth)
        if isinstance(value, Sequence | AbstractSet | ValuesView):
            return self._list(value, depth)
        shape = getattr(value, "shape", None)
        return _array(value, shape) if isinstance(shape, tuple) else _text(value)

    def _mapping(self, value: Mapping[Any, object], depth: int) -> JsonValue:
        items = itertools.islice(value.items(), self._left + 1)
        named = ((log_text(key), item) for key, item in items)
        return {name: self._item(name, item, depth) for name, item in named}

    def _item(self, name: str, value: object, depth: int) -> JsonValue:
        return MASK if value is not None and is_sensitive_key(name) else self.value(value, depth)

    def _list(self, value: Iterable[object], depth: int) -> JsonValue:
        return [self.value(item, depth) for item in itertools.islice(value, self._left + 1)]


def _has_clean_text(fields: Mapping[str, object]) -> bool:
    """Tell quickly whether names and texts can stay as they are; nearly always they can."""
    texts = [*fields, *[value for value in fields.values() if type(value) is str]]
    try:
        joined = "\n".join(texts)
    except TypeError:  # A name is not text.
        return False
    is_plain = len(joined) <= _LONGEST_TEXT and joined.isascii()
    return is_plain and not may_hold_secret(joined, texts)


def _clean_text(value: object) -> object:
    return log_text(value) if type(value) is str else value


@lru_cache(256)
def _sensitive_among(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(filter(is_sensitive_key, names))


def _number(value: float) -> int | float | str:
    if isinstance(value, int):
        whole = int(value)
        return whole if _SMALLEST <= whole <= _LARGEST else _huge(whole)
    number = float(value)
    if _SMALLEST_PLAIN <= abs(number) < _LARGEST_PLAIN or not number:
        return number
    return _OddFloat(number) if math.isfinite(number) else str(number)


def _huge(whole: int) -> str:
    bits = whole.bit_length()
    return str(whole) if bits <= _MOST_BITS else f"<integer of {bits} bits>"


def _array(value: object, shape: tuple[object, ...]) -> JsonValue:
    """Describe an array or frame by its shape; show the number in one that has no dimensions."""
    if shape:
        return f"<{type(value).__name__} of {' x '.join(map(str, shape))}>"
    is_number = getattr(getattr(value, "dtype", None), "kind", None) in _NUMBERS
    item = operator.methodcaller("item")(value) if is_number else None
    if isinstance(item, bool):
        return item
    return _number(item) if isinstance(item, int | float) else log_text(value)


def _text(value: object) -> str:
    if isinstance(value, date | time):
        return log_text(value.isoformat())
    # Otherwise the text of a small price would have an exponent; a huge one would fill the memory.
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < _MOST_DIGITS:
        return log_text(format(value, "f"))
    return log_text(value)


def log_text(value: object) -> str:
    """Return `value` as text of sound characters, masked and then cut in the middle."""
    try:
        text = value if type(value) is str else _printed(value)
    # The methods of the value are other code, and may do anything.
    except Exception:  # noqa: BLE001
        text = _unreadable(value)
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    clean = redact(text)
    return clean if len(clean) <= _LONGEST_TEXT else _cut(clean)


def _unreadable(value: object) -> str:
    return f"<unreadable {type(value).__name__}>"


def _printed(value: object) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode(errors="backslashreplace")
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    return str(value)


def _cut(text: str) -> str:
    half = _LONGEST_TEXT // 2
    left_out = len(text) - _LONGEST_TEXT
    return f"{text[:half]}...({left_out} characters left out)...{text[-half:]}"
