"""Values that are not shared: those that hold a secret, and bytes that are no value."""

from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from dataclasses import fields, is_dataclass

from tradai.core import Secret

__all__ = ["Uncacheable", "Undecodable", "attribute_values", "refuse_secrets"]


# States that the cache acts on; no caller of ours ever sees them.
class Uncacheable(Exception):  # noqa: N818
    """The value holds a secret: it stays in this process."""


# As above.
class Undecodable(Exception):  # noqa: N818
    """The bytes are no value of this codec."""


def refuse_secrets(value: object) -> None:
    """Raise `Uncacheable` when there is a secret anywhere inside `value`."""
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str | bytes | int | float | None) or id(item) in seen:
            continue
        # By its method, so that nobody who has no SecretStr pays for importing pydantic.
        if isinstance(item, Secret) or callable(getattr(type(item), "get_secret_value", None)):
            message = f"a value holds a {type(item).__name__}: it stays in this process"
            raise Uncacheable(message)
        seen.add(id(item))
        waiting.extend(_parts(item))


def _parts(value: object) -> Iterable[object]:
    """Return what is directly inside `value`."""
    if isinstance(value, type):
        return ()
    if isinstance(value, Mapping):
        return (*value.keys(), *value.values(), *attribute_values(value))
    if isinstance(value, Sequence | AbstractSet):
        return (*value, *attribute_values(value))
    return attribute_values(value)


def attribute_values(value: object) -> list[object]:
    """Return what attributes of `value` hold; pydantic keeps extra and private ones apart."""
    slots = [field.name for field in fields(value)] if is_dataclass(value) else ()
    held = [*getattr(value, "__dict__", {}).values()]
    held += [getattr(value, name, None) for name in slots]
    apart = ("__pydantic_extra__", "__pydantic_private__")
    return held + [getattr(value, name) for name in apart if hasattr(value, name)]
