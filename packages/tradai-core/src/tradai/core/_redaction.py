"""How text that leaves the process is kept free of secrets.

A secret is known by value once it is registered; every `Secret` registers itself. Text that was
never registered is masked when its shape gives it away: access key ids of AWS, bearer tokens,
JWTs, the user part of a URL, signed query strings, private keys.
"""

import base64
import json
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Final, final
from urllib.parse import quote, quote_plus

from tradai.core._json import JsonValue

__all__ = ["MASK", "names_secret", "redact", "redact_value", "register_secret"]

MASK: Final = "***"

_SHORTEST: Final = 4
_SHORTEST_LINE: Final = 12

# What the first group matches is kept.
_SHAPES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        (
            r"(?s)()-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----"
            r".*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)"
        ),
        r"()\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
        r"()\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",
        r"(?i)(\b(?:authorization\W{1,4}(?:basic|token)|bearer)\s+)[\w.~+/=-]{8,}",
        r"(://)[^\s/?#\"'<>]+(?=@)",
        r"(?i)([?&][\w.-]{0,40}(?:key|token|secret|signature|password|credential)=)[^&\s\"'<>]+",
    )
)
_NAMES: Final = re.compile(
    r"(?i)(?:pass(?:word|wd|phrase)|secret|token|(?:api|secret|access|private)[_-]?key"
    r"|authorization|cookie|credentials?)$"
)


@final
class _Registry:
    """The values to mask, as one pattern that is replaced whole."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None

    def add(self, values: set[str]) -> None:
        with self._lock:
            if values <= self._values:
                return
            self._values |= values
            longest_first = sorted(self._values, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def mask(self, text: str) -> str:
        pattern = self._pattern
        return pattern.sub(MASK, text) if pattern else text


_REGISTRY: Final = _Registry()


def register_secret(value: str) -> None:
    """Have `redact` mask `value` from now on, also when it is quoted, escaped or in base64.

    Lines of a longer text are masked one by one too. A value of fewer than four characters is
    not masked: it would blot out half of every log.
    """
    text = value.strip()
    if len(text) < _SHORTEST:
        return
    lines = (line.strip() for line in text.splitlines())
    _REGISTRY.add({*_spellings(text), *(line for line in lines if len(line) >= _SHORTEST_LINE)})


def redact(text: str) -> str:
    """Return `text` with registered secrets and everything shaped like a secret masked.

    >>> redact("GET https://me:hunter2@example.org/?signature=abc")
    'GET https://***@example.org/?signature=***'
    """
    clean = _REGISTRY.mask(text)
    for shape in _SHAPES:
        clean = shape.sub(rf"\g<1>{MASK}", clean)
    return clean


def redact_value(value: JsonValue) -> JsonValue:
    """Return a JSON value redacted all the way down; what a key names a secret is masked whole."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(key): _redact_item(key, item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [redact_value(item) for item in value]
    return value


def names_secret(name: str) -> bool:
    """Tell whether a key such as ``api_key`` or ``dbPassword`` says that its value is secret."""
    return _NAMES.search(name) is not None


def _redact_item(key: str, item: JsonValue) -> JsonValue:
    return MASK if item is not None and names_secret(key) else redact_value(item)


def _spellings(text: str) -> set[str]:
    escaped = {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1]}
    raw = text.encode("utf-8", "surrogatepass")
    return {text, *escaped, quote(raw, safe=""), quote_plus(raw), base64.b64encode(raw).decode()}
