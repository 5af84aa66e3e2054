"""Problems of settings, in sentences that name the place and never the value."""

import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import final

from tradai.core._documents.tree import Path as KeyPath
from tradai.core._layers.problems import list_problems
from tradai.core.exceptions import ConfigurationError


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SettingProblem:
    """A problem at `path`; `place` is where it was written, and `sentence` follows it."""

    # Keys of mappings are in it, and they are values too.
    path: KeyPath = field(repr=False)
    place: str
    sentence: str
    is_missing: bool = False

    def __str__(self) -> str:
        """Return the problem as one line."""
        return f"{self.place} {self.sentence}"


def settings_error(problems: Iterable[SettingProblem]) -> ConfigurationError:
    """Return the one error for `problems`, of which there is at least one."""
    first, *_ = problems = list(problems)
    message = list_problems(problems)
    return ConfigurationError(message, key=first.place.split()[0], source=first.place)


def accident(error: Exception) -> str:
    """Describe the place where a validator crashed; its own message may quote the value."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{PurePath(frame.filename).name}:{frame.lineno}"
    return (
        f"has a validator that failed with {type(error).__name__} at {place}; have it raise "
        "ValueError for what is not valid"
    )
