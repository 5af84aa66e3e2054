"""Strict checks of single values, because the one validation of all values is not strict."""

import json
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin

from pydantic import ValidationError

from tradai.core._documents.tree import KeyPath
from tradai.core._documents.yaml_scalars import WrittenFloat
from tradai.core._layers.problems import error_sentence
from tradai.core._settings.problems import NOT_TEXT
from tradai.core._settings.slots import Slot

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_NUMBERS: Final = (bool, int, float, Decimal)
_LISTS: Final = {list, tuple, set, frozenset}

Change: TypeAlias = Callable[[Slot, Any, KeyPath], Any]


def replaced(slot: Slot, value: Any, change: Change, path: KeyPath = ()) -> Any:
    """Return `value` with each leaf in it replaced by the result of `change`; instances are leaves.

    Whatever does not change stays the same object.
    """
    is_mapping = isinstance(value, Mapping)
    if not is_mapping and type(value) not in _LISTS:
        return change(slot, value, path)
    items = list(value.items() if is_mapping else enumerate(value))
    found = {}
    for step, item in items:
        name, inside = slot.enter(step)
        found[step] = replaced(inside, item, change, (*path, name))
    if all(found[step] is item for step, item in items):
        return value
    return found if is_mapping else type(value)(found.values())


def value_problem(slot: Slot, value: Any) -> str | None:
    """Return the sentence for `value` if pydantic would convert it; None if not.

    A number, a text or a boolean is judged as JSON, where a text may stand for a date or a path.
    """
    problem = None
    if isinstance(value, str) and _SURROGATE.search(value):
        problem = "has text that is not Unicode; write it again"
    elif isinstance(value, WrittenFloat) and Decimal not in slot.members and not slot.is_converted:
        problem = float_problem(str(value))
    if problem or value is None or type(value) in slot.members or slot.adapter is None:
        return problem
    try:
        if isinstance(value, str | int | float):
            slot.adapter.validate_json(json.dumps(value), strict=True)
        elif not isinstance(value, slot.classes):
            return "must be " + " or ".join(sorted(one.__name__ for one in slot.classes))
    except ValidationError as exc:
        return ", or ".join(dict.fromkeys(map(error_sentence, exc.errors())))
    except Exception:
        # The validation of all values reports what failed, and where.
        return None
    return None


def text_problem(slot: Slot, text: str) -> str | None:
    """Return the sentence for the text of a variable that `slot` cannot take; None if it may."""
    if not text.strip():
        return "is set, but empty; unset it, or give it a value"
    if text != text.strip():
        return "has blanks around its value; remove them"
    if _SURROGATE.search(text):
        return NOT_TEXT
    kinds = [] if slot.is_converted else [one for one in slot.members if one is not type(None)]
    is_number = bool(kinds) and all(one in _NUMBERS for one in kinds)
    if is_number and "_" in text:
        return "must be a number without underscores"
    if is_number and float in kinds and Decimal not in kinds:
        return float_problem(text)
    return "must be a valid integer" if "." in text and kinds == [int] else None


def float_problem(text: str) -> str | None:
    """Return the sentence for a number that would be a float of 0 or infinity; None if not."""
    number, digits = math.nan, text.lower().partition("e")[0]
    with suppress(ValueError):
        number = float(text)
    if number == 0 and any("1" <= one <= "9" for one in digits):
        return "must be a number that a float does not round to 0"
    is_lost = math.isinf(number) and any(one.isdigit() for one in digits)
    return "must be a finite number" if is_lost else None


def named_choice(slot: Slot, text: str) -> Any:
    """Return the choice of a literal or enumeration with the name `text`, or else `text`."""
    known: list[object] = []
    for one in () if slot.is_converted else slot.members:
        kind: Any = one if isinstance(one, type) and issubclass(one, Enum) else ()
        known += [each.value for each in kind]
        known += get_args(one) if get_origin(one) is Literal else ()
    named = (one for one in known if not isinstance(one, str) and str(one) == text)
    return text if text in known else next(named, text)
