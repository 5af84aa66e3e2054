"""What plain YAML text means, by the core schema of YAML 1.2.

``NO``, ``12:30``, ``1_000`` and ``2025-01-01`` are text; ``1e-3`` is a number.
"""

import math
import re
from typing import Final

__all__ = ["plain_scalar"]

_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_DIGITS: Final = 300


def plain_scalar(text: str) -> bool | int | float | str | None:
    """Return the value of unquoted `text`; a number that does not fit is infinity."""
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        return math.inf
    if _INTEGER.fullmatch(text) or _OTHER_BASE.fullmatch(text):
        return _integer(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _integer(text: str) -> int | float:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text, base) if len(text) <= _MAX_DIGITS else math.inf
