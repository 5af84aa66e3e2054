"""Problems of settings, in sentences that name the place and never the value."""

import os
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final, final

from pydantic import PydanticUserError

from tradai.core._documents.tree import KeyPath
from tradai.core._layers.code_message import code_message
from tradai.core._layers.problems import list_problems
from tradai.core._layers.suggestions import did_you_mean
from tradai.core.exceptions import ConfigurationError

NOT_JSON: Final = "must be JSON, such as a list"
NOT_TEXT: Final = "is not UTF-8 text; write it again"
REPEATED_KEY: Final = "must be JSON in which no object repeats a key"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SettingProblem:
    """A problem at `path`, reported as `place` and `sentence`.

    A loose problem does not count if a higher layer replaces the value.
    """

    # It may contain keys of mappings, which are values too.
    path: KeyPath = field(repr=False)
    place: str
    sentence: str
    is_missing: bool = False
    is_unknown: bool = False
    is_loose: bool = False

    def __str__(self) -> str:
        """Return the problem as one line."""
        return f"{self.place} {self.sentence}"


def settings_error(problems: Iterable[SettingProblem]) -> ConfigurationError:
    """Return the one error for `problems`, of which there is at least one."""
    first, *_ = problems = list(problems)
    message = list_problems(problems)
    return ConfigurationError(message, key=first.place.split()[0], source=first.place)


def accident(error: Exception) -> str:
    """Return the sentence for a validator that crashed, without its message, which may quote."""
    if isinstance(error, PydanticUserError):
        # The class is not complete; the message names classes, and no value.
        return f"cannot be read: {error.message}"
    if isinstance(error, OSError) and error.errno is not None:
        return f"names something that cannot be looked at: {os.strerror(error.errno)}"
    return (
        f"has a validator that failed with {_crash(error)}; have it raise "
        "ValueError for what is not valid"
    )


def unreadable(error: Exception) -> str:
    """Return the sentence for a source that failed."""
    if isinstance(error, UnicodeDecodeError):
        return f"could not be read: one of its files {NOT_TEXT}"
    return f"could not be read: {code_message(error) or _crash(error)}"


def unknown_key(key: str, known: Sequence[str]) -> str:
    """Return the sentence for an unknown `key`, quoted only when it resembles a field.

    Any other key may be a misplaced value.
    """
    hint = did_you_mean(key, known)
    if hint:
        return f"has a key {key!r} that is not a setting{hint}"
    all_known = f"; known are {', '.join(known)}" if known else ""
    return f"has a key that is not a setting{all_known}"


def _crash(error: Exception) -> str:
    """Name the class of `error` and the place where it was raised."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {PurePath(frame.filename).name}:{frame.lineno}"
