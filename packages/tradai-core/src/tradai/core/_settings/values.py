"""Values of settings: from Python to JSON before they are validated, frozen afterwards."""

from collections.abc import Mapping, Set as AbstractSet
from decimal import Decimal
from enum import Enum
from typing import Final

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic_core import PydanticSerializationError, to_jsonable_python

from tradai.core._documents.json_values import FrozenMapping, JsonValue
from tradai.core._documents.tree import Path
from tradai.core._documents.yaml_scalars import WrittenFloat
from tradai.core._secrets.secret import Secret
from tradai.core._settings.annotations import annotation_at, classes

SECRETS: Final = (Secret, SecretBytes, SecretStr)
_LISTS: Final = (list, tuple, AbstractSet)


def to_json(value: object) -> JsonValue:
    """Return the JSON that `value` is written as; what JSON cannot say becomes its text."""
    value = _unwrap(value)
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, _LISTS):
        return [to_json(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    try:
        plain: JsonValue = to_jsonable_python(value)
    except (PydanticSerializationError, UnicodeDecodeError):
        plain = str(value)
    return plain


def keep_digits(kind: type[BaseModel], values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return `values` with the text of a number for each decimal that JSON would round."""
    return {name: _keep_digits(kind, value, (name,)) for name, value in values.items()}


def value_at(values: JsonValue, path: Path) -> JsonValue:
    """Return what is at `path` of `values`, which must have it."""
    for step in path:
        if isinstance(values, Mapping):
            values = values[str(step)]
        elif isinstance(values, list | tuple):
            values = values[int(step)]
    return values


def freeze_fields(model: BaseModel) -> None:
    """Make tuples, frozen sets and frozen mappings of what the fields of `model` hold.

    Nested models are frozen in place: pydantic has just made them for `model` alone.
    """
    fields = vars(model)
    fields.update({name: _frozen(value) for name, value in fields.items()})


def _keep_digits(kind: type[BaseModel], value: JsonValue, path: Path) -> JsonValue:
    if isinstance(value, Mapping):
        return {key: _keep_digits(kind, item, (*path, key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_keep_digits(kind, item, (*path, place)) for place, item in enumerate(value)]
    is_rounded = isinstance(value, WrittenFloat)
    return str(value) if is_rounded and Decimal in classes(annotation_at(kind, path)) else value


def _frozen(value: object) -> object:
    if isinstance(value, BaseModel):
        freeze_fields(value)
    elif isinstance(value, Mapping):
        return FrozenMapping({key: _frozen(item) for key, item in value.items()})
    elif isinstance(value, list) or type(value) is tuple:
        return tuple(_frozen(item) for item in value)
    elif isinstance(value, set):
        return frozenset(value)
    return value


def _unwrap(value: object) -> object:
    """Return what a secret, a member of an enumeration or a model holds."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, SecretStr | SecretBytes):
        return value.get_secret_value()
    if isinstance(value, Enum):
        return _unwrap(value.value)
    return value.model_dump(by_alias=True) if isinstance(value, BaseModel) else value
