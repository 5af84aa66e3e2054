"""Layers of a settings class, read by the sources of pydantic-settings and from files."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, final

import pydantic_settings
from pydantic_settings import (
    BaseSettings,
    CliSettingsSource,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
)
from pydantic_settings.sources import DefaultSettingsSource, PydanticBaseEnvSettingsSource

from tradai.core._layers.layer import ConfigLayer
from tradai.core._layers.overrides import parse_override
from tradai.core._settings.annotations import known_names
from tradai.core._settings.files import file_layer
from tradai.core._settings.layers import (
    ARGUMENT,
    COMMAND_LINE,
    ENVIRONMENT,
    SettingLayer,
    checked,
)
from tradai.core._settings.merging import Merger
from tradai.core._settings.problems import SettingProblem, unknown_key, unreadable
from tradai.core._settings.text_sources import OverrideSource, VariableSource, as_text_source
from tradai.core._settings.variables import Names
from tradai.core.exceptions import ConfigurationError, TradAIError

__all__ = ["read_layers"]

_LABELS: Final = {
    CliSettingsSource: COMMAND_LINE,
    DotEnvSettingsSource: ".env file",
    EnvSettingsSource: ENVIRONMENT,
    InitSettingsSource: ARGUMENT,
    OverrideSource: COMMAND_LINE,
    SecretsSettingsSource: "secret files",
}
# What the constructor of pydantic-settings takes besides the fields.
_OPTIONS: Final = {
    one for one in inspect.signature(pydantic_settings.BaseSettings).parameters if one[0] == "_"
}


def read_layers(
    names: Names,
    arguments: Mapping[str, object],
    *,
    files: Sequence[str | Path | ConfigLayer] = (),
    environ: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> list[SettingLayer]:
    """Return the layers of a settings class, lowest first, each with its problems."""
    below = [checked(file_layer(names, one)) for one in files]
    return [*below, *reversed(_Reading(names, arguments, environ).layers(overrides))]


@final
class _Reading:
    """Calls the sources of a class, from the highest down; each knows what those before read."""

    def __init__(
        self, names: Names, arguments: Mapping[str, object], environ: Mapping[str, str] | None
    ) -> None:
        self._names = names
        self._environ = environ
        self._options = {key: one for key, one in arguments.items() if key in _OPTIONS}
        self._given = {key: one for key, one in arguments.items() if key not in _OPTIONS}
        self._state: object = {}
        self._states: dict[str, Mapping[str, object]] = {}

    def layers(self, overrides: Sequence[str]) -> list[SettingLayer]:
        """Return the layers, highest first; overrides come below the arguments."""
        try:
            sources = list(self._sources())
        # Sources belong to others, and an error of theirs may hold a value.
        except Exception as exc:  # noqa: BLE001
            return [self._broken(self._names.kind.__name__, exc)]
        found = [self._layer(one) for one in sources]
        if overrides:
            kinds = [type(one) for one in sources]
            place = kinds.index(InitSettingsSource) + 1 if InitSettingsSource in kinds else 0
            found.insert(place, self._override_layer(overrides))
        return [checked(one) for one in found]

    def _sources(self) -> Iterator[PydanticBaseSettingsSource]:
        built = self._options.pop("_build_sources", None)
        # Theirs would dump every model, an argument too; ours lays over it as it is.
        self._options["_nested_model_default_partial_update"] = False
        sources, given = built or self._names.kind._settings_init_sources(
            **self._options, _init_kwargs=self._given
        )
        self._given = given
        yield from (one for one in sources if not isinstance(one, DefaultSettingsSource))

    def _layer(self, source: PydanticBaseSettingsSource) -> SettingLayer:
        """Return what `source` reads; an error of its own is a problem, not the end."""
        kind = type(source)
        label = _LABELS.get(kind, getattr(source, "__name__", kind.__name__))
        reader = None
        try:
            if isinstance(source, PydanticBaseEnvSettingsSource):
                source = reader = as_text_source(source, self._environ)
            elif kind not in _LABELS and isinstance(source, PydanticBaseSettingsSource):
                self._tell(source)
            values = dict(source())
            if kind is InitSettingsSource:
                self._names.kind._settings_restore_init_kwarg_names(
                    self._names.kind, self._given, values, {}
                )
        # Sources belong to others, and an error of theirs may hold a value.
        except Exception as exc:  # noqa: BLE001
            return self._broken(label, exc)
        self._states[getattr(source, "__name__", kind.__name__)] = values
        layer = SettingLayer(names=self._names, source=label, values=values, reader=reader)
        return replace(layer, problems=tuple(_text_problems(layer)))

    def _tell(self, source: PydanticBaseSettingsSource) -> None:
        """Give a source of one's own what those before it have read."""
        merger, state = Merger(is_over_defaults=False), {}
        for values in self._states.values():
            state = merger.laid_over(self._names.kind, values, state)
        source._set_current_state(state)
        source._set_settings_sources_data(self._states)

    def _override_layer(self, overrides: Sequence[str]) -> SettingLayer:
        texts: dict[str, str] = {}
        places, problems = {}, []
        for number, override in enumerate(overrides, start=1):
            place = f"override {number}"
            try:
                key, text = parse_override(override, place=place)
            except ConfigurationError as exc:
                sentence = str(exc).removeprefix(f"{place} ")
                problems.append(SettingProblem(path=(), place=place, sentence=sentence))
            else:
                texts[key], places[key] = text, place
        reader = OverrideSource(self._names.kind, texts, places)
        layer = SettingLayer(names=self._names, source=COMMAND_LINE, values=reader(), reader=reader)
        return replace(layer, problems=(*problems, *_text_problems(layer)))

    def _broken(self, label: str, error: Exception) -> SettingLayer:
        failure = error if isinstance(error, TradAIError) else None
        problem = SettingProblem(path=(), place=label, sentence=unreadable(error))
        return SettingLayer(
            names=self._names,
            source=label,
            problems=(problem,),
            is_complete=False,
            # Raised later, where no frame holds a value.
            failure=failure,
        )


def _text_problems(layer: SettingLayer) -> Iterator[SettingProblem]:
    """Yield the texts that are not the JSON they should be, and those that nothing reads."""
    reader = layer.reader
    for path, variable in reader.unreadable.items() if reader else ():
        yield SettingProblem(path=path, place=variable, sentence="must be JSON, such as a list")
    if not isinstance(reader, VariableSource) or not reader.env_nested_delimiter:
        return
    for path, variable in layer.texts.items():
        if len(path) > 1 and layer.reach(path)[0] < len(path):
            text = f"is not read: {path[0]} has nothing of its own inside"
            yield SettingProblem(path=path, place=variable, sentence=text)
    if isinstance(reader, OverrideSource):
        known = known_names(reader.settings_cls)
        for key in reader.variables.keys() - reader.read_keys().keys():
            yield SettingProblem(path=(), place=COMMAND_LINE, sentence=unknown_key(key, known))
