"""Validate the merged layers of a settings class, and collect all their problems."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, final

import pydantic
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

from tradai.core._documents.tree import KeyPath
from tradai.core._layers.problems import error_sentence
from tradai.core._settings.freezing import freeze_fields
from tradai.core._settings.layers import ENVIRONMENT, SettingLayer
from tradai.core._settings.merging import Merger
from tradai.core._settings.problems import SettingProblem, accident, unknown_key
from tradai.core._settings.slots import slot_of
from tradai.core.exceptions import TradAIError

# Of a model, and of a dataclass.
_UNKNOWN: Final = {"extra_forbidden", "unexpected_keyword_argument"}


@final
class SettingStack:
    """The layers of a settings class, lowest first, and their merged values.

    Attributes:
        values: The merged values, under the keys that were written.
    """

    def __init__(self, kind: type[BaseSettings], layers: Sequence[SettingLayer]) -> None:
        """Store the layers of `kind`; `fill` merges them."""
        self._kind = kind
        self._layers = layers
        self._written = [one for one in layers if one.values]
        self._environment = [one for one in layers if one.source == ENVIRONMENT]
        self._folders = {path: one for layer in layers for path, one in layer.folders.items()}
        self.values: Any = {}

    def fill(self, blank: BaseSettings) -> list[SettingProblem]:
        """Fill `blank` with the settings, deeply frozen; return the problems, if there are any."""
        problems = [
            one
            for layer in self._layers
            for one in layer.problems
            if not one.is_loose or self.writers(one.path)[-1:] == [layer]
        ]
        known = [one.path for one in problems]
        found = [one for one in self._validate(blank) if not _is_related(one.path, known)]
        problems += sorted(found, key=lambda one: not one.is_unknown)
        if not all(layer.is_complete for layer in self._layers):
            # The layer that could not be read may set what is missing.
            problems = [problem for problem in problems if not problem.is_missing]
        if problems:
            # Values were filled in before a validator of the model refused them; hide them.
            vars(blank).clear()
        else:
            freeze_fields(blank)
        return problems

    def writers(self, path: KeyPath) -> list[SettingLayer]:
        """Return the layers that wrote `path` or replaced a mapping around it; the last counts."""
        found: list[SettingLayer] = []
        open_depth = 0
        for layer in reversed(self._written):
            keys, inside = layer.reach(path)
            if len(keys) < len(path) and isinstance(inside, Mapping):
                open_depth = max(open_depth, len(keys))
            elif len(keys) > open_depth:
                found.insert(0, layer)
            else:
                # A mapping of a higher layer replaced this value, and all in lower layers.
                break
        return found

    def variable(self, path: KeyPath) -> str:
        """Return the variable that sets `path` or a mapping around it, or else would set it."""
        found = {path: one for layer in self._environment for path, one in layer.texts.items()}
        around = (found.get(path[:length]) for length in range(len(path), 0, -1))
        return next(filter(None, around), None) or self._layers[0].variable_for(path)

    def _validate(self, blank: BaseSettings) -> list[SettingProblem]:
        is_over_defaults = bool(self._kind.model_config.get("nested_model_default_partial_update"))
        merger = Merger(is_over_defaults=is_over_defaults, folders=self._folders)
        try:
            for layer in self._layers:
                self.values = merger.laid_over(slot_of(self._kind), self.values, layer.values)
            return self._errors(blank, self.values)
        except TradAIError:
            raise
        # The error of a validator may hold the value: an OSError has the name of a path.
        except Exception as exc:
            whole = self._problem((), accident(exc))
        return self._fields_alone(blank) or [whole]

    def _fields_alone(self, blank: BaseSettings) -> list[SettingProblem]:
        """Return the problems of the fields, validated one by one; none if no field crashes."""
        found: list[SettingProblem] = []
        has_crashed = False
        for keys in [(), *((key,) for key in self.values)]:
            path = tuple(name for name, _, _ in slot_of(self._kind).walk(keys))
            try:
                errors = self._errors(blank, {key: self.values[key] for key in keys})
            except Exception as exc:
                if not keys:  # a default, or a validator of the model
                    return []
                has_crashed, errors = True, [self._problem(path, accident(exc))]
            unset = () if keys else (one for one in errors if not self.writers(one.path))
            found += [*unset, *(one for one in errors if path and one.path[:1] == path)]
        return found if has_crashed else []

    def _errors(self, blank: BaseSettings, values: Mapping[str, Any]) -> list[SettingProblem]:
        # As arguments, these hold for nested models too; names are accepted beside aliases.
        extra = "forbid" if self._kind.model_config.get("extra") == "forbid" else None
        validator = self._kind.__pydantic_validator__
        options: Any = {"self_instance": blank, "extra": extra, "context": self._folders}
        try:
            validator.validate_python(values, by_name=True, **options)
        except pydantic.ValidationError as exc:
            return list(self._problems_of(exc.errors(include_url=False)))
        return []

    def _problems_of(self, errors: Sequence[ErrorDetails]) -> Iterator[SettingProblem]:
        found: dict[KeyPath, dict[str, str]] = {}
        for error in errors:
            path, text = self._path_of(error), error_sentence(error)
            if error["type"] in _UNKNOWN:
                text = self._unknown(path)
            found.setdefault(path, {})[text] = error["type"]
        for path, sentences in found.items():
            yield self._problem(path, ", or ".join(sentences), *sentences.values())

    def _unknown(self, path: KeyPath) -> str:
        *around, key = path
        fields = slot_of(self._kind).at(tuple(around)).fields.values()
        # Another member of a union may have the key.
        known: set[str] = {name for name, _ in fields} - {str(key)}
        layer = next(iter(self.writers(path)[-1:]), None)
        if layer is None or around or not layer.has_variables:
            return unknown_key(str(key), sorted(known))
        variables = sorted(layer.variable_for((name,)) for name in known)
        return unknown_key(layer.as_written(str(key)), variables)

    def _problem(self, path: KeyPath, text: str, *types: str) -> SettingProblem:
        is_unknown, is_missing = not _UNKNOWN.isdisjoint(types), "missing" in types
        around = (self.writers(path[:length])[-1:] for length in range(len(path), 0, -1))
        layer = next((one for found in around for one in found), None)
        # No variable names a field of an item of a mapping.
        has_keys = "*" in slot_of(self._kind).shown(path)
        if not path:
            place = self._kind.__name__
        elif layer and is_unknown:
            place = layer.located(layer.place(path))
        elif layer and (self.writers(path) or not layer.has_variables or has_keys):
            place = layer.subject(path)
        else:
            place = self._layers[0].variable_for(path)
        return SettingProblem(
            path=path, place=place, sentence=text, is_missing=is_missing, is_unknown=is_unknown
        )

    def _path_of(self, error: ErrorDetails) -> KeyPath:
        """Return the path in pydantic's location, by names of fields; the rest names types."""
        path: KeyPath = ()
        slot, inside = slot_of(self._kind), self.values
        ends = error["loc"][-1:] if error["type"] == "missing" else ()
        for step in error["loc"]:
            known = range(len(inside)) if isinstance(inside, list | tuple) else inside
            is_there = isinstance(known, Mapping | range) and step in known
            if is_there or not path or (step,) == ends:
                name, slot = slot.enter(step)
                inside = inside[step] if is_there else None
                path = (*path, name)
        return path


def _is_related(path: KeyPath, others: Sequence[KeyPath]) -> bool:
    """Tell whether `path` is in or around one of `others`."""
    pairs = ((path[: len(other)], other[: len(path)]) for other in others)
    return any(own == other != () for own, other in pairs)
