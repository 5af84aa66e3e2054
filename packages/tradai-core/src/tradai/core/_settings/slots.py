"""Types of the places in settings: members of unions, fields of models, items of containers."""

import types
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set as AbstractSet
from dataclasses import is_dataclass
from enum import Enum
from functools import cached_property, lru_cache
from inspect import isclass
from types import NoneType
from typing import Annotated, Any, Final, TypeAlias, Union, final, get_args, get_origin
from typing import get_type_hints

import pydantic
from pydantic import AliasChoices, BaseModel

from tradai.core._documents.tree import Path as KeyPath
from tradai.core._secrets.secret import Secret

__all__ = ["Annotation", "Slot", "members", "slot_of"]

Annotation: TypeAlias = object

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
        found = (one for each in self._annotations for one in _judged(each))
        return (object,) if self._is_converted else tuple(found)

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
    def fields(self) -> Mapping[str, tuple[str, "Slot"]]:
        """Each key that reaches a field of a model or dataclass -> its name, and its place."""
        found: dict[str, tuple[str, Slot]] = {}
        for key, (name, slot) in (item for one in self.classes for item in _fields(one).items()):
            found[key] = (name, found[key][1]._joined(slot) if key in found else slot)
        return found

    @property
    def names(self) -> list[str]:
        """The names of the fields, sorted."""
        return sorted({name for name, _ in self.fields.values()})

    def enter(self, step: Any) -> tuple[str | int, "Slot"]:
        """Return the name of the field at the key `step`, or else `step`, and the place inside."""
        if step in self.fields:
            return self.fields[step]
        items = (item for one in self.members for item in _items(one, step))
        return step if isinstance(step, int) else str(step), Slot(*items)

    def at(self, path: KeyPath) -> "Slot":
        """Return the place at `path`."""
        slot = self
        for step in path:
            _, slot = slot.enter(step)
        return slot

    def path(self, keys: Iterable[str]) -> KeyPath:
        """Return the path of what is at `keys`, by the names of fields."""
        slot, found = self, []
        for key in keys:
            name, slot = slot.enter(key)
            found.append(name)
        return tuple(found)

    def shown(self, path: KeyPath) -> list[str]:
        """Return the steps of `path` as text, stars for keys of mappings: they are values too."""
        slot, found = self, []
        for step in path:
            is_name = isinstance(step, int) or step in slot.fields
            found.append(str(step) if is_name else "*")
            _, slot = slot.enter(step)
        return found

    def _joined(self, other: "Slot") -> "Slot":
        is_converted = self._is_converted or other._is_converted
        return Slot(*self._annotations, *other._annotations, is_converted=is_converted)


@lru_cache(maxsize=512)
def slot_of(kind: type) -> Slot:
    """Return the place of an instance of `kind`."""
    return Slot(kind)


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


def _judged(annotation: Annotation) -> Iterator[Annotation]:
    if get_origin(annotation) is Annotated and _converts(get_args(annotation)[1:]):
        yield object
    elif (get_origin(annotation) or annotation) is Secret:
        yield from _judged(next(iter(get_args(annotation)), str))
    elif get_origin(annotation) in _UNIONS:
        for part in get_args(annotation):
            yield from _judged(part)
    else:
        yield from (one for one in members(annotation) if one is not NoneType)


def _converts(metadata: Iterable[object]) -> bool:
    """Tell whether a validator in `metadata` sees values before pydantic does, or may."""
    return any(
        isinstance(one, _CONVERTERS)
        or (
            hasattr(one, "__get_pydantic_core_schema__")
            and not isinstance(one, pydantic.AfterValidator)
        )
        for one in metadata
    )


def _is_json(one: Annotation) -> bool:
    found = get_origin(one) or one
    if found is Secret:
        return not Slot(*get_args(one)[:1] or (str,)).takes_text
    if not isclass(found) or issubclass(found, str | bytes | Enum):
        return False
    # A dataclass with a schema of its own says itself what it is made from.
    is_own = hasattr(found, "__get_pydantic_core_schema__")
    is_container = issubclass(found, BaseModel | Mapping | Sequence | AbstractSet)
    return is_container or (is_dataclass(found) and not is_own)


def _items(one: Annotation, step: object) -> tuple[Annotation, ...]:
    """Return the annotation of what is at `step` of a container."""
    kind, inner = get_origin(one) or one, get_args(one)
    if not isclass(kind):
        return ()
    if issubclass(kind, Mapping):
        return inner[1:2]
    if issubclass(kind, tuple) and inner[-1:] != (...,):
        return inner[step : step + 1] if isinstance(step, int) else ()
    return inner[:1] if issubclass(kind, Sequence | AbstractSet) else ()


@lru_cache(maxsize=512)
def _fields(kind: type) -> Mapping[str, tuple[str, Slot]]:
    """Return each key of a model or dataclass -> the name of its field, and its place."""
    if issubclass(kind, BaseModel):
        return _model_fields(kind)
    names = getattr(kind, "__dataclass_fields__", ())
    try:
        hints = get_type_hints(kind, include_extras=True) if names else {}
    except NameError:  # a class of a local scope
        hints = {}
    return {name: (name, Slot(hints.get(name, object))) for name in names}


def _model_fields(kind: type[BaseModel]) -> Mapping[str, tuple[str, Slot]]:
    decorators = kind.__pydantic_decorators__
    early = [one.info for one in decorators.field_validators.values() if one.info.mode != "after"]
    is_early = any(one.info.mode != "after" for one in decorators.model_validators.values())
    converted = {name for info in early for name in info.fields}
    found, aliases = {}, {}
    for name, field in kind.model_fields.items():
        is_converted = is_early or name in converted or _converts(field.metadata)
        found[name] = (name, Slot(field.annotation, is_converted=is_converted))
        alias = field.validation_alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
        aliases |= {one: found[name] for one in choices if isinstance(one, str)}
    return found | (aliases if kind.model_config.get("validate_by_alias") is not False else {})
