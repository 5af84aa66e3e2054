"""What is wrong with a configuration, in sentences that name the place and never the value."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, final

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from tradai.core._documents.json_values import JsonValue
from tradai.core._documents.tree import Path, dotted, not_finite
from tradai.core._strategy.config import StrategyConfig, StrategySource
from tradai.core._strategy.execution import Execution, Pricing
from tradai.core.exceptions import ConfigurationError, ValidationError

__all__ = ["Problem", "did_you_mean", "problems_of", "refusal", "sentence"]

_RUN: Final = "run"
_MODELS: Final[Mapping[Path, type[BaseModel]]] = {
    (): StrategyConfig,
    ("strategy",): StrategySource,
    ("execution",): Execution,
    ("execution", "entry_pricing"): Pricing,
    ("execution", "exit_pricing"): Pricing,
}

_SENTENCES: Final = {
    "dict_type": "must be a mapping",
    "missing": "is missing; add it",
    "model_type": "must be a mapping",
    "string_too_short": "must not be empty",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "value_error": "is not valid",
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: where, which key, and what to do about it."""

    place: str
    path: Path
    sentence: str

    def __str__(self) -> str:
        """Spell the problem on one line."""
        return f"{self.place}: {dotted(self.path)}: {self.sentence}"


def refusal(problems: Sequence[Problem]) -> ConfigurationError:
    """Return the one error for `problems`, of which there is at least one."""
    lines = list(dict.fromkeys(str(problem) for problem in problems))
    message = lines[0] if len(lines) == 1 else f"{len(lines)} problems\n" + "\n".join(lines)
    first = problems[0]
    return ConfigurationError(message, key=dotted(first.path), source=first.place)


def problems_of(
    errors: Sequence[ErrorDetails],
    values: Mapping[str, JsonValue],
    *,
    place_of: Callable[[Path], str],
) -> Iterator[Problem]:
    """Yield the problems that pydantic found in `values`, one for each key."""
    sentences: dict[Path, list[str]] = {}
    for error in errors:
        path = _path_in(values, error)
        sentences.setdefault(path, []).append(_sentence_of(error, path))
    for path, several in sentences.items():
        yield Problem(place=place_of(path), path=path, sentence=", or ".join(several))


def sentence(error: ErrorDetails) -> str:
    """Say what a value must be, without quoting the one it is."""
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, ValidationError) and cause.expected:
        return f"must be {cause.expected}"
    return _SENTENCES.get(error["type"], error["msg"].replace("Input should be", "must be"))


def did_you_mean(key: str, path: Path = ()) -> str:
    """Suggest the known key that `key` at `path` was meant to be; inside a block, else list all."""
    model = _MODELS.get(path)
    if model is None:
        return ""
    known = [field.serialization_alias or name for name, field in model.model_fields.items()]
    close = get_close_matches(key, known if path else [*known, _RUN], n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known are {', '.join(known)}" if path else ""


def _sentence_of(error: ErrorDetails, path: Path) -> str:
    if error["type"] != "extra_forbidden":
        return sentence(error)
    return f"is not a key we know{did_you_mean(str(path[-1]), path[:-1])}"


def _path_in(values: JsonValue, error: ErrorDetails) -> Path:
    """Follow pydantic's location as far as it is a path in `values`; the rest names types.

    What a free-form block refuses is the NaN or infinity in it, so the path goes on to that.
    """
    path: Path = ()
    for step in error["loc"]:
        if isinstance(values, Mapping) and step in values:
            values = values[str(step)]
        elif isinstance(values, list | tuple) and isinstance(step, int):
            values = values[step]
        elif error["type"] == "missing" and isinstance(values, Mapping):
            return (*path, step)
        else:
            return path
        path = (*path, step)
    return (*path, *next(not_finite(values), ()))
