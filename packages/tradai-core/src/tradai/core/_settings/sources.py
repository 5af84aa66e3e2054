"""Layers of a settings class, read from files and by the sources of pydantic-settings."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pydantic_settings
from pydantic_settings import BaseSettings, ForceDecode, NoDecode, sources as theirs

from tradai.core._documents.tree import KeyPath, merge, nested
from tradai.core._layers.layer import ConfigLayer
from tradai.core._layers.overrides import parse_override
from tradai.core._settings.files import file_layer
from tradai.core._settings.layers import ARGUMENT, COMMAND_LINE, ENVIRONMENT, SettingLayer
from tradai.core._settings.problems import SettingProblem, unreadable
from tradai.core._settings.slots import slot_of
from tradai.core._settings.text_sources import as_text_source, decoded
from tradai.core.exceptions import ConfigurationError, TradAIError

_DOTENV: Final = ".env file"
_LABELS: Final[Mapping[type, str]] = {
    theirs.CliSettingsSource: COMMAND_LINE,
    theirs.DotEnvSettingsSource: _DOTENV,
    theirs.EnvSettingsSource: ENVIRONMENT,
    theirs.InitSettingsSource: ARGUMENT,
    theirs.SecretsSettingsSource: "secret files",
}
# Parameters of the constructor of pydantic-settings, besides the fields -> their defaults.
_PARAMETERS: Final = inspect.signature(pydantic_settings.BaseSettings).parameters
_OPTIONS: Final = {key: one.default for key, one in _PARAMETERS.items() if key[0] == "_"}
# Before 2.15 the arguments stand beside the options.
_MAKE: Final = pydantic_settings.BaseSettings._settings_init_sources
_HAS_KWARGS: Final = "_init_kwargs" in inspect.signature(_MAKE).parameters


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
        sources = [one.source for one in layers]
        place = sources.index(ARGUMENT) + 1 if ARGUMENT in sources else 0
        layers.insert(place, _override_layer(kind, overrides))
    layers += [file_layer(kind, one) for one in reversed(files)]
    found: Any = next((one.reader for one in layers if one.source == ENVIRONMENT), None)
    return [replace(one, environment=found).checked() for one in reversed(layers)]


def _source_layers(
    kind: type[BaseSettings], arguments: Mapping[str, object], environ: Mapping[str, str] | None
) -> Iterator[SettingLayer]:
    """Yield the layers of the sources, highest first."""
    options: dict[str, Any] = {key: arguments.get(key, one) for key, one in _OPTIONS.items()}
    given = {key: one for key, one in arguments.items() if key not in _OPTIONS}
    # pydantic-settings would dump each model, an argument too; Merger takes it as it is.
    options["_nested_model_default_partial_update"] = False
    built = options.pop("_build_sources", None)
    try:
        options |= {"_init_kwargs": given} if _HAS_KWARGS else given
        found, given = built or kind._settings_init_sources(**options)
    # A source may be any code, and its error may hold a value.
    except Exception as exc:
        yield _broken(kind, kind.__name__, exc)
        return
    states: dict[str, dict[str, Any]] = {}
    for source in found:
        if not isinstance(source, theirs.DefaultSettingsSource):
            name = getattr(source, "__name__", type(source).__name__)
            label = _LABELS.get(type(source), name)
            layer = _layer(kind, source, label, environ, states)
            values = _restored(kind, layer.values, given) if label == ARGUMENT else layer.values
            states[name] = dict(values)
            yield replace(layer, values=values)


def _restored(
    kind: type[BaseSettings], values: Mapping[str, Any], given: Mapping[str, object]
) -> Mapping[str, Any]:
    """Return arguments under the keys that were given, which the source replaced by aliases."""
    enter = slot_of(kind).enter
    keys = {enter(key)[0]: key for key in given}
    return {keys.get(enter(key)[0], key): value for key, value in values.items()}


def _layer(
    kind: type[BaseSettings],
    source: Any,
    label: str,
    environ: Mapping[str, str] | None,
    states: dict[str, dict[str, Any]],
) -> SettingLayer:
    """Return the layer of `source`; if it fails, a layer with that problem."""
    reader = None
    try:
        if isinstance(source, theirs.PydanticBaseEnvSettingsSource):
            source = reader = as_text_source(source, environ)
        elif isinstance(source, theirs.PydanticBaseSettingsSource):
            state: dict[str, Any] = {}
            for values in states.values():
                state = merge(values, state)
            source._set_current_state(state)
            source._set_settings_sources_data(states)
        is_empty = label == _DOTENV and not source.env_vars
        values = {} if is_empty else source()
    # A source may be any code, and its error may hold a value.
    except Exception as exc:
        return _broken(kind, label, exc)
    layer = SettingLayer(kind=kind, source=label, values=values, reader=reader)
    return replace(layer, problems=tuple(_unread(layer)))


def _unread(layer: SettingLayer) -> Iterator[SettingProblem]:
    """Yield a problem for each text that must be JSON and is not, and for each unused variable."""
    reader = layer.reader
    for path, (place, sentence) in reader.unreadable.items() if reader else ():
        yield SettingProblem(path=path, place=layer.located(place), sentence=sentence)
    is_nested = layer.has_variables and reader and reader.env_nested_delimiter
    for path, variable in layer.texts.items() if is_nested else ():
        depth = len(layer.reach(path)[0])
        if "" in path:
            sentence = "has an empty key in its name; write the key, or the whole mapping as JSON"
            yield SettingProblem(path=path, place=layer.located(variable), sentence=sentence)
        elif 1 < len(path) > depth:
            around = ".".join(slot_of(layer.kind).shown(path[: depth or 1]))
            sentence = f"is not read: {around} is not a mapping"
            yield SettingProblem(path=path, place=layer.located(variable), sentence=sentence)


def _override_layer(kind: type[BaseSettings], overrides: Sequence[str]) -> SettingLayer:
    values: dict[str, Any] = {}
    places: dict[KeyPath, str] = {}
    problems = []
    for number, override in enumerate(overrides, start=1):
        place = f"override {number}"
        try:
            key, text = parse_override(override, place=place)
        except ConfigurationError as exc:
            sentence = str(exc).removeprefix(f"{place} ")
            problems.append(SettingProblem(path=(), place=place, sentence=sentence))
        else:
            steps = key.split(".")
            path = tuple(name for name, _, _ in slot_of(kind).walk(steps))
            places[path] = place
            values = merge(values, nested(steps, _override(kind, path, text)))
    layer = SettingLayer(kind=kind, source=COMMAND_LINE, values=values, overrides=places)
    return replace(layer, problems=tuple(problems))


def _override(kind: type[BaseSettings], path: KeyPath, text: str) -> Any:
    """Return the value of an override: a text, or JSON where a source would decode it."""
    field, slot = kind.model_fields.get(str(path[0])), slot_of(kind).at(path)
    marks = field.metadata if field and len(path) == 1 else ()
    is_off = kind.model_config.get("enable_decoding") is False and ForceDecode not in marks
    if slot.is_json() and not is_off and NoDecode not in marks:
        # Validation reports text that is not JSON.
        with suppress(ValueError):
            return decoded(slot, text)
    return text


def _broken(kind: type[BaseSettings], label: str, error: Exception) -> SettingLayer:
    problem = SettingProblem(path=(), place=label, sentence=unreadable(error))
    # Raised later, where no frame holds a value.
    failure = error if isinstance(error, TradAIError) else None
    layer = SettingLayer(kind=kind, source=label, is_complete=False, failure=failure)
    return replace(layer, problems=(problem,))
