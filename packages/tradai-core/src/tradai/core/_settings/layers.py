"""Layers of settings: values as JSON, the origin of each, and problems."""

from collections.abc import Iterator, Mapping, Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias, final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tradai.core._documents.json_values import JsonValue
from tradai.core._documents.tree import Path as KeyPath, dotted
from tradai.core._layers.layer import LayerData, Origin, with_origins
from tradai.core._settings.annotations import aliases, annotation_at, classes, is_model, members
from tradai.core._settings.problems import SettingProblem
from tradai.core._settings.texts import read_text
from tradai.core._settings.values import SECRETS, to_json
from tradai.core.exceptions import ExternalServiceError, ValidationError

Source: TypeAlias = Literal["default", "file", "environment", "command line", "argument"]

_JSON: Final = (bool, int, float, str)
_LISTS: Final = (list, tuple, AbstractSet)
_NOTHING: Final = LayerData(values={}, origins={})


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SettingLayer:
    """The values of one layer, and its problems.

    Attributes:
        source: Kind of layer.
        data: Its values by the names of fields; not shown, for they may be secrets.
        problems: What could not be used.
        folders: Each path that was taken from a file -> folder of that file.
        is_complete: Whether all of it could be read.
        failure: Error of its store, for which no configuration is to blame.
    """

    source: Source
    data: LayerData = field(repr=False, default=_NOTHING)
    problems: tuple[SettingProblem, ...] = ()
    folders: Mapping[str, Path] = field(repr=False, default_factory=dict)
    is_complete: bool = True
    failure: ExternalServiceError | None = None


def default_layer(kind: type[BaseModel], given: Mapping[str, JsonValue]) -> SettingLayer:
    """Return what `kind` sets where `given` does not; what has no default is null."""
    return _plain_layer("default", dict(_all_defaults(kind, given)))


def defaults(kind: type[BaseModel], given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the defaults of the fields that `given` leaves out; models make their own."""
    found = {
        name: _default(one)
        for name, one in kind.model_fields.items()
        if name not in given and _has_default(one)
    }
    return {name: to_json(one) for name, one in found.items() if not isinstance(one, BaseModel)}


def argument_layer(kind: type[BaseModel], arguments: Mapping[str, object]) -> SettingLayer:
    """Return what a caller passed, as JSON; each value must be of its field's type."""
    names = {alias: name for name, one in kind.model_fields.items() for alias in aliases(one)}
    named = {names.get(name, name): value for name, value in arguments.items()}
    problems = tuple(
        SettingProblem(path=path, place=f"{dotted(path)} (argument)", sentence=f"must be {wanted}")
        for path, wanted in _foreign(kind, named, ())
    )
    values = {name: to_json(value) for name, value in named.items()}
    return replace(_plain_layer("argument", values), problems=problems)


def read_or_refuse(
    kind: type[BaseModel], path: KeyPath, text: str, *, place: str
) -> tuple[JsonValue, SettingProblem | None]:
    """Return what `text` says at `path`, or the problem with it, which never quotes it."""
    wrong = _bad_text(text)
    if wrong is None:
        try:
            return read_text(annotation_at(kind, path), text), None
        except ValidationError as exc:
            wrong = f"must be {exc.expected}"
    return None, SettingProblem(path=path, place=place, sentence=wrong)


def _foreign(kind: type[BaseModel], value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Yield the path of each value that JSON does not have and its field does not take."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _foreign(kind, item, (*path, str(key)))
    elif isinstance(value, _LISTS):
        for place, item in enumerate(value):
            yield from _foreign(kind, item, (*path, place))
    elif not (value is None or type(value) in _JSON):
        wanted = classes(annotation_at(kind, path))
        if wanted and not isinstance(value, _taken_by(wanted)):
            yield path, " or ".join(sorted(one.__name__ for one in wanted))


def _taken_by(kinds: list[type]) -> tuple[type, ...]:
    """Return the classes whose instances a field of any of `kinds` takes."""
    return (*kinds, *SECRETS) if any(issubclass(one, SECRETS) for one in kinds) else tuple(kinds)


def _bad_text(text: str) -> str | None:
    if not text.strip():
        return "is set, but empty; unset it, or give it a value"
    if text != text.strip():
        return "has blanks around its value; remove them"
    if not text.isascii() and any("\ud800" <= one <= "\udfff" for one in text):
        return "is not UTF-8 text; write it again"
    return None


def _plain_layer(source: Source, values: Mapping[str, JsonValue]) -> SettingLayer:
    data = with_origins(values, lambda _path: Origin(source=source))
    return SettingLayer(source=source, data=data)


def _all_defaults(
    kind: type[BaseModel], given: Mapping[str, JsonValue]
) -> Iterator[tuple[str, JsonValue]]:
    for name, one in kind.model_fields.items():
        models = [part for part in members(one.annotation) if is_model(part)]
        here = given.get(name, {})
        if models and isinstance(here, Mapping) and (name in given or one.is_required()):
            yield name, dict(_all_defaults(models[0], here))
        elif name not in given:
            yield name, to_json(_default(one))


def _default(field: FieldInfo) -> object:
    return field.get_default(call_default_factory=True) if _has_default(field) else None


def _has_default(field: FieldInfo) -> bool:
    # Older releases of pydantic have no such factories.
    needs_others = getattr(field, "default_factory_takes_validated_data", False)
    return not field.is_required() and not needs_others
