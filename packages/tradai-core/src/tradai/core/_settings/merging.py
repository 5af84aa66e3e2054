"""Merge layers of settings, and the default instances of models below them."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Final, Literal, final, get_origin

from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError

from tradai.core._settings.slots import Slot, slot_of

_ABSENT: Final = object()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Merger:
    """Merges mappings with mappings, and with instances that are defaults or arguments.

    Attributes:
        is_over_defaults: Whether a mapping for a field merges with its default instance.
        folders: Path that was taken from a file -> folder of that file, for validators.
    """

    is_over_defaults: bool
    folders: Mapping[str, Path] = field(default_factory=dict)

    def laid_over(self, slot: Slot, lower: Any, upper: Any) -> Any:
        """Return `upper` over `lower`: mappings merge key by key, anything else replaces.

        Values held by an instance are taken unchanged. Keys stay as they were written; of
        several keys for one field, the one in `upper`.
        """
        if not isinstance(upper, Mapping):
            return upper
        found = dict(parts(lower) or {})
        is_instance = bool(found) and not isinstance(lower, Mapping)
        kind: Any = type(lower)
        around = slot_of(kind) if is_instance else slot
        written: dict[Any, Any] = {around.enter(key)[0]: key for key in found}
        for key, value in upper.items():
            name, inside = around.enter(key)
            old: Any = written.get(name, key)
            below = found.get(old, _ABSENT) if old == key else found.pop(old)
            if isinstance(value, Mapping) and below is _ABSENT and self.is_over_defaults:
                below = _default(around.model, str(name))
            found[key] = self.laid_over(inside, below, value)
        return self._of_class(slot, lower, upper, found) if is_instance else found

    def _of_class(
        self, slot: Slot, lower: object, upper: Mapping[str, Any], found: dict[str, Any]
    ) -> Any:
        """Return the merged fields of `lower`; in a union, as an instance of its class."""
        if not {*slot.classes} - {NoneType, type(lower)}:
            return found
        kind: Any = type(lower)
        if any(_is_other_tag(slot_of(kind).enter(key)[1], value) for key, value in upper.items()):
            return dict(upper)
        options: Any = {"extra": "forbid", "by_name": True, "context": self.folders}
        # A class of a local scope has no adapter; validation of the whole reports what is wrong.
        with suppress(PydanticUserError, ValidationError):
            return TypeAdapter(kind).validate_python(found, **options)
        return found


def _is_other_tag(slot: Slot, value: Any) -> bool:
    """Tell whether `value` is the tag of another member: a literal that this one refuses."""
    is_tag = slot.members and all(get_origin(one) is Literal for one in slot.members)
    try:
        if is_tag and slot.adapter:
            slot.adapter.validate_python(value)
    except ValidationError:
        return True
    return False


def parts(value: Any) -> Mapping[str, Any] | None:
    """Return the fields of a model or dataclass by name, without its serializers; or a mapping."""
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    # A class with its own schema is a single value, such as a path on S3.
    is_single = isinstance(value, type) or hasattr(value, "__get_pydantic_core_schema__")
    if is_dataclass(value) and not is_single:
        return {one.name: getattr(value, one.name) for one in fields(value) if one.init}
    return value if isinstance(value, Mapping) else None


def _default(kind: type[BaseModel] | None, name: str) -> Any:
    """Return the default instance of a field; a default mapping is used whole or not at all."""
    one = kind.model_fields.get(name) if kind else None
    if one is None or one.default_factory_takes_validated_data:
        return None
    default = one.get_default(call_default_factory=True)
    return None if isinstance(default, Mapping) else default
