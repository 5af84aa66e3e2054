"""Codec of models, dataclasses, Enums and containers of them, decoded by the return annotation.

The bytes name no class. A value that would not be decoded identically is rejected when encoded.
"""

import datetime as dt
import math
import struct
from collections.abc import Mapping, Sequence, Set as AbstractSet
from decimal import Decimal
from enum import Enum
from typing import Any, Final, cast, final

from tradai.cache._codecs.parts import attribute_values
from tradai.cache._codecs.plain import from_plain, to_plain
from tradai.cache._codecs.secret_scan import refuse_secrets

# Our JSON keeps time zones and values under `Any`; a strict model only takes pydantic's JSON.
_PLAIN: Final = b"p"
_JSON: Final = b"j"
# State of containers beside their items: of a `deque`, and of a `defaultdict`.
_SETTINGS: Final = ("maxlen", "default_factory")
_DUMP: Final[dict[str, Any]] = {"by_alias": True, "round_trip": True, "warnings": False}


@final
class ModelCodec:
    """Codec of the values of one annotation, by way of pydantic."""

    def __init__(self, annotation: object) -> None:
        """Compile the annotation.

        Raises:
            TypeError: pydantic cannot handle values of this annotation.
        """
        from pydantic import TypeAdapter
        from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError

        try:
            self._adapter = TypeAdapter[object](cast("Any", annotation))
        except (PydanticUserError, PydanticUndefinedAnnotation) as exc:
            problem = str(exc).partition(". ")[0].partition("\n")[0]
            message = f"no codec takes values of the return annotation {annotation!r}: {problem}"
            raise TypeError(message) from exc

    def encode(self, value: object) -> bytes:
        """Return `value` as bytes that are decoded to an identical value.

        Raises:
            Uncacheable: `value` contains a secret.
            TypeError: Decoding would not return an identical value.
        """
        refuse_secrets(value)
        problems: list[Exception] = []
        for encode in (self._plain, self._json):
            try:
                payload = encode(value)
                if _is_identical(self.read(payload), value):
                    return payload
            # Code of models runs here, and may raise anything.
            except Exception as exc:  # noqa: BLE001
                problems.append(exc)
        raise TypeError(_not_identical_message(value, problems))

    def read(self, payload: bytes | memoryview) -> object:
        """Return the value that was encoded; any other payload may raise any error."""
        if payload[:1] == _JSON:
            return self._adapter.validate_json(bytes(payload[1:]))
        if payload[:1] != _PLAIN:
            raise ValueError
        return self._adapter.validate_python(from_plain(payload[1:]))

    def _plain(self, value: object) -> bytes:
        return _PLAIN + to_plain(self._adapter.dump_python(value, **_DUMP), _flatten)

    def _json(self, value: object) -> bytes:
        return _JSON + self._adapter.dump_json(value, **_DUMP)


def _flatten(value: object) -> object:
    """Return a simpler value that pydantic validates to `value`, one step nearer to plain data."""
    from pydantic_core import to_jsonable_python

    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence | AbstractSet) and not isinstance(value, str):
        return [*value]
    return to_jsonable_python(value)


def _not_identical_message(value: object, problems: list[Exception]) -> str:
    # Messages of validation contain values: only the types of errors are shown.
    names = f" ({', '.join(type(problem).__name__ for problem in problems)})" if problems else ""
    return (
        f"a {type(value).__qualname__} would not come back from the shared tier as it is{names}: "
        "expected exactly what the return annotation says, in fields that pydantic dumps and "
        "validates without change"
    )


# Any: each branch knows the type of its two values.
def _is_identical(left: Any, right: Any) -> bool:  # noqa: ANN401
    """Tell whether the values are equal with equal types and bits; any NaN equals any other."""
    if type(left) is not type(right):
        return False
    if left is right:
        return True
    if isinstance(left, float):
        bits = struct.pack("d", left) == struct.pack("d", right)
        return bits or (math.isnan(left) and math.isnan(right))
    if isinstance(left, Decimal):
        return str(left) == str(right)
    if isinstance(left, dt.datetime | dt.time):
        bare = left.replace(tzinfo=None, fold=0) == right.replace(tzinfo=None, fold=0)
        return bare and left.fold == right.fold and _is_identical(left.tzinfo, right.tzinfo)
    return _has_identical_items(left, right) and _are_identical(
        attribute_values(left), attribute_values(right)
    )


def _has_identical_items(left: Any, right: Any) -> bool:  # noqa: ANN401
    if any(getattr(left, name, None) != getattr(right, name, None) for name in _SETTINGS):
        return False
    if isinstance(left, Mapping):
        return _are_identical([*left.keys(), *left.values()], [*right.keys(), *right.values()])
    if isinstance(left, AbstractSet):
        items = {item: item for item in right}
        return len(left) == len(right) and all(
            item in items and _is_identical(item, items[item]) for item in left
        )
    if isinstance(left, Sequence) and not isinstance(left, str | bytes):
        return _are_identical(left, right)
    # Records are compared by their attributes, all others by their own `==`.
    return bool(attribute_values(left)) or bool(left == right)


def _are_identical(left: Any, right: Any) -> bool:  # noqa: ANN401
    return len(left) == len(right) and all(map(_is_identical, left, right))
