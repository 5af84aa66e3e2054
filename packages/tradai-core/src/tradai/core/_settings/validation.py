"""Validation of the merged layers of a settings class, and all problems of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, final

import pydantic
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

from tradai.core._documents.tree import Path as KeyPath
from tradai.core._layers.problems import sentence
from tradai.core._settings.annotations import Annotation, annotation_at, entered, known_names
from tradai.core._settings.freezing import freeze_fields
from tradai.core._settings.layers import SettingLayer
from tradai.core._settings.merging import Merger
from tradai.core._settings.problems import SettingProblem, accident, unknown_key
from tradai.core._settings.variables import Names
from tradai.core.exceptions import TradAIError

__all__ = ["SettingStack"]


@final
class SettingStack:
    """The layers of a settings class, lowest first, and their merged values.

    Attributes:
        values: The merged values, under the keys that were written.
    """

    def __init__(self, names: Names, layers: Sequence[SettingLayer]) -> None:
        self._names = names
        self._kind = names.kind
        self._layers = layers
        self._folders = {path: one for layer in layers for path, one in layer.folders.items()}
        self.values: Any = {}

    def fill(self, blank: BaseSettings) -> list[SettingProblem]:
        """Make `blank` the settings, frozen all the way down; or return all that is wrong."""
        problems = [one for layer in self._layers for one in layer.problems]
        loose = [one for layer in self._layers for one in layer.loose if self._counts(layer, one)]
        known = [one.path for one in (*problems, *loose)]
        found = [
            one
            for one in self._validate(blank)
            if not any(_is_related(one.path, path) for path in known)
        ]
        problems += [one for one in found if one.is_unknown] + loose
        problems += [one for one in found if not one.is_unknown]
        if not all(layer.is_complete for layer in self._layers):
            # The layer that could not be read may have what is missing.
            problems = [problem for problem in problems if not problem.is_missing]
        if problems:
            # Values that were filled in before a validator refused the whole must not be shown.
            vars(blank).clear()
        else:
            freeze_fields(blank)
        return problems

    def writers(self, path: KeyPath) -> list[SettingLayer]:
        """Return the layers that wrote `path`, or what replaced all around it; the last counts."""
        found: list[SettingLayer] = []
        open_depth = 0
        for layer in reversed(self._layers):
            depth, inside = layer.reach(path)
            if depth == len(path):
                found.insert(0, layer)
            elif isinstance(inside, Mapping):
                open_depth = max(open_depth, depth)
            elif depth <= open_depth:
                # A mapping above replaced this value, and with it all that is below.
                break
            else:
                found.insert(0, layer)
        return found

    def _counts(self, layer: SettingLayer, problem: SettingProblem) -> bool:
        return self.writers(problem.path)[-1:] == [layer]

    def _validate(self, blank: BaseSettings) -> list[SettingProblem]:
        try:
            self._merge()
            return self._errors(blank, self.values)
        except TradAIError:
            raise
        # What a validator fails with may hold the value: an OSError has the name of a path.
        except Exception as exc:  # noqa: BLE001
            whole = self._problem((), accident(exc))
        return self._fields_alone(blank) or [whole]

    def _merge(self) -> None:
        config = self._kind.model_config
        is_over_defaults = bool(config.get("nested_model_default_partial_update"))
        merger = Merger(is_over_defaults=is_over_defaults, folders=self._folders)
        for layer in self._layers:
            self.values = merger.laid_over(self._kind, self.values, layer.values)

    def _fields_alone(self, blank: BaseSettings) -> list[SettingProblem]:
        """Return the problems of each field by itself; none if it is not a field that crashes."""
        try:
            missing = [one for one in self._errors(blank, {}) if not self.writers(one.path)]
        # A default, or a validator of the model.
        except Exception:  # noqa: BLE001
            return []
        found = [self._field_alone(blank, key) for key in self.values]
        return [*missing, *chain.from_iterable(found)] if any(found) else []

    def _field_alone(self, blank: BaseSettings, key: str) -> list[SettingProblem]:
        path = (entered(self._kind, key)[0],)
        try:
            found = self._errors(blank, {key: self.values[key]})
        except Exception as exc:  # noqa: BLE001
            return [self._problem(path, accident(exc))]
        return [one for one in found if one.path[:1] == path]

    def _errors(self, blank: BaseSettings, values: Mapping[str, object]) -> list[SettingProblem]:
        # Given here, so that it holds for nested models too; names are taken beside aliases.
        extra = "forbid" if self._kind.model_config.get("extra") == "forbid" else None
        try:
            self._kind.__pydantic_validator__.validate_python(
                values, self_instance=blank, extra=extra, by_name=True, context=self._folders
            )
        except pydantic.ValidationError as exc:
            errors = exc.errors(include_url=False)
        else:
            return []
        return list(self._problems_of(errors))

    def _problems_of(self, errors: Sequence[ErrorDetails]) -> Iterator[SettingProblem]:
        found: dict[KeyPath, dict[str, str]] = {}
        for error in errors:
            path = self._path_of(error)
            found.setdefault(path, {})[self._sentence(error, path)] = error["type"]
        for path, sentences in found.items():
            yield self._problem(path, ", or ".join(sentences), kinds=set(sentences.values()))

    def _sentence(self, error: ErrorDetails, path: KeyPath) -> str:
        if error["type"] != "extra_forbidden":
            return sentence(error)
        return unknown_key(str(path[-1]), known_names(annotation_at(self._kind, path[:-1])))

    def _problem(self, path: KeyPath, text: str, *, kinds: Collection[str] = ()) -> SettingProblem:
        return SettingProblem(
            path=path,
            place=self._place_of(path, is_unknown="extra_forbidden" in kinds),
            sentence=text,
            is_missing="missing" in kinds,
            is_unknown="extra_forbidden" in kinds,
        )

    def _place_of(self, path: KeyPath, *, is_unknown: bool) -> str:
        """Name what is at `path`, and the place of it or of the nearest thing around it."""
        if not path:
            return self._kind.__name__
        around = (self.writers(path[:length])[-1:] for length in range(len(path), 0, -1))
        layer = next((one for found in around for one in found), None)
        if layer and is_unknown:
            return layer.place(path)
        if layer and not (layer.has_variables and not self.writers(path)):
            return layer.subject(path)
        return self._names.unset(self._names.without_keys(path))

    def _path_of(self, error: ErrorDetails) -> KeyPath:
        """Return the path, by the names of fields, as far as pydantic's location is one.

        The rest of a location names types.
        """
        path: KeyPath = ()
        inside: object = self.values
        annotation: Annotation | None = self._kind
        ends = error["loc"][-1:] if error["type"] == "missing" else ()
        for step in error["loc"]:
            is_there = step in inside if isinstance(inside, Mapping) else False
            if isinstance(inside, list | tuple) and isinstance(step, int):
                is_there = step < len(inside)
            if not (is_there or not path or (step,) == ends):
                continue
            name, annotation = entered(annotation, step)
            inside = inside[step] if is_there else None
            path = (*path, name)
        return path


def _is_related(left: KeyPath, right: KeyPath) -> bool:
    """Tell whether one path is equal to the other, or leads to it."""
    length = min(len(left), len(right))
    return length > 0 and left[:length] == right[:length]
