"""Layers of settings: values as their source gave them, the place of each, and problems."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, final

from pydantic import SecretStr

from tradai.core._documents.tree import Path as KeyPath
from tradai.core._layers.layer import LayerData
from tradai.core._secrets.secret import Secret
from tradai.core._settings.annotations import Annotation, classes, entered
from tradai.core._settings.merging import parts
from tradai.core._settings.problems import SettingProblem
from tradai.core._settings.strictness import entered_unconverted, replaced, wrong_kind
from tradai.core._settings.text_sources import TextSource, VariableSource
from tradai.core._settings.texts import chosen, is_unicode, text_problem
from tradai.core._settings.variables import Names
from tradai.core.exceptions import TradAIError

__all__ = [
    "ARGUMENT",
    "COMMAND_LINE",
    "ENVIRONMENT",
    "FILE",
    "SettingLayer",
    "checked",
    "named_values",
]

ARGUMENT: Final = "argument"
COMMAND_LINE: Final = "command line"
ENVIRONMENT: Final = "environment"
FILE: Final = "file"
_NOT_UNICODE: Final = "has text that is not Unicode; write it again"


@final
@dataclass(frozen=True, kw_only=True)
class SettingLayer:
    """The values of one layer, and its problems.

    Attributes:
        names: Names of the settings class.
        source: One of the constants above, or the name of another source.
        values: Its values under the keys that were written; not shown, for they may be secrets.
        data: The same of a file, with lines.
        reader: The source, if it reads texts.
        problems: What could not be used.
        loose: Values of another kind than their fields; a problem where no higher layer has one.
        folders: Each path that was taken from a file -> folder of that file.
        is_complete: Whether all of it could be read.
        failure: Error of its store, for which no configuration is to blame.
    """

    names: Names
    source: str
    values: Mapping[str, object] = field(repr=False, default_factory=dict)
    data: LayerData | None = field(repr=False, default=None)
    reader: TextSource | None = field(repr=False, default=None)
    problems: tuple[SettingProblem, ...] = ()
    loose: tuple[SettingProblem, ...] = ()
    folders: Mapping[str, Path] = field(repr=False, default_factory=dict)
    is_complete: bool = True
    failure: TradAIError | None = None

    @cached_property
    def named(self) -> Mapping[str, object]:
        """The values under the names of fields, whichever keys were written for them."""
        return named_values(self.names.kind, self.values)

    @cached_property
    def texts(self) -> Mapping[KeyPath, str]:
        """Each path that has a text of its own, not one inside of JSON -> its variable."""
        return self.reader.paths() if isinstance(self.reader, VariableSource) else {}

    def is_text(self, path: KeyPath) -> bool:
        """Tell whether the text at `path` was not inside of JSON, and so has no type."""
        return self.reader is not None and (len(path) == 1 or path in self.texts)

    def reach(self, path: KeyPath) -> tuple[int, object]:
        """Return how many steps of `path` there are, and what is at the last of them."""
        inside: object = self.named
        for depth, step in enumerate(path):
            if not isinstance(inside, Mapping) or step not in inside:
                return depth, inside
            inside = inside[step]
        return len(path), inside

    def place(self, path: KeyPath) -> str:
        """Name the place where `path`, or the nearest thing around it, was written."""
        if self.data is not None:
            return str(self.data.origin_of(_written(self.names.kind, self.data.values, path)))
        if not self.has_variables:
            return self.source
        around = (self.texts.get(path[:length]) for length in range(len(path), 0, -1))
        inside = (one for key, one in self.texts.items() if key[: len(path)] == path)
        return next(filter(None, around), None) or next(inside, self.source)

    def subject(self, path: KeyPath) -> str:
        """Name what is at `path`, and its place, as the subject of a problem."""
        place, shown = self.place(path), self.names.shown(path)
        if self.source == ARGUMENT:
            return f"{shown} ({self.names.unset(self.names.without_keys(path))})"
        is_variable = self.has_variables and self.texts.get(path) == place
        return place if is_variable else f"{place}: {shown}"

    @property
    def has_variables(self) -> bool:
        """Whether each value has a variable that names its place."""
        return isinstance(self.reader, VariableSource) and self.source != COMMAND_LINE


def checked(layer: SettingLayer) -> SettingLayer:
    """Return `layer` with the problems of its single values, each choice as the value it names."""
    check = _Check(layer)
    values = replaced(layer.names.kind, layer.values, check.leaf, enter=entered_unconverted)
    problems = (*layer.problems, *check.problems)
    return replace(layer, values=values, problems=problems, loose=tuple(check.loose))


@final
class _Check:
    def __init__(self, layer: SettingLayer) -> None:
        self._layer = layer
        self.problems: list[SettingProblem] = []
        self.loose: list[SettingProblem] = []

    def leaf(self, annotation: Annotation | None, value: object, path: KeyPath) -> object:
        """Return `value`, or what it stands for in a field of type `annotation`."""
        layer = self._layer
        if isinstance(value, str) and layer.is_text(path):
            if text := text_problem(annotation, value):
                place = layer.texts.get(path) or layer.subject(path)
                self.problems.append(SettingProblem(path=path, place=place, sentence=text))
            return chosen(annotation, value)
        if isinstance(value, Secret) and SecretStr in classes(annotation):
            return SecretStr(value.reveal())
        is_text = isinstance(value, str) and not is_unicode(value)
        text = _NOT_UNICODE if is_text else wrong_kind(annotation, value)
        if text:
            place = layer.subject(path)
            self.loose.append(SettingProblem(path=path, place=place, sentence=text))
        return value


def named_values(annotation: Annotation | None, value: object) -> Any:
    """Return `value` with the names of fields as keys, whichever keys were written for them."""
    held = parts(value)
    if held is not None:
        around = annotation if isinstance(value, Mapping) else type(value)
        inside = ((*entered(around, key), item) for key, item in held.items())
        return {name: named_values(inner, item) for name, inner, item in inside}
    if isinstance(value, list | tuple):
        items = ((entered(annotation, step)[1], item) for step, item in enumerate(value))
        return [named_values(inner, item) for inner, item in items]
    return value


def _written(annotation: Annotation | None, values: object, path: KeyPath) -> KeyPath:
    """Return `path` with the keys that were written for its fields."""
    found: KeyPath = ()
    for step in path:
        known = values if isinstance(values, Mapping) else {}
        key = next((one for one in known if entered(annotation, one)[0] == step), step)
        values, annotation = known.get(key), entered(annotation, step)[1]
        found = (*found, key)
    return found
