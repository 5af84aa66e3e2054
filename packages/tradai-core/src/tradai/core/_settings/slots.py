"""Slots: places of values in settings, with the types that each may hold."""

import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set as AbstractSet
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cached_property
from inspect import isclass
from typing import Annotated, Any, Final, TypeAlias, final, get_args, get_origin

import pydantic
from pydantic import AliasChoices, BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from tradai.core._documents.tree import KeyPath
from tradai.core._secrets.secret import Secret

Annotation: TypeAlias = object
Fields: TypeAlias = Mapping[str, tuple[str, "Slot"]]

_UNIONS: Final = (typing.Union, types.UnionType)
_NONE: Final = type(None)
_CONVERTERS: Final = (pydantic.BeforeValidator, pydantic.PlainValidator, pydantic.WrapValidator)


@final
class Slot:
    """A place of a value in settings, with the annotations of its types.

    Attributes:
        members: Members of their unions, without the metadata of `Annotated`.
        classes: The members that are classes, without parameters.
        is_converted: Whether a validator may change the value before pydantic checks it.
    """

    def __init__(self, *annotations: Annotation, is_converted: bool = False) -> None:
        """Describe a value of any of `annotations`."""
        self._annotations = annotations
        found = [pair for each in annotations for pair in members(each)]
        self.members = tuple(member for member, _ in found)
        self.is_converted = is_converted or any(converts(marks) for _, marks in found)
        origins = (get_origin(one) or one for one in self.members)
        self.classes: tuple[type, ...] = tuple(filter(isclass, origins))

    @cached_property
    def adapter(self) -> TypeAdapter[Any] | None:
        """Validator of a single value; None if the value can only be validated with the others."""
        if self.is_converted or not self.members:
            return None
        config = pydantic.ConfigDict(arbitrary_types_allowed=True)
        union: Any = typing.Union
        try:
            return TypeAdapter(union[self.members], config=config)
        except (pydantic.errors.PydanticUserError, NameError, TypeError):
            return None

    @cached_property
    def model(self) -> type[BaseModel] | None:
        """The model among the members, if there is exactly one."""
        found = [one for one in self.classes if issubclass(one, BaseModel)]
        return found[0] if len(found) == 1 else None

    @cached_property
    def fields(self) -> Fields:
        """Each key of a model or dataclass (name or alias) -> name of the field, and its slot."""
        found: dict[str, tuple[str, Slot]] = {}
        for key, (name, slot) in (item for one in self.classes for item in _fields(one).items()):
            found[key] = (name, slot.joined(found[key][1]) if key in found else slot)
        return found

    def joined(self, other: "Slot") -> "Slot":
        """Return the slot of a value that fits this one or `other`."""
        is_converted = self.is_converted or other.is_converted
        return Slot(*self._annotations, *other._annotations, is_converted=is_converted)

    def is_json(self, *, only: bool = False) -> bool:
        """Tell whether some members (`only`: all) are read from JSON: lists, mappings, models."""
        return (all if only else any)(_is_json(one) for one in self.members if one is not _NONE)

    def enter(self, step: Any) -> tuple[str | int, "Slot"]:
        """Return the name of the field with the key `step`, or else `step`, and the slot there."""
        if step in self.fields:
            return self.fields[step]
        items = (item for one in self.members for item in _items(one, step))
        return step if isinstance(step, int) else str(step), Slot(*items)

    def walk(self, keys: Iterable[Any]) -> Iterator[tuple[str | int, str, "Slot"]]:
        """Yield for each key: the name, its text (a star for a key of a mapping), and the slot."""
        slot = self
        for key in keys:
            is_name = isinstance(key, int) or key in slot.fields
            name, slot = slot.enter(key)
            yield name, str(name) if is_name else "*", slot

    def at(self, path: KeyPath) -> "Slot":
        """Return the slot at `path`."""
        return [self, *(slot for _, _, slot in self.walk(path))][-1]

    def shown(self, path: KeyPath) -> list[str]:
        """Return the steps of `path`, without keys of mappings: they are values too."""
        return [text for _, text, _ in self.walk(path)]


def slot_of(kind: Any) -> Slot:
    """Return the slot of the model or dataclass `kind`; it is stored on that class."""
    # A class that was not complete yet gets another slot once it is.
    name = f"_tradai_slot_{getattr(kind, '__pydantic_complete__', True)}"
    if name not in vars(kind):
        setattr(kind, name, Slot(kind))
    found: Slot = vars(kind)[name]
    return found


def members(annotation: Any) -> Iterator[tuple[Annotation, tuple[object, ...]]]:
    """Yield the members of a union, or `annotation` itself, each with its metadata."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from ((one, (*marks, *inner[1:])) for one, marks in members(inner[0]))
    elif origin in _UNIONS or hasattr(annotation, "__value__"):
        for part in inner if origin in _UNIONS else (annotation.__value__,):
            yield from members(part)
    else:
        yield object if annotation is Any else annotation, ()


def converts(marks: Iterable[object]) -> bool:
    """Tell whether metadata has a validator that may change a value before pydantic checks it."""
    late = (one for one in marks if not isinstance(one, pydantic.AfterValidator))
    own = "__get_pydantic_core_schema__"
    return any(isinstance(one, _CONVERTERS) or hasattr(one, own) for one in late)


def _is_json(one: Annotation) -> bool:
    found = get_origin(one) or one
    if found is Secret:
        return Slot(*get_args(one) or (str,)).is_json(only=True)
    if not isclass(found) or issubclass(found, str | bytes | Enum):
        return False
    # A dataclass with its own schema is a single value.
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


def _fields(kind: Any) -> Fields:
    """Return each key of a model or dataclass -> name of the field, and its slot."""
    infos = getattr(kind, "__pydantic_fields__", None) or _plain_fields(kind)
    converted = _converted(kind)
    config = getattr(kind, "model_config", None) or getattr(kind, "__pydantic_config__", {})
    found: dict[str, tuple[str, Slot]] = {}
    for name, field in reversed(infos.items()):
        is_converted = bool({name, "*"} & converted) or converts(field.metadata)
        slot = Slot(field.annotation, is_converted=is_converted)
        alias = field.validation_alias if config.get("validate_by_alias", True) else None
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
        keys = [one for one in choices if isinstance(one, str)]
        found = {name: (name, slot)} | found | dict.fromkeys(keys, (name, slot))
    return found


def _plain_fields(kind: Any) -> dict[str, FieldInfo]:
    """Return the fields of a dataclass of the standard library, which pydantic does not store."""
    if not is_dataclass(kind) or hasattr(kind, "__get_pydantic_core_schema__"):
        return {}
    try:
        hints = typing.get_type_hints(kind, include_extras=True)
    except NameError:  # a class of a local scope
        hints = {}
    found = [(one.name, hints.get(one.name, one.type), one.default) for one in fields(kind)]
    return {name: FieldInfo.from_annotated_attribute(*one) for name, *one in found}


def _converted(kind: Any) -> set[str]:
    """Return the fields that a validator of `kind` may change before pydantic; a star for all."""
    marks = getattr(kind, "__pydantic_decorators__", None)
    if marks is None:  # a dataclass of the standard library
        return {"*" for one in vars(kind).values() if hasattr(one, "decorator_info")}
    infos = [one.info for one in marks.field_validators.values() if one.info.mode != "after"]
    is_early = any(one.info.mode != "after" for one in marks.model_validators.values())
    return {name for info in infos for name in info.fields} | ({"*"} if is_early else set())
