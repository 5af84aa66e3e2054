"""Annotations of settings: members of unions, items of containers, keys of models."""

import types
from collections.abc import Iterator, Mapping, Sequence, Set as AbstractSet
from dataclasses import is_dataclass
from enum import Enum
from functools import lru_cache
from inspect import isclass
from types import NoneType
from typing import (
    Annotated,
    Final,
    TypeAlias,
    TypeGuard,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import AliasChoices, BaseModel

from tradai.core._documents.tree import Path as KeyPath
from tradai.core._secrets.secret import Secret

__all__ = [
    "Annotation",
    "annotation_at",
    "class_of",
    "classes",
    "entered",
    "is_model",
    "keys",
    "known_names",
    "members",
    "single_model",
    "takes_text",
]

Annotation: TypeAlias = object

_UNIONS: Final = (Union, types.UnionType)


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


def class_of(one: Annotation) -> type | None:
    """Return the class of a member, without its parameters; None when it is not a class."""
    found = get_origin(one) or one
    return found if isclass(found) else None


def classes(annotation: Annotation) -> list[type]:
    """Return the classes whose instances `annotation` may be; parameters left out."""
    found = (class_of(one) for one in members(annotation))
    return [one for one in found if one is not None]


def is_model(annotation: Annotation) -> TypeGuard[type[BaseModel]]:
    """Tell whether `annotation` is a class of pydantic models."""
    return isclass(annotation) and issubclass(annotation, BaseModel)


def single_model(annotation: Annotation) -> type[BaseModel] | None:
    """Return the model that `annotation` is, None aside; None for a union of several."""
    found = [one for one in classes(annotation) if is_model(one)]
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=512)
def keys(kind: type) -> Mapping[str, str]:
    """Return each key that reaches a field of a model or dataclass -> the name of the field."""
    if not is_model(kind):
        return {name: name for name in getattr(kind, "__dataclass_fields__", ())}
    found: dict[str, str] = {}
    if kind.model_config.get("validate_by_alias") is not False:
        for name, field in kind.model_fields.items():
            alias = field.validation_alias
            choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
            found |= {choice: name for choice in choices if isinstance(choice, str)}
    return {name: name for name in kind.model_fields} | found


def known_names(annotation: Annotation) -> list[str]:
    """Return the names of the fields of the models and dataclasses in `annotation`."""
    return sorted({name for one in classes(annotation) for name in keys(one).values()})


def entered(annotation: Annotation, step: object) -> tuple[str | int, Annotation | None]:
    """Return the field's name, or else `step`, and the annotation of what is at `step` inside.

    The annotation is None where no type says what is there.
    """
    name = step if isinstance(step, int) else str(step)
    found = []
    for one in members(annotation):
        kind = class_of(one)
        if kind is None:
            continue
        if step in keys(kind):
            name = keys(kind)[str(step)]
            found.append(_field_annotation(kind, name))
        elif not is_model(kind):
            found += _item_annotation(kind, get_args(one), step)
    # The bar cannot join what is only known when it runs, such as a forward reference.
    joined = found[0] if len(found) == 1 else Union[tuple(found)] if found else None  # noqa: UP007
    return name, joined


def annotation_at(kind: type[BaseModel], path: KeyPath) -> Annotation | None:
    """Return the annotation of what is at `path` below `kind`; None where no type says so."""
    annotation: Annotation | None = kind
    for step in path:
        _, annotation = entered(annotation, step)
    return annotation


def takes_text(annotation: Annotation) -> bool:
    """Tell whether text may be the value itself, rather than JSON of a list, mapping or model."""
    return any(not _is_json(one) for one in members(annotation) if one is not NoneType)


def _is_json(one: Annotation) -> bool:
    found = class_of(one)
    if found is None or issubclass(found, str | bytes | Enum):
        return False
    if found is Secret:
        return not takes_text(next(iter(get_args(one)), str))
    if issubclass(found, BaseModel | Mapping | Sequence | AbstractSet):
        return True
    # A dataclass with a schema of its own says itself what it is made from.
    return is_dataclass(found) and not hasattr(found, "__get_pydantic_core_schema__")


@lru_cache(maxsize=4096)
def _field_annotation(kind: type, name: str) -> Annotation:
    if is_model(kind):
        return kind.model_fields[name].annotation
    try:
        return get_type_hints(kind, include_extras=True)[name]
    except NameError:  # a class of a local scope
        return object


def _item_annotation(kind: type, inner: tuple[Annotation, ...], step: object) -> list[Annotation]:
    if issubclass(kind, Mapping):
        return [*inner[1:2]]
    if issubclass(kind, tuple) and inner and inner[-1] is not ...:
        return [*inner[step : step + 1]] if isinstance(step, int) else []
    is_container = issubclass(kind, Sequence | AbstractSet) and not issubclass(kind, str | bytes)
    return [*inner[:1]] if is_container else []
