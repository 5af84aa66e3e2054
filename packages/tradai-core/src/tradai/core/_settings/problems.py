"""What is wrong with settings, in sentences that name the place and never the value."""

import re
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePath
from typing import Final, final, get_args

from pydantic_core import ErrorDetails, core_schema

from tradai.core._documents.tree import Path as KeyPath
from tradai.core.exceptions import ConfigurationError, ValidationError

__all__ = ["SettingProblem", "accident", "refusal", "sentence"]

# What pydantic says of these repeats what a validator said, or the value itself.
_MAY_QUOTE: Final = {
    "assertion_error",
    "get_attribute_error",
    "iteration_error",
    "mapping_type",
    "union_tag_invalid",
    "value_error",
}
_SENTENCES: Final = {
    "dict_type": "must be a mapping",
    "frozen_set_type": "must be a list",
    "json_invalid": "has text that is not Unicode; write it again",
    "list_type": "must be a list",
    "missing": "is missing; set it",
    "model_attributes_type": "must be a mapping",
    "model_type": "must be a mapping",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    # What pydantic says of it quotes a character.
    "uuid_parsing": "must be a UUID",
}
# "Input should be", "String should have": what it is about is named before.
_SUBJECT: Final = re.compile(r"^\w+ should ")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SettingProblem:
    """What is wrong at `path`; `place` is where it was written, and `sentence` follows it."""

    # Keys of mappings are in it, and they are values too.
    path: KeyPath = field(repr=False)
    place: str
    sentence: str
    is_missing: bool = False

    def __str__(self) -> str:
        """Spell the problem on one line."""
        return f"{self.place} {self.sentence}"


def refusal(problems: Iterable[SettingProblem]) -> ConfigurationError:
    """Return the one error for `problems`, of which there is at least one."""
    first, *others = problems
    lines = list(dict.fromkeys(str(problem) for problem in (first, *others)))
    message = lines[0] if len(lines) == 1 else f"{len(lines)} problems\n" + "\n".join(lines)
    return ConfigurationError(message, key=first.place.split()[0], source=first.place)


def sentence(error: ErrorDetails) -> str:
    """Say what a value must be, without quoting the one it is.

    A validator is quoted only when it raised our own `ValidationError`, whose `expected` never
    holds the value.
    """
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, ValidationError) and cause.expected:
        return f"must be {cause.expected.removeprefix('must be ')}"
    if error["type"] in _SENTENCES:
        return _SENTENCES[error["type"]]
    if error["type"] not in _harmless():
        return "is not valid"
    return _SUBJECT.sub("must ", error["msg"])


def accident(error: Exception) -> str:
    """Say where a validator failed without meaning to; what it raised may quote the value."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{PurePath(frame.filename).name}:{frame.lineno}"
    return (
        f"has a validator that failed with {type(error).__name__} at {place}; have it raise "
        "ValueError for what is not valid"
    )


@cache
def _harmless() -> frozenset[str]:
    """Return the types of errors whose message is made from the schema alone."""
    return frozenset(get_args(core_schema.ErrorType)) - _MAY_QUOTE
