"""The fields that a class declares, so that they can be shown by name."""

import dataclasses
from collections.abc import Iterable, Mapping
from types import SimpleNamespace

from tradai.core._secrets.sensitive_keys import is_sensitive_key


def declared_fields(value: object) -> Mapping[str, object] | None:
    """Return the fields of a dataclass, pydantic model, attrs class or named tuple by name.

    A field that its class leaves out of its ``repr`` is left out. None for anything else, and for
    a class that says itself how to print it, unless one of its fields is secret by name.
    """
    if isinstance(value, SimpleNamespace):
        return vars(value)
    names = _names(type(value))
    if names is None:
        return None
    fields = {name: getattr(value, name, None) for name in names}
    fields |= getattr(value, "__pydantic_extra__", None) or {}
    is_safe_text = _prints_itself(type(value)) and not any(map(is_sensitive_key, fields))
    return None if is_safe_text else fields


def _names(kind: type) -> Iterable[str] | None:
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind) if field.repr]
    if isinstance(model := getattr(kind, "model_fields", None), Mapping):
        return [name for name, field in model.items() if field.repr]
    if isinstance(attrs := getattr(kind, "__attrs_attrs__", None), tuple):
        return [attribute.name for attribute in attrs if attribute.repr]
    return getattr(kind, "_fields", None) if issubclass(kind, tuple) else None


def _prints_itself(kind: type) -> bool:
    home = next(base for base in kind.__mro__ if "__str__" in vars(base))
    return home is not object and not home.__module__.startswith("pydantic.")
