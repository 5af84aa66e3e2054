"""JSON values, as in configuration, journals and manifests, and their frozen form."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TypeAlias, TypeVar, final

from tradai.core._types.pydantic_schemas import JsonField
from tradai.core.exceptions import ValidationError

V = TypeVar("V")

_MAPPING: Final = "a mapping with text keys"
_EXPECTED: Final = f"null, a boolean, a finite number, text, a list, {_MAPPING}"


def _refuse(*_: object, **__: object) -> NoReturn:
    message = "a frozen mapping takes no item assignment: make a dict of it first"
    raise TypeError(message)


@final
class FrozenMapping(dict[str, V]):
    """A dict that cannot change, made of values that cannot change; hashable.

    It is a dict so that every JSON encoder takes it.
    """

    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    # dict itself has no hash because it can change.
    def __hash__(self) -> int:  # type: ignore[override]
        """Hash by content, whatever the order."""
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[object, ...]:
        """Copy and pickle through the constructor: items cannot be set afterwards."""
        return type(self), (dict(self),)

    def __repr__(self) -> str:
        """Show the content like a dict."""
        return f"FrozenMapping({super().__repr__()})"


def freeze(value: object) -> "JsonValue":
    """Return `value` with tuples for lists and frozen mappings for mappings, all the way down.

    A `WrittenFloat` becomes a plain float: its further digits are for exact fields, not for JSON.

    Raises:
        ValidationError: `value` is not JSON, or holds NaN or infinity. The value is not quoted.
    """
    if isinstance(value, Mapping):
        return freeze_object(value)
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    raise _not_json()


def freeze_object(value: object) -> "FrozenMapping[JsonValue]":
    """Return the mapping `value` frozen, like `freeze`."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise _not_json(_MAPPING)
    return FrozenMapping({key: freeze(item) for key, item in value.items()})


def thaw(value: "JsonValue") -> "JsonValue":
    """Return `value` with plain lists and dicts, all the way down."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [thaw(item) for item in value]
    return value


def _check_json(value: object) -> object:
    freeze(value)
    return value


def _not_json(expected: str = _EXPECTED) -> ValidationError:
    return ValidationError(f"a value is not JSON: expected {expected}", expected=expected)


if TYPE_CHECKING:
    JsonValue: TypeAlias = (
        bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"] | None
    )
    FrozenJson: TypeAlias = JsonValue
    JsonObject: TypeAlias = Mapping[str, JsonValue]
else:
    JsonValue = Annotated[object, JsonField(_check_json)]
    FrozenJson = Annotated[object, JsonField(freeze, dump=thaw)]
    JsonObject = Annotated[object, JsonField(freeze_object, dump=thaw)]
# Definition of JSON values: https://www.rfc-editor.org/rfc/rfc8259#section-3.
"""A JSON value: null, a boolean, a finite number, text, a list or a mapping with text keys."""
