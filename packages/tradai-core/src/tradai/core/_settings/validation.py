"""Validate the merged layers of a settings class, and list all problems."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, final

import pydantic
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

from tradai.core._documents.json_values import JsonValue
from tradai.core._documents.tree import Path, defines_path, merge, nodes
from tradai.core._layers.layer import Origin
from tradai.core._layers.problems import error_sentence
from tradai.core._layers.suggestions import did_you_mean
from tradai.core._settings.annotations import aliases, annotation_at, known_keys
from tradai.core._settings.layers import SettingLayer, Source, defaults
from tradai.core._settings.problems import SettingProblem, accident
from tradai.core._settings.values import freeze_fields, keep_digits
from tradai.core._settings.variables import variable_of
from tradai.core.exceptions import TradAIError

# Crashes of validators; pydantic lets them through, and their text may be the value.
_ACCIDENTS: Final = (ArithmeticError, AttributeError, LookupError, TypeError)
_TOO_LONG: Final = "has a number of thousands of digits; write a shorter one"


@final
class SettingStack:
    """The layers of the settings class `kind`, lowest first, and their merged values."""

    def __init__(self, kind: type[BaseSettings], layers: Sequence[SettingLayer]) -> None:
        self._kind = kind
        self._layers = layers
        self.values: Mapping[str, JsonValue] = {}
        for layer in layers:
            self.values = merge(self.values, layer.data.values)

    def fill(self, blank: BaseSettings) -> list[SettingProblem]:
        """Make `blank` the settings, frozen all the way down; or return all that is wrong."""
        problems = [problem for layer in self._layers for problem in layer.problems]
        problems += self._unknown_keys()
        known = [problem.path for problem in problems]
        problems += [
            found
            for found in self._validate(blank)
            if not any(_is_related(found.path, path) for path in known)
        ]
        if not all(layer.is_complete for layer in self._layers):
            # The layer that could not be read may have what is missing.
            problems = [problem for problem in problems if not problem.is_missing]
        if problems:
            # Values that were filled in before a validator refused the whole must not be shown.
            vars(blank).clear()
            return problems
        freeze_fields(blank)
        # Defaults are written out below, because pydantic cannot validate all of them as JSON.
        blank.model_fields_set.intersection_update(self.values)
        return []

    def origins(self, path: Path) -> list[tuple[Source, Origin]]:
        """Return where `path` was written, the place that counts last."""
        return [
            (layer.source, layer.data.origin_of(path))
            for layer in self._layers
            if defines_path(layer.data.values, path)
        ]

    def _validate(self, blank: BaseSettings) -> list[SettingProblem]:
        folders = {path: one for layer in self._layers for path, one in layer.folders.items()}
        # The text is not a local variable, so that the traceback of a crash does not show it.
        try:
            type(blank).__pydantic_validator__.validate_json(
                json.dumps(
                    {**defaults(self._kind, self.values), **keep_digits(self._kind, self.values)}
                ),
                strict=True,
                context=folders,
                self_instance=blank,
            )
        except pydantic.ValidationError as exc:
            return list(self._problems_of(exc.errors(include_url=False)))
        except TradAIError:
            raise
        except ValueError:
            return [SettingProblem(path=(), place=self._place_of(()), sentence=_TOO_LONG)]
        except _ACCIDENTS as exc:
            return [SettingProblem(path=(), place=self._place_of(()), sentence=accident(exc))]
        return []

    def _problems_of(self, errors: Sequence[ErrorDetails]) -> Iterator[SettingProblem]:
        sentences: dict[Path, list[str]] = {}
        for error in errors:
            sentences.setdefault(self._path_of(error), []).append(error_sentence(error))
        missing = {self._path_of(error) for error in errors if error["type"] == "missing"}
        for path, several in sentences.items():
            text = ", or ".join(dict.fromkeys(several))
            place = self._place_of(path)
            yield SettingProblem(path=path, place=place, sentence=text, is_missing=path in missing)

    def _path_of(self, error: ErrorDetails) -> Path:
        """Follow pydantic's location as far as it is a path in the values; the rest names types."""
        path: Path = ()
        inside: JsonValue = self.values
        for step in self._by_name(error["loc"]):
            if isinstance(inside, Mapping) and step in inside:
                inside = inside[str(step)]
            elif isinstance(inside, list) and isinstance(step, int) and step < len(inside):
                inside = inside[step]
            elif not path or (error["type"] == "missing" and isinstance(inside, Mapping)):
                return (*path, step)
            else:
                return path
            path = (*path, step)
        return path

    def _by_name(self, location: Path) -> Path:
        """Return `location` with the name of a field in place of its alias."""
        fields = self._kind.model_fields.items()
        named = (name for name, field in fields if location[0] in {name, *aliases(field)})
        return (next(named, location[0]), *location[1:]) if location else ()

    def _place_of(self, path: Path) -> str:
        """Name the place of `path`, or of the nearest thing around it that was written."""
        if not path:
            return self._kind.__name__
        written = path
        while written and not self.origins(written):
            written = written[:-1]
        source, origin = self.origins(written)[-1] if written else ("environment", None)
        variable = variable_of(self._kind, path)
        if source == "argument":
            return f"{self.shown(path)} ({variable})"
        is_named = origin is None or written != path or origin.source.endswith(variable)
        if source == "environment" and is_named:
            return variable
        return f"{origin}: {self.shown(path)}"

    def _unknown_keys(self) -> Iterator[SettingProblem]:
        """Yield a problem for each key that is not a field."""
        for layer in self._layers:
            for path, _ in nodes(layer.data.values):
                known = known_keys(self._kind, path[:-1])
                if known and annotation_at(self._kind, path) is None:
                    place = str(layer.data.origin_of(path))
                    text = _unknown(str(path[-1]), known)
                    yield SettingProblem(path=path, place=place, sentence=text)

    def shown(self, path: Path) -> str:
        """Return `path` as text, without keys of mappings: they are values too."""
        return ".".join(
            str(step) if self._is_name(step, path[:place]) else "*"
            for place, step in enumerate(path)
        )

    def _is_name(self, step: str | int, around: Path) -> bool:
        return isinstance(step, int) or step in known_keys(self._kind, around)


def _unknown(key: str, known: Sequence[str]) -> str:
    """Return the sentence for an unknown `key`, quoted only when it resembles a field.

    Any other key may be a misplaced value.
    """
    hint = did_you_mean(key, known)
    if hint:
        return f"has a key {key!r} that is not a setting{hint}"
    return f"has a key that is not a setting; known are {', '.join(known)}"


def _is_related(left: Path, right: Path) -> bool:
    """Tell whether one path is equal to the other, or leads to it."""
    length = min(len(left), len(right))
    return length > 0 and left[:length] == right[:length]
