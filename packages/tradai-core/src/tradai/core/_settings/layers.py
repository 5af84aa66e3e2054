"""A layer of settings: the values of one source, their places, and their problems."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, final

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from tradai.core._documents.tree import KeyPath
from tradai.core._layers.layer import LayerData
from tradai.core._secrets.secret import Secret
from tradai.core._settings.merging import followed, parts
from tradai.core._settings.problems import SettingProblem
from tradai.core._settings.slots import Slot, slot_of
from tradai.core._settings.strictness import named_choice, replaced, text_problem, value_problem
from tradai.core._settings.text_sources import TextSource
from tradai.core.exceptions import TradAIError

ARGUMENT: Final = "argument"
COMMAND_LINE: Final = "command line"
ENVIRONMENT: Final = "environment"
FILE: Final = "file"


@final
@dataclass(frozen=True, kw_only=True)
class SettingLayer:
    """The values of one layer, and its problems.

    Attributes:
        kind: The settings class.
        source: ``file``, ``environment``, ``command line``, ``argument``, or another source.
        values: Its values under the keys that were written; not shown, for they may be secrets.
        data: The same of a file, with lines.
        reader: The source, if it reads texts.
        environment: The source that reads the environment, to name variables.
        overrides: Path of each override -> the override, by its position.
        alias_paths: Path of each field that an `AliasPath` sets -> keys in place of its name.
        problems: Reasons why a value cannot be used.
        folders: Each path that was taken from a file -> folder of that file.
        is_complete: Whether all of it could be read.
        failure: Error of its store, for which no configuration is to blame.
    """

    kind: type[BaseSettings]
    source: str
    values: Mapping[str, Any] = field(repr=False, default_factory=dict)
    data: LayerData | None = field(repr=False, default=None)
    reader: TextSource | None = field(repr=False, default=None)
    environment: TextSource | None = field(repr=False, default=None)
    overrides: Mapping[KeyPath, str] = field(repr=False, default_factory=dict)
    alias_paths: Mapping[KeyPath, KeyPath] = field(repr=False, default_factory=dict)
    problems: tuple[SettingProblem, ...] = ()
    folders: Mapping[str, Path] = field(repr=False, default_factory=dict)
    is_complete: bool = True
    failure: TradAIError | None = None

    def checked(self) -> "SettingLayer":
        """Return the layer with the problems of its values; names of choices become choices."""
        values, alias_paths = followed(slot_of(self.kind), self.values)
        layer = replace(self, values=values, alias_paths=alias_paths) if alias_paths else self
        problems = list(self.problems)

        def check(slot: Slot, value: Any, path: KeyPath) -> Any:
            # Text in JSON is text; the text of a variable or a command line may be of any type.
            is_single = len(path) == 1 or self.source == COMMAND_LINE
            is_text = path in self.texts or (self.reader is not None and is_single)
            is_raw = isinstance(value, str) and is_text and path not in alias_paths
            if isinstance(value, Secret) and SecretStr in slot.classes:
                return SecretStr(value.reveal())
            if text := text_problem(slot, value) if is_raw else value_problem(slot, value):
                variable = self.texts.get(path) if is_raw else None
                place = layer.located(variable) if variable else layer.subject(path)
                problem = SettingProblem(path=path, place=place, sentence=text)
                problems.append(replace(problem, is_loose=not is_raw))
            return named_choice(slot, value) if is_raw else value

        values = replaced(slot_of(self.kind), values, check)
        return replace(layer, values=values, problems=tuple(problems))

    @cached_property
    def texts(self) -> Mapping[KeyPath, str]:
        """Each path that a variable or an override sets as a whole -> that variable."""
        return self.reader.texts() if self.reader else self.overrides

    def reach(self, path: KeyPath) -> tuple[KeyPath, Any]:
        """Follow `path` by the keys that were written; return those found, and the value there."""
        slot: Slot = slot_of(self.kind)
        keys: KeyPath = ()
        inside: Any = self.values
        for step in path:
            held = parts(inside) or {}
            named = (one for one in held if one == step or slot.enter(one)[0] == step)
            key = next(named, None)
            if key is None:
                break
            inside, (_, slot), keys = held[key], slot.enter(key), (*keys, key)
        return keys, inside

    def place(self, path: KeyPath) -> str:
        """Return the place of `path`, or of the nearest mapping around it."""
        if self.data is not None:
            return str(self.data.origin_of(self._as_written(path, self.reach(path)[0])))
        if not self.has_variables:
            return self.source
        path = self._as_written(path, path)
        around = (self.texts.get(path[:length]) for length in range(len(path), 0, -1))
        inside = (one for key, one in self.texts.items() if key[: len(path)] == path)
        return next(filter(None, (*around, *inside)), self.source)

    def subject(self, path: KeyPath) -> str:
        """Return `path` and its place, as the subject of a sentence."""
        place, shown = self.place(path), ".".join(slot_of(self.kind).shown(path))
        if self.source == ARGUMENT:
            return f"{shown} ({self.variable_for(path)})"
        is_variable = self.has_variables and self.texts.get(path) == place
        return self.located(place) if is_variable else f"{place}: {shown}"

    def located(self, place: str) -> str:
        """Return a variable with its source, unless that is the environment; else `place`."""
        is_elsewhere = self.has_variables and self.source != ENVIRONMENT
        return f"{place} ({self.source})" if is_elsewhere and self.source not in place else place

    def as_written(self, key: str) -> str:
        """Return `key`, which names no field, as the variable that it was."""
        return self.reader.written(key) if self.reader and self.has_variables else key

    def variable_for(self, path: KeyPath) -> str:
        """Return the variable that would set `path`, or `path` as text if none is read."""
        if self.environment is None:
            return ".".join(slot_of(self.kind).shown(path))
        return self.environment.variable_for(path)

    def _as_written(self, path: KeyPath, keys: KeyPath) -> KeyPath:
        """Return `keys`, which lead along `path`, with those of an `AliasPath` as written."""
        lengths = range(len(keys), 0, -1)
        length = next((one for one in lengths if path[:one] in self.alias_paths), 0)
        if not length:
            return keys
        return (*keys[: length - 1], *self.alias_paths[path[:length]], *keys[length:])

    @property
    def has_variables(self) -> bool:
        """Whether a variable names the place of each value."""
        return self.reader is not None and self.source != COMMAND_LINE
