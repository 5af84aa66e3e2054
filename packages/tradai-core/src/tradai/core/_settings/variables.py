"""Settings as texts: environment variables, and overrides from a command line."""

from collections.abc import Iterable, Mapping, Sequence
from typing import final

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

from tradai.core._documents.json_values import JsonValue
from tradai.core._documents.tree import Path as KeyPath, dotted, leaves, merge, nested
from tradai.core._layers.layer import LayerData, Origin
from tradai.core._layers.overrides import COMMAND_LINE, parse_override
from tradai.core._settings.annotations import aliases
from tradai.core._settings.layers import SettingLayer, Source, read_or_refuse
from tradai.core._settings.problems import SettingProblem
from tradai.core._settings.texts import Text, parsed_json
from tradai.core._settings.values import value_at
from tradai.core.exceptions import ConfigurationError


def variable_names(kind: type[BaseSettings], name: str) -> list[str]:
    """Return the variables that the field `name` is read from."""
    prefix = kind.model_config.get("env_prefix", "")
    return aliases(kind.model_fields[name]) or [f"{prefix}{name}".upper()]


def variable_of(
    kind: type[BaseSettings], path: KeyPath, environ: Mapping[str, str] | None = None
) -> str:
    """Return the variable that would set what is at `path`; of several, the one in `environ`."""
    delimiter = kind.model_config.get("env_nested_delimiter")
    names = variable_names(kind, str(path[0])) if path[0] in kind.model_fields else [str(path[0])]
    tail = [str(step).upper() for step in path[1:] if isinstance(step, str)] if delimiter else []
    for length in range(len(tail), -1, -1):
        for name in names:
            variable = str(delimiter).join([name, *tail[:length]])
            if environ and variable in environ:
                return variable
    return str(delimiter).join([names[0], *tail])


def owned(kind: type[BaseSettings], variables: Iterable[str]) -> list[str]:
    """Return those of `variables` that `kind` reads, nested names included, sorted."""
    delimiter = kind.model_config.get("env_nested_delimiter")
    names = {one for name in kind.model_fields for one in variable_names(kind, name)}
    nested = tuple(f"{one}{delimiter}" for one in names) if delimiter else ()
    return sorted(one for one in variables if one in names or one.startswith(nested))


def variable_layer(kind: type[BaseSettings], environ: Mapping[str, str]) -> SettingLayer:
    """Return what the variables in `environ` say; only names in capital letters are read."""
    texts = {name.lower(): Text(environ[name]) for name in owned(kind, environ)}
    found = _Variables(kind, texts).fields()
    reading = _Reading(kind, "environment")
    for path in leaves(found):
        variable = variable_of(kind, path, environ)
        reading.add(path, value_at(found, path), place=variable, origin=Origin(source=variable))
    return reading.layer()


def override_layer(kind: type[BaseSettings], overrides: Sequence[str]) -> SettingLayer:
    """Return what `overrides` say: texts such as ``part.retries=5``, the later ones winning."""
    reading = _Reading(kind, "command line")
    for number, override in enumerate(overrides, start=1):
        place = f"override {number}"
        try:
            key, text = parse_override(override, place=place)
        except ConfigurationError as exc:
            reading.refuse(place, str(exc).removeprefix(f"{place} "))
        else:
            reading.add(tuple(key.split(".")), Text(text), place=place, origin=COMMAND_LINE)
    return reading.layer()


@final
class _Variables(EnvSettingsSource):
    """The source of pydantic-settings, over texts whose type is found later."""

    def __init__(self, kind: type[BaseSettings], texts: Mapping[str, str]) -> None:
        config = kind.model_config
        super().__init__(
            kind,
            env_prefix=config.get("env_prefix"),
            env_nested_delimiter=config.get("env_nested_delimiter"),
        )
        self.env_vars = texts

    # The field says nothing that the text does not.
    def decode_complex_value(self, field_name: str, field: FieldInfo, value: object) -> object:  # noqa: ARG002
        """Return mappings taken apart, so that nested variables can be laid over them."""
        found = parsed_json(str(value))
        return found if isinstance(found, dict) else value

    def fields(self) -> dict[str, JsonValue]:
        """Return what the variables say, by the names of fields and not of aliases."""
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            value, _, is_complex = self.get_field_value(field, name)
            found[name] = self.prepare_field_value(name, field, value, is_complex)
        return {name: value for name, value in found.items() if value is not None}


@final
class _Reading:
    """A layer in the making."""

    def __init__(self, kind: type[BaseSettings], source: Source) -> None:
        self._kind = kind
        self._source = source
        self._values: Mapping[str, JsonValue] = {}
        self._origins: dict[str, Origin] = {}
        self._problems: list[SettingProblem] = []

    def add(self, path: KeyPath, value: JsonValue, *, place: str, origin: Origin) -> None:
        if isinstance(value, Text):
            value, problem = read_or_refuse(self._kind, path, str(value), place=place)
            if problem is not None:
                self._problems.append(problem)
                return
        self._values = merge(self._values, nested(path, value))
        for length in range(len(path), 0, -1):
            self._origins[dotted(path[:length])] = origin

    def refuse(self, place: str, sentence: str) -> None:
        self._problems.append(SettingProblem(path=(), place=place, sentence=sentence))

    def layer(self) -> SettingLayer:
        data = LayerData(values=self._values, origins=self._origins)
        return SettingLayer(source=self._source, data=data, problems=tuple(self._problems))
