"""Types of the places in settings: members of unions, fields of models, items of containers."""

import types
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set as AbstractSet
from dataclasses import is_dataclass
from enum import Enum
from functools import cached_property, lru_cache
from inspect import isclass
from types import NoneType
from typing import (
    Annotated,
    Any,
    Final,
    TypeAlias,
    Union,
    final,
    get_args,
    get_origin,
    get_type_hints,
)

import pydantic
from pydantic import AliasChoices, BaseModel

from tradai.core._documents.tree import Path as KeyPath
from tradai.core._secrets.secret import Secret

__all__ = ["Annotation", "Slot", "members", "slot_of"]

Annotation: TypeAlias = object
Fields: TypeAlias = Mapping[str, tuple[str, "Slot"]]

_UNIONS: Final = (Union, types.UnionType)
_CONVERTERS: Final = (pydantic.BeforeValidator, pydantic.PlainValidator, pydantic.WrapValidator)


@final
class Slot:
    """A place in settings, by the annotations of what it may hold.

    Attributes:
        members: Members of their unions, without the metadata of `Annotated`.
        classes: Those of them that are classes, without parameters.
    """

    def __init__(self, *annotations: Annotation, is_converted: bool = False) -> None:
        """Make the place; `is_converted` if a validator sees its values before pydantic does."""
        self._annotations = annotations
        self._is_converted = is_converted
        self.members = tuple(one for each in annotations for one in members(each))
        origins = (get_origin(one) or one for one in self.members)
        self.classes: tuple[type, ...] = tuple(filter(isclass, origins))

    @cached_property
    def judged(self) -> tuple[Annotation, ...]:
        """Members that are not None; `object` for one that makes its values in a way of its own."""
        if self._is_converted:
            return (object,)
        found = (one for each in self._annotations for one in members(each, is_judged=True))
        return tuple(one for one in found if one is not NoneType)

    @cached_property
    def model(self) -> type[BaseModel] | None:
        """The model among the members, if there is exactly one."""
        found = [one for one in self.classes if issubclass(one, BaseModel)]
        return found[0] if len(found) == 1 else None

    @cached_property
    def is_json(self) -> bool:
        """Whether text may be JSON of a list, a mapping or a model."""
        return any(map(_is_json, self.members))

    @cached_property
    def takes_text(self) -> bool:
        """Whether text may be the value itself."""
        return not all(_is_json(one) for one in self.members if one is not NoneType)

    @cached_property
    def fields(self) -> Fields:
        """Each key that reaches a field of a model or dataclass -> its name, and its place."""
        found: dict[str, tuple[str, Slot]] = {}
        for key, (name, slot) in (item for one in self.classes for item in _fields(one).items()):
            found[key] = (name, slot.joined(found[key][1]) if key in found else slot)
        return found

    def enter(self, step: Any) -> tuple[str | int, "Slot"]:
        """Return the name of the field at the key `step`, or else `step`, and the place inside."""
        if step in self.fields:
            return self.fields[step]
        items = (item for one in self.members for item in _items(one, step))
        return step if isinstance(step, int) else str(step), Slot(*items)

    def walk(self, keys: Iterable[Any]) -> Iterator[tuple[str | int, str, "Slot"]]:
        """Yield the name of each of `keys`, its text, a star for one of a mapping, and its place."""
        slot = self
        for key in keys:
            is_name = isinstance(key, int) or key in slot.fields
            name, slot = slot.enter(key)
            yield name, str(name) if is_name else "*", slot

    def joined(self, other: "Slot") -> "Slot":
        """Return the place of what this or `other` may hold."""
        both = self._annotations + other._annotations
        return Slot(*both, is_converted=self._is_converted or other._is_converted)

    def at(self, path: KeyPath) -> "Slot":
        """Return the place at `path`."""
        return [self, *(slot for _, _, slot in self.walk(path))][-1]

    def shown(self, path: KeyPath) -> list[str]:
        """Return the steps of `path`, without keys of mappings: they are values too."""
        return [text for _, text, _ in self.walk(path)]


@lru_cache(maxsize=512)
def slot_of(kind: type) -> Slot:
    """Return the place of an instance of `kind`."""
    return Slot(kind)


def members(annotation: Annotation, *, is_judged: bool = False) -> Iterator[Annotation]:
    """Yield the members of a union, or `annotation` itself, without the metadata of `Annotated`.

    If `is_judged`, `object` stands for one that makes its values in a way of its own, and what it
    holds for a secret.
    """
    origin, inner = get_origin(annotation), get_args(annotation)
    if is_judged and origin is Annotated and _converts(inner[1:]):
        yield object
    elif origin is Annotated or (is_judged and (origin or annotation) is Secret):
        yield from members(inner[0] if inner else str, is_judged=is_judged)
    elif origin in _UNIONS or hasattr(annotation, "__value__"):
        for part in inner if origin in _UNIONS else (annotation.__value__,):
            yield from members(part, is_judged=is_judged)
    else:
        yield annotation


def _converts(metadata: Iterable[object]) -> bool:
    """Tell whether a validator in `metadata` sees values before pydantic does, or may."""
    late = (one for one in metadata if not isinstance(one, pydantic.AfterValidator))
    own = "__get_pydantic_core_schema__"
    return any(isinstance(one, _CONVERTERS) or hasattr(one, own) for one in late)


def _is_json(one: Annotation) -> bool:
    found = get_origin(one) or one
    if found is Secret:
        return not Slot(*get_args(one) or (str,)).takes_text
    if not isclass(found) or issubclass(found, str | bytes | Enum):
        return False
    # A dataclass with a schema of its own says itself what it is made from.
    is_own = hasattr(found, "__get_pydantic_core_schema__")
    is_container = issubclass(found, BaseModel | Mapping | Sequence | AbstractSet)
    return is_container or (is_dataclass(found) and not is_own)


def _items(one: Annotation, step: object) -> tuple[Annotation, ...]:
    """Return the annotation of what is at `step` of a container."""
    kind, inner = get_origin(one) or one, get_args(one)
    if not isclass(kind) or not issubclass(kind, Mapping | Sequence | AbstractSet):
        return ()
    if issubclass(kind, tuple) and inner[-1:] != (...,):
        return inner[step : step + 1] if isinstance(step, int) else ()
    return inner[1:2] if issubclass(kind, Mapping) else inner[:1]


@lru_cache(maxsize=512)
def _fields(kind: type) -> Fields:
    """Return each key of a model or dataclass -> the name of its field, and its place."""
    if issubclass(kind, BaseModel):
        return _model_fields(kind)
    names = getattr(kind, "__dataclass_fields__", ())
    try:
        hints = get_type_hints(kind, include_extras=True) if names else {}
    except NameError:  # a class of a local scope
        hints = {}
    return {name: (name, Slot(hints.get(name, object))) for name in names}


def _model_fields(kind: type[BaseModel]) -> Fields:
    marks = kind.__pydantic_decorators__
    early = [one.info for one in marks.field_validators.values() if one.info.mode != "after"]
    is_early = any(one.info.mode != "after" for one in marks.model_validators.values())
    converted = {name for info in early for name in info.fields}
    found: dict[str, tuple[str, Slot]] = {}
    aliases: dict[str, tuple[str, Slot]] = {}
    for name, field in kind.model_fields.items():
        is_converted = is_early or name in converted or _converts(field.metadata)
        found[name] = (name, Slot(field.annotation, is_converted=is_converted))
        alias = field.validation_alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
        aliases |= {one: found[name] for one in choices if isinstance(one, str)}
    return found | (aliases if kind.model_config.get("validate_by_alias") is not False else {})
