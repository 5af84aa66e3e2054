"""Scan of values for secrets, and the two states in which a value is not shared."""

from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from dataclasses import fields, is_dataclass

from tradai.core import Secret

__all__ = ["Uncacheable", "Undecodable", "attribute_values", "refuse_secrets"]


# A state that the cache acts on, not an error that users see.
class Uncacheable(Exception):  # noqa: N818
    """The value contains a secret: it stays in this process."""


# A state that the cache acts on, not an error that users see.
class Undecodable(Exception):  # noqa: N818
    """The bytes are not a value of this codec."""


def refuse_secrets(value: object) -> None:
    """Raise `Uncacheable` when `value` contains a secret at any depth."""
    visited: set[int] = set()
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str | bytes | int | float | None) or id(item) in visited:
            continue
        # By method name: values without a SecretStr do not pay for importing pydantic.
        if isinstance(item, Secret) or callable(getattr(type(item), "get_secret_value", None)):
            message = f"a value holds a {type(item).__name__}: it stays in this process"
            raise Uncacheable(message)
        visited.add(id(item))
        pending.extend(_parts(item))


def _parts(value: object) -> Iterable[object]:
    """Return the items and attributes of `value`."""
    if isinstance(value, type):
        return ()
    if isinstance(value, Mapping):
        return (*value.keys(), *value.values(), *attribute_values(value))
    if isinstance(value, Sequence | AbstractSet):
        return (*value, *attribute_values(value))
    return attribute_values(value)


def attribute_values(value: object) -> list[object]:
    """Return the attributes of `value`; pydantic keeps extra and private ones separately."""
    slots = [field.name for field in fields(value)] if is_dataclass(value) else ()
    values = [*getattr(value, "__dict__", {}).values()]
    values += [getattr(value, name, None) for name in slots]
    separate = ("__pydantic_extra__", "__pydantic_private__")
    return values + [getattr(value, name) for name in separate if hasattr(value, name)]
