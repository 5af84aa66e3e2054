"""Check that a settings class is deeply frozen, and freeze values."""

from collections.abc import Iterator, Mapping, MutableMapping, MutableSequence, MutableSet
from copy import copy
from operator import is_
from typing import Final, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_settings import BaseSettings

from tradai.core._documents.json_values import FrozenMapping
from tradai.core._documents.yaml_scalars import WrittenFloat
from tradai.core._settings.slots import members
from tradai.core.exceptions import ValidationError

_MUTABLE: Final = (MutableMapping, MutableSequence, MutableSet, bytearray)
_INSTEAD: Final = "write tuple[X, ...], frozenset[X] or Mapping[str, X]"


def freeze_fields(model: BaseModel) -> None:
    """Replace lists, sets and mappings in the fields of `model` by types that cannot change.

    A nested model is copied only when something in it could change: a caller may have given it.
    """
    held = vars(model)
    held.update({name: _frozen(value) for name, value in held.items()})


def require_frozen(kind: type[BaseModel], *, seen: frozenset[type] = frozenset()) -> None:
    """Refuse a model that could change, or that holds a type that could.

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
        held = {name: _frozen(one) for name, one in vars(value).items()}
        if all(held[name] is one for name, one in vars(value).items()):
            return value
        value = copy(value)
        vars(value).update(held)
    elif isinstance(value, Mapping):
        return FrozenMapping({key: _frozen(item) for key, item in value.items()})
    elif isinstance(value, list) or type(value) is tuple:
        items = tuple(map(_frozen, value))
        return value if all(map(is_, items, value)) and isinstance(value, tuple) else items
    elif isinstance(value, set):
        return frozenset(value)
    return float(value) if isinstance(value, WrittenFloat) else value


def _require_frozen_member(one: object, place: str, seen: frozenset[type]) -> None:
    found = get_origin(one) or one
    if not isinstance(found, type) or found in seen or found is FrozenMapping:
        return
    if issubclass(found, BaseSettings):
        raise _mutable(place, "is settings of its own; nest a frozen pydantic.BaseModel instead")
    if issubclass(found, _MUTABLE):
        raise _mutable(place, f"is a {found.__name__}, which can change; {_INSTEAD}")
    parameters = getattr(found, "__dataclass_params__", None)
    if parameters is not None and not parameters.frozen:
        raise _mutable(place, f"is a {found.__name__}, which is not frozen; freeze the dataclass")
    if issubclass(found, BaseModel):
        require_frozen(found, seen=seen)


def _all_members(annotation: object) -> Iterator[object]:
    for one, _ in members(annotation):
        yield one
        if get_origin(one) is not Literal:
            for part in get_args(one):
                yield from _all_members(part)


def _mutable(place: str, problem: str) -> ValidationError:
    return ValidationError(f"{place} {problem}", field=place, expected="a type that cannot change")
