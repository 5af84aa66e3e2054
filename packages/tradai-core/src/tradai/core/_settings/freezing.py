"""Settings that cannot change: a check of their classes, and frozen values."""

from collections.abc import (
    Collection,
    Iterator,
    Mapping,
    MutableMapping,
    MutableSequence,
    MutableSet,
)
from copy import copy
from typing import Final, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel
from pydantic_settings import BaseSettings

from tradai.core._documents.json_values import FrozenMapping
from tradai.core._documents.yaml_scalars import WrittenFloat
from tradai.core._settings.annotations import Annotation, class_of, is_model, members
from tradai.core.exceptions import ValidationError

__all__ = ["freeze_fields", "require_frozen"]

M = TypeVar("M", bound=BaseModel)

_MUTABLE: Final = (MutableMapping, MutableSequence, MutableSet, bytearray)
_INSTEAD: Final = "write tuple[X, ...], frozenset[X] or Mapping[str, X]"


def freeze_fields(model: BaseModel) -> None:
    """Make tuples, frozen sets and frozen mappings of what the fields of `model` hold.

    A nested model is copied only when something in it could change: a caller may have given it.
    """
    held = vars(model)
    held.update({name: _frozen(value) for name, value in held.items()})


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


def _frozen(value: object) -> object:
    if isinstance(value, BaseModel):
        return _frozen_model(value)
    if isinstance(value, Mapping):
        items = {key: _frozen(item) for key, item in value.items()}
        is_frozen = isinstance(value, FrozenMapping)
        return value if is_frozen and _are_same(items, value) else FrozenMapping(items)
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    if type(value) is tuple:
        items = tuple(map(_frozen, value))
        return value if _are_same(items, value) else items
    if isinstance(value, set):
        return frozenset(value)
    return float(value) if isinstance(value, WrittenFloat) else value


def _frozen_model(model: M) -> M:
    held = vars(model)
    frozen = {name: _frozen(value) for name, value in held.items()}
    if _are_same(frozen, held):
        return model
    model = copy(model)
    vars(model).update(frozen)
    return model


def _are_same(left: Collection[object], right: Collection[object]) -> bool:
    """Tell whether two mappings or two tuples hold the same objects."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        left, right = left.values(), right.values()
    return all(one is other for one, other in zip(left, right, strict=True))


def _require_frozen_member(one: Annotation, place: str, seen: frozenset[type]) -> None:
    found = class_of(one)
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


def _mutable(place: str, problem: str) -> ValidationError:
    return ValidationError(f"{place} {problem}", field=place, expected="a type that cannot change")
