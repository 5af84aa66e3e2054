"""Layers of a settings class, read from files and by the sources of pydantic-settings."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pydantic_settings
from pydantic_settings import (
    BaseSettings,
    CliSettingsSource,
    DotEnvSettingsSource,
    EnvSettingsSource,
    ForceDecode,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
)
from pydantic_settings.sources import DefaultSettingsSource, PydanticBaseEnvSettingsSource

from tradai.core._documents.tree import Path as KeyPath, merge, nested
from tradai.core._layers.layer import ConfigLayer
from tradai.core._layers.overrides import parse_override
from tradai.core._settings.files import file_layer
from tradai.core._settings.layers import ARGUMENT, COMMAND_LINE, SettingLayer
from tradai.core._settings.merging import Merger
from tradai.core._settings.problems import NOT_JSON, SettingProblem, unreadable
from tradai.core._settings.slots import slot_of
from tradai.core._settings.text_sources import VariableSource, as_text_source, decoded
from tradai.core.exceptions import ConfigurationError, TradAIError

__all__ = ["read_layers"]

_DOTENV: Final = ".env file"
_LABELS: Final[Mapping[type, str]] = {
    CliSettingsSource: COMMAND_LINE,
    DotEnvSettingsSource: _DOTENV,
    EnvSettingsSource: "environment",
    InitSettingsSource: ARGUMENT,
    SecretsSettingsSource: "secret files",
}
# What the constructor of pydantic-settings takes besides the fields.
_OPTIONS: Final = {
    one for one in inspect.signature(pydantic_settings.BaseSettings).parameters if one[0] == "_"
}


def read_layers(
    kind: type[BaseSettings],
    arguments: Mapping[str, object],
    *,
    files: Sequence[str | Path | ConfigLayer] = (),
    environ: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> list[SettingLayer]:
    """Return the layers of `kind`, lowest first; overrides come right below the arguments."""
    layers = list(_source_layers(kind, arguments, environ))
    if overrides:
        places = [place for place, one in enumerate(layers, start=1) if one.source == ARGUMENT]
        layers.insert(places[0] if places else 0, _override_layer(kind, overrides))
    below = [file_layer(kind, one) for one in files]
    return [one.checked() for one in (*below, *reversed(layers))]


def _source_layers(
    kind: type[BaseSettings], arguments: Mapping[str, object], environ: Mapping[str, str] | None
) -> Iterator[SettingLayer]:
    """Yield the layers of the sources, highest first."""
    options: dict[str, Any] = {key: one for key, one in arguments.items() if key in _OPTIONS}
    given = {key: one for key, one in arguments.items() if key not in _OPTIONS}
    # Theirs would dump every model, an argument too; ours lays over it as it is.
    options["_nested_model_default_partial_update"] = False
    built = options.pop("_build_sources", None)
    try:
        sources, given = built or kind._settings_init_sources(**options, _init_kwargs=given)
    # Sources belong to others, and an error of theirs may hold a value.
    except Exception as exc:  # noqa: BLE001
        yield _broken(kind, kind.__name__, exc)
        return
    states: dict[str, Mapping[str, object]] = {}
    for source in sources:
        if not isinstance(source, DefaultSettingsSource):
            layer = _layer(kind, source, environ, states)
            if type(source) is InitSettingsSource:
                kind._settings_restore_init_kwarg_names(kind, given, layer.values, {})
            states[_name(source)] = layer.values
            yield layer


def _layer(
    kind: type[BaseSettings],
    source: Any,
    environ: Mapping[str, str] | None,
    states: dict[str, Mapping[str, object]],
) -> SettingLayer:
    """Return what `source` reads; an error of its own is a problem, not the end."""
    label = _LABELS.get(type(source), _name(source))
    reader = None
    try:
        if isinstance(source, PydanticBaseEnvSettingsSource):
            source = reader = as_text_source(source, environ)
        elif isinstance(source, PydanticBaseSettingsSource) and label != ARGUMENT:
            _tell(kind, source, states)
        is_empty = label == _DOTENV and not source.env_vars
        values = {} if is_empty else dict(source())
    # Sources belong to others, and an error of theirs may hold a value.
    except Exception as exc:  # noqa: BLE001
        return _broken(kind, label, exc)
    layer = SettingLayer(kind=kind, source=label, values=values, reader=reader)
    return replace(layer, problems=tuple(_unread(layer)))


def _name(source: object) -> str:
    return getattr(source, "__name__", type(source).__name__)


def _tell(
    kind: type[BaseSettings],
    source: PydanticBaseSettingsSource,
    states: dict[str, Mapping[str, object]],
) -> None:
    """Give a source of one's own what those before it have read."""
    state: Any = {}
    for values in states.values():
        state = Merger(is_over_defaults=False).laid_over(slot_of(kind), values, state)
    source._set_current_state(state)
    source._set_settings_sources_data(states)


def _unread(layer: SettingLayer) -> Iterator[SettingProblem]:
    """Yield the texts that are not the JSON they should be, and those that nothing reads."""
    reader = layer.reader
    for path, variable in reader.unreadable.items() if reader else ():
        yield SettingProblem(path=path, place=variable, sentence=NOT_JSON)
    if isinstance(reader, VariableSource) and reader.env_nested_delimiter:
        for path, variable in layer.texts.items():
            if len(path) > 1 and len(layer.reach(path)[0]) < len(path):
                text = f"is not read: {path[0]} has nothing of its own inside"
                yield SettingProblem(path=path, place=variable, sentence=text)


def _override_layer(kind: type[BaseSettings], overrides: Sequence[str]) -> SettingLayer:
    values: Mapping[str, Any] = {}
    places: dict[KeyPath, str] = {}
    problems = []
    for number, override in enumerate(overrides, start=1):
        place, path, sentence = f"override {number}", (), ""
        try:
            key, text = parse_override(override, place=place)
            keys = key.split(".")
            path = slot_of(kind).path(keys)
            values = merge(values, nested(keys, _override(kind, path, text)))
            places[path] = place
        except ConfigurationError as exc:
            sentence = str(exc).removeprefix(f"{place} ")
        except ValueError:
            sentence = NOT_JSON
        if sentence:
            problems.append(SettingProblem(path=path, place=place, sentence=sentence))
    return SettingLayer(
        kind=kind, source=COMMAND_LINE, values=values, overrides=places, problems=tuple(problems)
    )


def _override(kind: type[BaseSettings], path: KeyPath, text: str) -> object:
    """Return the value of an override: a text, or JSON where a source would decode it."""
    field = kind.model_fields.get(str(path[0])) if len(path) == 1 else None
    marks = field.metadata if field else ()
    is_off = kind.model_config.get("enable_decoding") is False and ForceDecode not in marks
    slot = slot_of(kind).at(path)
    is_text = NoDecode in marks or is_off or not slot.is_json
    return text if is_text else decoded(slot, text)


def _broken(kind: type[BaseSettings], label: str, error: Exception) -> SettingLayer:
    problem = SettingProblem(path=(), place=label, sentence=unreadable(error))
    # An error of ours is raised later, where no frame holds a value.
    failure = error if isinstance(error, TradAIError) else None
    return SettingLayer(
        kind=kind, source=label, problems=(problem,), is_complete=False, failure=failure
    )
