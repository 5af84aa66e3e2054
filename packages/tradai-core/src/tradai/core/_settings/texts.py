"""Texts of variables and overrides: what is wrong with one, and which of its choices it names."""

import json
from decimal import Decimal

from tradai.core._documents.json_values import JsonValue
from tradai.core._documents.yaml_scalars import written_float
from tradai.core._settings.annotations import Annotation, class_of
from tradai.core._settings.strictness import choices, judged_members

__all__ = ["chosen", "is_unicode", "parsed_json", "text_problem"]


def text_problem(annotation: Annotation | None, text: str) -> str | None:
    """Return the sentence on a text that no setting of type `annotation` takes; or None."""
    if not text.strip():
        return "is set, but empty; unset it, or give it a value"
    if text != text.strip():
        return "has blanks around its value; remove them"
    if not is_unicode(text):
        return "is not UTF-8 text; write it again"
    kinds = {class_of(one) for one in judged_members(annotation)}
    if "_" in text and kinds and kinds <= {bool, int, float, Decimal}:
        return "must be a number without underscores"
    if "." in text and kinds == {int}:
        return "must be a valid integer"
    return None


def chosen(annotation: Annotation | None, text: str) -> object:
    """Return the choice that `text` names, a number such as 1 for "1"; or else `text`."""
    known = [choice for one in judged_members(annotation) for choice in choices(one)]
    named = (one for one in known if not isinstance(one, str) and str(one) == text)
    return text if text in known else next(named, text)


def is_unicode(text: str) -> bool:
    """Tell whether `text` can be written as UTF-8."""
    return text.isascii() or not any("\ud800" <= one <= "\udfff" for one in text)


def parsed_json(text: str) -> JsonValue:
    """Return the value of `text`; a number keeps the digits that a float rounds away.

    Raises:
        ValueError: It is not JSON, repeats a key, or is too deep or too long.
    """
    try:
        found: JsonValue = json.loads(text, object_pairs_hook=_object, parse_float=written_float)
    except (ArithmeticError, RecursionError):
        raise ValueError from None
    return found


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found
