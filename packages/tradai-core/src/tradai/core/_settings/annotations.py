"""Annotations of a settings class: types of its leaves, known keys, mutable types."""

import types
from collections.abc import (
    Iterator,
    Mapping,
    MutableMapping,
    MutableSequence,
    MutableSet,
    Sequence,
    Set as AbstractSet,
)
from dataclasses import is_dataclass
from enum import Enum
from inspect import isclass
from typing import Annotated, Final, Literal, TypeAlias, TypeGuard, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from tradai.core._documents.json_values import FrozenMapping
from tradai.core._documents.tree import Path as KeyPath
from tradai.core.exceptions import ValidationError

Annotation: TypeAlias = object

_UNIONS: Final = (Union, types.UnionType)
_MUTABLE: Final = (MutableMapping, MutableSequence, MutableSet, bytearray)
_INSTEAD: Final = "write tuple[X, ...], frozenset[X] or Mapping[str, X]"


def members(annotation: Annotation) -> Iterator[Annotation]:
    """Yield the members of a union, or `annotation` itself, without the metadata of `Annotated`."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from members(get_args(annotation)[0])
    elif origin in _UNIONS:
        for part in get_args(annotation):
            yield from members(part)
    elif hasattr(annotation, "__value__"):
        yield from members(annotation.__value__)
    else:
        yield annotation


def classes(annotation: Annotation) -> list[type]:
    """Return the classes whose instances `annotation` may be; parameters left out."""
    found = (_class_of(one) for one in members(annotation))
    return [one for one in found if one is not None]


def annotation_at(kind: type[BaseModel], path: KeyPath) -> Annotation | None:
    """Return the annotation of what is at `path` below `kind`; None for an unknown key."""
    annotation: Annotation = kind
    for step in path:
        below = [found for one in members(annotation) for found in _below(one, step)]
        if not below:
            return None
        # The bar cannot join what is only known when it runs, such as a forward reference.
        annotation = below[0] if len(below) == 1 else Union[tuple(below)]  # noqa: UP007
    return annotation


def known_keys(kind: type[BaseModel], path: KeyPath) -> list[str]:
    """Return the names of the fields at `path` below `kind`."""
    models = [one for one in members(annotation_at(kind, path)) if is_model(one)]
    return sorted({name for model in models for name in model.model_fields})


def takes_items(annotation: Annotation) -> bool:
    """Tell whether `annotation` is a list, a mapping or a model, and so written as JSON."""
    return any(_is_container(one) for one in classes(annotation))


def aliases(field: FieldInfo) -> list[str]:
    """Return the names other than its own that `field` is read from, the first one first."""
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    return [choice for choice in choices if isinstance(choice, str)]


def is_model(annotation: Annotation) -> TypeGuard[type[BaseModel]]:
    """Tell whether `annotation` is a class of pydantic models."""
    return isclass(annotation) and issubclass(annotation, BaseModel)


def require_frozen(kind: type[BaseModel], *, seen: frozenset[type] = frozenset()) -> None:
    """Refuse a model that could change after it was made, in itself or further down.

    Raises:
        ValidationError: It is not frozen, takes extras, or a field can change; the message says
            which.
    """
    if kind.model_config.get("extra") == "allow":
        raise _mutable(kind.__name__, "sets extra to allow; name every field, or use a Mapping")
    if not kind.model_config.get("frozen"):
        raise _mutable(kind.__name__, "is not frozen; set model_config = ConfigDict(frozen=True)")
    for name, field in kind.model_fields.items():
        for one in _all_members(field.annotation):
            _require_frozen_member(one, f"{kind.__name__}.{name}", seen | {kind})


def _require_frozen_member(one: Annotation, place: str, seen: frozenset[type]) -> None:
    found = _class_of(one)
    if found is None or found in seen or found is FrozenMapping:
        return
    if issubclass(found, BaseSettings):
        raise _mutable(place, "is settings of its own; nest a frozen pydantic.BaseModel instead")
    if issubclass(found, _MUTABLE):
        raise _mutable(place, f"is a {found.__name__}, which can change; {_INSTEAD}")
    if _is_mutable_dataclass(found):
        raise _mutable(place, f"is a {found.__name__}, which is not frozen; freeze the dataclass")
    if is_model(found):
        require_frozen(found, seen=seen)


def _is_mutable_dataclass(found: type) -> bool:
    parameters = getattr(found, "__dataclass_params__", None)
    return parameters is not None and not parameters.frozen


def _all_members(annotation: Annotation) -> Iterator[Annotation]:
    for one in members(annotation):
        yield one
        if get_origin(one) is not Literal:
            for part in get_args(one):
                yield from _all_members(part)


def _below(one: Annotation, step: str | int) -> Iterator[Annotation]:
    """Yield the annotation of `step` inside `one`, if it can have one."""
    found = _class_of(one)
    inner = get_args(one)
    if found is object or found is None:
        yield object
    elif is_model(found):
        yield from (
            field.annotation
            for name, field in found.model_fields.items()
            if step in {name, field.alias, *aliases(field)}
        )
    elif issubclass(found, Mapping):
        yield inner[1] if len(inner) > 1 else object
    elif issubclass(found, tuple) and inner and inner[-1] is not ...:
        yield from inner[int(step) : int(step) + 1]
    elif _is_container(found):
        yield inner[0] if inner else object


def _class_of(one: Annotation) -> type | None:
    found = get_origin(one) or one
    return found if isclass(found) else None


def _is_container(found: type) -> bool:
    if issubclass(found, str | bytes | Enum):
        return False
    return issubclass(found, (BaseModel, Mapping, Sequence, AbstractSet)) or is_dataclass(found)


def _mutable(place: str, problem: str) -> ValidationError:
    return ValidationError(f"{place} {problem}", field=place, expected="what cannot change")
