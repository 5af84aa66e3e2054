"""Checks of values before pydantic sees them, which would make another kind of some of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from types import NoneType
from typing import Annotated, Final, Literal, TypeAlias, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    PlainValidator,
    SecretBytes,
    SecretStr,
    WrapValidator,
)

from tradai.core._documents.tree import Path as KeyPath
from tradai.core._secrets.secret import Secret
from tradai.core._settings.annotations import (
    Annotation,
    class_of,
    classes,
    entered,
    is_model,
    members,
)

__all__ = ["SECRETS", "choices", "entered_unconverted", "judged_members", "replaced", "wrong_kind"]

SECRETS: Final = (Secret, SecretBytes, SecretStr)
_LISTS: Final = {list, tuple, set, frozenset}
_CONVERTERS: Final = (BeforeValidator, PlainValidator, WrapValidator)
_TIME: Final = ((str, date, time, timedelta), "text")
# Class of a field -> kinds of values that it is made from, and their name in a sentence.
_TAKEN: Final[Mapping[type, tuple[tuple[type, ...], str]]] = {
    bool: ((bool,), "a valid boolean"),
    int: ((int,), "a valid integer"),
    float: ((int, float), "a valid number"),
    Decimal: ((int, float, str, Decimal), "a valid number"),
    str: ((str,), "text"),
    bytes: ((str, bytes, bytearray), "text or bytes"),
    SecretStr: ((str, *SECRETS), "text"),
    SecretBytes: ((str, bytes, *SECRETS), "text or bytes"),
}

Change: TypeAlias = Callable[[Annotation | None, object, KeyPath], object]
Enter: TypeAlias = Callable[[Annotation, object], tuple[str | int, Annotation | None]]


def replaced(
    annotation: Annotation,
    value: object,
    change: Change,
    *,
    enter: Enter = entered,
    path: KeyPath = (),
) -> object:
    """Return `value` with each leaf below it as `change` returns it; instances are leaves.

    Whatever does not change stays the same object.
    """
    if isinstance(value, Mapping):
        items = list(value.items())
    elif type(value) in _LISTS:
        items = list(enumerate(value))
    else:
        return change(annotation, value, path)
    found = {}
    for step, item in items:
        name, inner = enter(annotation, step)
        found[step] = replaced(inner, item, change, enter=enter, path=(*path, name))
    if all(found[step] is item for step, item in items):
        return value
    return found if isinstance(value, Mapping) else type(value)(found.values())


def entered_unconverted(
    annotation: Annotation, step: object
) -> tuple[str | int, Annotation | None]:
    """Enter `annotation`, with None for a field whose value a validator sees before pydantic."""
    name, inner = entered(annotation, step)
    models = filter(is_model, classes(annotation))
    return name, None if any({name, "*"} & _converted(one) for one in models) else inner


def wrong_kind(annotation: Annotation | None, value: object) -> str | None:
    """Return the sentence on `value` if pydantic would make another kind of it, or may; or None."""
    if annotation is None or value is None:
        return None
    expected = [_refused(one, value) for one in judged_members(annotation)]
    if not expected or None in expected:
        return None
    return "must be " + " or ".join(dict.fromkeys(map(str, expected)))


def choices(one: Annotation) -> tuple[object, ...]:
    """Return the values of a literal, or of the members of an enumeration."""
    if get_origin(one) is Literal:
        return get_args(one)
    found = class_of(one)
    return tuple(member.value for member in found) if found and issubclass(found, Enum) else ()


def judged_members(annotation: Annotation) -> Iterator[Annotation]:
    """Yield the members of a union that are not None; `object` for one with its own conversion."""
    if get_origin(annotation) is Annotated and _converts(get_args(annotation)[1:]):
        yield object
    elif class_of(annotation) is Secret:
        yield from judged_members(next(iter(get_args(annotation)), str))
    else:
        for one in members(annotation):
            if one is not annotation:
                yield from judged_members(one)
            elif one is not NoneType:
                yield one


def _refused(one: Annotation, value: object) -> str | None:
    """Return the name of what the type `one` takes, if `value` is something else."""
    found = class_of(one)
    if known := choices(one):
        is_kin = {type(value)} & {type(choice) for choice in known}
        is_own = not isinstance(value, bool | int | float | str) or (
            found is not None and (isinstance(value, found) or "_missing_" in vars(found))
        )
        return None if is_kin or is_own else " or ".join(map(repr, known))
    is_time = found is not None and issubclass(found, date | time | timedelta)
    taken, name = _TIME if is_time else _TAKEN.get(found or object, ((object,), ""))
    is_taken = isinstance(value, taken) and (
        bool in taken or object in taken or type(value) is not bool
    )
    return None if is_taken else name


@lru_cache(maxsize=512)
def _converted(kind: type[BaseModel]) -> frozenset[str]:
    """Return the fields of `kind` whose value a validator sees before pydantic; a star for all."""
    marks = kind.__pydantic_decorators__
    early = [one.info for one in marks.field_validators.values() if one.info.mode != "after"]
    found = {name for info in early for name in info.fields}
    if any(one.info.mode != "after" for one in marks.model_validators.values()):
        found.add("*")
    return frozenset(found | {n for n, one in kind.model_fields.items() if _converts(one.metadata)})


def _converts(metadata: Iterable[object]) -> bool:
    return any(
        isinstance(one, _CONVERTERS)
        or (hasattr(one, "__get_pydantic_core_schema__") and not isinstance(one, AfterValidator))
        for one in metadata
    )
