"""What is wrong with settings, in sentences that name the variable and never the value."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, final

from pydantic_core import ErrorDetails

from tradai.core.exceptions import ConfigurationError, ValidationError

__all__ = ["UNREADABLE", "SettingProblem", "is_json", "refusal", "sentence"]

# Shorter texts are no secrets.
_MIN_SECRET: Final = 8


@final
@dataclass(frozen=True, slots=True)
class SettingProblem:
    """A variable or an argument that is wrong; `sentence` follows its name."""

    place: str
    sentence: str
    is_missing: bool = False


def is_json(text: str) -> bool:
    """Tell whether `text` is JSON."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


UNREADABLE: Final = SettingProblem("environment", "holds a value that is not JSON; check lists")


def refusal(problems: Iterable[SettingProblem]) -> ConfigurationError:
    """Return the one error for `problems`, of which there is at least one."""
    lines = [f"{problem.place} {problem.sentence}" for problem in problems]
    message = lines[0] if len(lines) == 1 else f"{len(lines)} problems\n" + "\n".join(lines)
    return ConfigurationError(message, key=lines[0].split()[0], source="environment")


def sentence(error: ErrorDetails) -> str:
    """Say what a value must be, without quoting the one it is."""
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, ValidationError) and cause.expected:
        return f"must be {cause.expected}"
    if error["type"] == "missing":
        return "is missing; set it"
    text = str(error["input"])
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    return "is not valid" if cause is not None and _quotes(message, text) else message


def _quotes(message: str, text: str) -> bool:
    """Tell whether a validator put the value into its message, which ours never do."""
    whole_word = rf"(?<![^\s'\"]){re.escape(text)}(?![^\s'\",.;:])"
    return len(text) >= _MIN_SECRET and re.search(whole_word, message) is not None
