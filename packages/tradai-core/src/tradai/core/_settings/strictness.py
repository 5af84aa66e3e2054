"""Checks of single values before pydantic sees them, which would make other kinds of some."""

import json
from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin

from pydantic import SecretBytes, SecretStr

from tradai.core._documents.tree import Path as KeyPath
from tradai.core._documents.yaml_scalars import written_float
from tradai.core._secrets.secret import Secret
from tradai.core._settings.slots import Annotation, Slot

__all__ = ["SECRETS", "named_choice", "parsed_json", "replaced", "text_problem", "value_problem"]

SECRETS: Final = (Secret, SecretBytes, SecretStr)
_SCALARS: Final = {bool, int, float, str}
_NUMBERS: Final = {bool, int, float, Decimal}
_LISTS: Final = {list, tuple, set, frozenset}
_TIME: Final = ((str, date, time, timedelta), "text")
# Class of a field -> kinds of values that it is made from, and their name in a sentence.
_TAKEN: Final[Mapping[object, tuple[tuple[type, ...], str]]] = {
    bool: ((bool,), "a valid boolean"),
    int: ((int,), "a valid integer"),
    float: ((int, float), "a valid number"),
    Decimal: ((int, float, str, Decimal), "a valid number"),
    str: ((str,), "text"),
    bytes: ((str, bytes, bytearray), "text or bytes"),
    SecretStr: ((str, *SECRETS), "text"),
    SecretBytes: ((str, bytes, *SECRETS), "text or bytes"),
}

Change: TypeAlias = Callable[[Slot, Any, KeyPath], Any]


def replaced(slot: Slot, value: Any, change: Change, path: KeyPath = ()) -> Any:
    """Return `value` with each leaf below it as `change` returns it; instances are leaves.

    Whatever does not change stays the same object.
    """
    if isinstance(value, Mapping):
        items = list(value.items())
    elif type(value) in _LISTS:
        items = list(enumerate(value))
    else:
        return change(slot, value, path)
    found = {}
    for step, item in items:
        name, inside = slot.enter(step)
        found[step] = replaced(inside, item, change, (*path, name))
    if all(found[step] is item for step, item in items):
        return value
    return found if isinstance(value, Mapping) else type(value)(found.values())


def value_problem(slot: Slot, value: object) -> str | None:
    """Return the sentence on `value` if pydantic would make another kind of it; None if not."""
    if isinstance(value, str) and not _is_unicode(value):
        return "has text that is not Unicode; write it again"
    if value is None or type(value) in slot.judged:
        return None
    expected = [_refused(one, value) for one in slot.judged]
    if not expected or None in expected:
        return None
    return "must be " + " or ".join(dict.fromkeys(map(str, expected)))


def text_problem(slot: Slot, text: str) -> str | None:
    """Return the sentence on a text of a variable that `slot` does not take; None if it may."""
    if not text.strip():
        return "is set, but empty; unset it, or give it a value"
    if text != text.strip():
        return "has blanks around its value; remove them"
    if not _is_unicode(text):
        return "is not UTF-8 text; write it again"
    is_number = "_" in text and slot.judged and {*slot.judged} <= _NUMBERS
    if is_number or ("." in text and slot.judged == (int,)):
        return "must be a number without underscores" if "_" in text else "must be a valid integer"
    return None


def named_choice(slot: Slot, text: str) -> object:
    """Return the choice of a literal or enumeration that `text` names, or else `text`."""
    known = [choice for one in slot.judged for choice in _choices(one)]
    named = (one for one in known if not isinstance(one, str) and str(one) == text)
    return text if text in known else next(named, text)


def parsed_json(text: str) -> Any:
    """Return the value of `text`; a number keeps the digits that a float rounds away.

    Raises:
        ValueError: It is not JSON, or repeats a key.
        ArithmeticError: A number of it is too long.
        RecursionError: It is too deep.
    """
    return json.loads(text, object_pairs_hook=_object, parse_float=written_float)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _refused(one: Annotation, value: object) -> str | None:
    """Return the name of what the type `one` takes, if `value` is of another kind."""
    if known := _choices(one):
        is_plain = type(value) in _SCALARS and "_missing_" not in vars(one)
        is_kin = type(value) in {type(choice) for choice in known}
        return None if is_kin or not is_plain else " or ".join(map(repr, known))
    is_time = isinstance(one, type) and issubclass(one, date | time | timedelta)
    taken, name = _TIME if is_time else _TAKEN.get(one, ((object,), ""))
    is_number = type(value) is bool and taken[0] in {int, str} and bool not in taken
    return None if isinstance(value, taken) and not is_number else name


def _choices(one: Annotation) -> tuple[object, ...]:
    """Return the values of a literal, or of the members of an enumeration."""
    if get_origin(one) is Literal:
        return get_args(one)
    found = one if isinstance(one, type) and issubclass(one, Enum) else ()
    return tuple(member.value for member in found)


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= one <= "\udfff" for one in text)
