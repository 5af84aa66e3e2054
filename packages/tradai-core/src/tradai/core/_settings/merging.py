"""Layers of settings laid over one another as they are, and over the defaults of models."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Literal, final, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from tradai.core._settings.annotations import (
    Annotation,
    classes,
    entered,
    keys,
    members,
    single_model,
)

__all__ = ["Merger", "parts"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Merger:
    """Lays mappings over mappings, and over the instances that are defaults or were given.

    Attributes:
        is_over_defaults: Whether a mapping for a field merges with its default instance.
        folders: Path that was taken from a file -> folder of that file, for validators.
    """

    is_over_defaults: bool = True
    folders: Mapping[str, Path] = field(default_factory=dict)

    def laid_over(self, annotation: Annotation, lower: object, upper: object) -> object:
        """Return `upper` over `lower`: mappings merge key by key, anything else replaces.

        What an instance holds is taken as it is. Keys stay as they were written; of several keys
        for one field, the one in `upper`.
        """
        if not isinstance(upper, Mapping):
            return upper
        found = dict(parts(lower) or {})
        is_instance = bool(found) and not isinstance(lower, Mapping)
        kind = type(lower) if is_instance else single_model(annotation)
        written = {keys(kind).get(key): key for key in found} if kind else {}
        for key, value in upper.items():
            old = key if key in found or not kind else written.get(keys(kind).get(key), key)
            below = found.pop(old) if old in found and old != key else found.get(key, _ABSENT)
            is_open = isinstance(value, Mapping)
            found[key] = self._inside(kind or annotation, key, below, value) if is_open else value
        return self._of_class(annotation, lower, upper, found) if is_instance else found

    def _inside(
        self, around: Annotation, key: str, below: object, value: Mapping[str, object]
    ) -> object:
        if below is _ABSENT:
            below = _default(around, key) if self.is_over_defaults else None
        return self.laid_over(entered(around, key)[1], below, value)

    def _of_class(
        self,
        annotation: Annotation,
        lower: object,
        upper: Mapping[str, object],
        found: dict[str, object],
    ) -> object:
        """Return what lies over the instance `lower`: of its class, where a union has others."""
        kind = type(lower)
        if len({*classes(annotation)} - {NoneType, kind}) == 0:
            return found
        if any(_is_other_tag(kind, key, value) for key, value in upper.items()):
            return dict(upper)
        try:
            return TypeAdapter(kind).validate_python(
                found, extra="forbid", by_name=True, context=self.folders
            )
        except ValidationError:
            # Validation of the whole says what the field takes.
            return found


_ABSENT = object()


def parts(value: object) -> Mapping[str, object] | None:
    """Return the fields of a model or dataclass by name, without its serializers; or a mapping."""
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    # One with a schema of its own is a single value, such as a path on S3.
    has_schema = hasattr(value, "__get_pydantic_core_schema__")
    if is_dataclass(value) and not isinstance(value, type) and not has_schema:
        return {one.name: getattr(value, one.name) for one in fields(value) if one.init}
    return value if isinstance(value, Mapping) else None


def _default(around: Annotation, key: str) -> object:
    """Return the default instance of a field; a default mapping is used whole or not at all."""
    known: Mapping[str, FieldInfo] = getattr(around, "model_fields", {})
    one = known.get(keys(around).get(key, "")) if isinstance(around, type) else None
    if one is None or one.default_factory_takes_validated_data:
        return None
    default = one.get_default(call_default_factory=True)
    return None if isinstance(default, Mapping) else default


def _is_other_tag(kind: type, key: str, value: object) -> bool:
    """Tell whether `value` is the tag of another member of a union than `kind`."""
    _, annotation = entered(kind, key)
    literals = [one for one in members(annotation) if get_origin(one) is Literal]
    tags = [tag for one in literals for tag in get_args(one)]
    return bool(tags) and value not in tags + [tag.value for tag in tags if isinstance(tag, Enum)]
