"""Read the text of a variable or an override by the type of its setting."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from functools import cache, reduce
from operator import or_
from typing import Final, Literal, final, get_args, get_origin

import pydantic
from pydantic import TypeAdapter

from tradai.core._documents.json_values import JsonValue
from tradai.core._documents.yaml_scalars import written_float
from tradai.core._secrets.secret import Secret
from tradai.core._settings.annotations import members, takes_items
from tradai.core.exceptions import ValidationError

_NUMBERS: Final = (bool, int, float)
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")


@final
class Text(str):
    """A value as it was written, its type not yet known."""

    __slots__ = ()


def read_text(annotation: object, text: str) -> JsonValue:
    """Return the JSON value that `text` stands for in a setting of type `annotation`.

    Lists, mappings and models are JSON. Numbers and booleans are read by pydantic's string mode,
    but a number has no underscores, and a whole number no point. Anything else stays text.

    Raises:
        ValidationError: It cannot be one; the text is not quoted.
    """
    kinds = [held for one in members(annotation) for held in _held(one)]
    if takes_items(annotation):
        found = parsed_json(text)
        if isinstance(found, list | dict):
            return found
        if str not in kinds:
            raise _text_error("JSON, such as a list")
    to_json = [value for value in _constants(kinds) if str(value) == text]
    return to_json[0] if to_json else _number(tuple(kinds), text)


def _held(kind: object) -> Iterator[object]:
    """Yield what the text of a secret is read as: what it holds."""
    if get_origin(kind) is Secret:
        yield from members(get_args(kind)[0])
    else:
        yield kind


def parsed_json(text: str) -> JsonValue:
    """Return the value of `text`, or `text` itself where it is not JSON or repeats a key."""
    try:
        found: JsonValue = json.loads(text, object_pairs_hook=_object, parse_float=written_float)
    except (ArithmeticError, ValueError, RecursionError):
        return text
    return found


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _constants(kinds: list[object]) -> Iterator[JsonValue]:
    """Yield the values of literals and enumerations that are not text."""
    for one in kinds:
        values = get_args(one) if get_origin(one) is Literal else ()
        if isinstance(one, type) and issubclass(one, Enum):
            values = tuple(member.value for member in one)
        yield from (value for value in values if not isinstance(value, str))


def _number(kinds: tuple[object, ...], text: str) -> JsonValue:
    if Decimal in kinds and "_" in text:
        raise _text_error("a number without underscores")
    wanted = tuple(kind for kind in _NUMBERS if kind in kinds)
    if not wanted or "_" in text or (float not in wanted and "." in text):
        return text
    try:
        # Of a text, pydantic's string mode says the same; its first releases do not have it.
        return _adapter(wanted).validate_python(text)
    except pydantic.ValidationError:
        # Validation of the whole says what the field takes.
        return text


@cache
def _adapter(kinds: tuple[type, ...]) -> TypeAdapter[JsonValue]:
    return TypeAdapter(reduce(or_, kinds))


def _text_error(expected: str) -> ValidationError:
    return ValidationError(f"a text cannot be read: expected {expected}", expected=expected)
