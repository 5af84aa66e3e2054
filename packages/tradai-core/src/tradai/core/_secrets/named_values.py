"""Mask values behind sensitive names in free text, such as the logs of other programs.

`redact` finds secrets by value or shape; an exchange's key that was never registered has neither.
"""

import re
from collections.abc import Iterator
from typing import Final

from tradai.core._secrets.redaction import MASK
from tradai.core._secrets.sensitive_keys import is_sensitive_key

# Every sensitive name has one of these in it: most lines have none, and are left at once.
_HINT: Final = re.compile(
    r"(?i)key|secret|token|pass|phrase|cred|mnemonic|cookie|authorization|pw|jwt"
)
# A name, in quotes or not, and the sign before its value: 'apiKey': / secret= / API key:
_NAME: Final = re.compile(
    r"(?P<name>(?<![\w.-])(?:(?i:access|api|private|secret|signing)[ ])?[\w.-]{1,64})"
    r"\\*[\"']?\s{0,4}(?P<sign>=>|[:=](?!=))\s{0,4}"
)
_QUOTE: Final = re.compile(r"(\\*)([\"'])")
_OPENING: Final = re.compile(r"[bBrRuU]{0,2}(\\*)([\"'])")
_BRACKET: Final = re.compile(r"[\[({\])}]")
_BARE: Final = re.compile(r"[^\s,;&\"'\])}]+")
# A word behind a colon begins a sentence, unless it has digits or nothing follows it.
_SENTENCE: Final = re.compile(r":\s{0,4}[^\s\d,;\[({\])}\"']+\s+\S")
# A value in brackets is masked up to here: a line of many open ones must not take long.
_LONGEST: Final = 4_096
_NOTHING: Final = frozenset({"", "None", "null", "nil", "True", "False", "true", "false", MASK})
# Freqtrade calls an exchange's key only `key`, and much else too: random text mixes characters.
_PLAIN_KEY: Final = "key"
_RANDOM: Final = re.compile(
    r"[bB]?\\*[\"']?(?P<value>"
    r"(?=[a-z\d_+/=-]{0,256}[A-Z])(?=[A-Z\d_+/=-]{0,256}[a-z])(?=[A-Za-z_+/=-]{0,256}\d)"
    r"[\w+/=-]{24,256})(?![\w+/=-])"
)


def mask_named_values(text: str) -> str:
    """Return `text` with the values behind names such as ``apiKey`` or ``ws_token`` masked.

    A value is a text in quotes, whatever is in brackets, or a word. One line at a time is looked
    at, so `text` should be a line.

    >>> mask_named_values("{'apiKey': 'not-a-key', 'name': 'binance'} password=hunter2")
    "{'apiKey': '***', 'name': 'binance'} password=***"
    """
    if not _HINT.search(text):
        return text
    kept = 0
    parts = []
    for start, end in _values(text):
        parts += [text[kept:start], MASK]
        kept = end
    return "".join([*parts, text[kept:]])


def is_plain_key(name: str, value: str) -> bool:
    """Tell whether `value` is random text under the name ``key``, which much else has too."""
    return name.lower() == _PLAIN_KEY and _RANDOM.fullmatch(value) is not None


def _values(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each value to mask."""
    place = 0
    while (found := _NAME.search(text, place)) is not None:
        place = found.end()
        start, end = _sensitive_extent(text, found)
        if text[start:end] not in _NOTHING:
            yield start, end
            place = end


def _sensitive_extent(text: str, found: re.Match[str]) -> tuple[int, int]:
    """Return start and end of the value behind a sensitive name; nothing behind another name.

    The value behind another name may be a mapping that has names of its own.
    """
    start = found.end()
    if found["name"].lower() == _PLAIN_KEY:
        random = _RANDOM.match(text, start)
        return random.span("value") if random else (start, start)
    is_prose = _SENTENCE.match(text, found.start("sign")) is not None
    if is_prose or not is_sensitive_key(found["name"].replace(" ", "_")):
        return start, start
    return _extent(text, start)


def _extent(text: str, start: int) -> tuple[int, int]:
    """Return start and end of the value at `start`, without its quotes."""
    opening = _OPENING.match(text, start)
    if opening is not None:
        return opening.end(), _end_of_quoted(text, opening.end(), len(opening[1]), opening[2])
    if text[start : start + 1] in {"[", "(", "{"}:
        return start, _end_of_brackets(text, start)
    bare = _BARE.match(text, start)
    return start, bare.end() if bare else start


def _end_of_quoted(text: str, start: int, depth: int, quote: str) -> int:
    """Return the place of the closing quote.

    Args:
        text: The text.
        start: Where the value begins.
        depth: Number of backslashes before the opening quote: 1 in JSON within JSON.
        quote: The quote.
    """
    for found in _QUOTE.finditer(text, start):
        # With other numbers of backslashes the quote belongs to the value.
        if found[2] == quote and (len(found[1]) - depth) % (2 * (depth + 1)) == 0:
            return found.end() - 1 - depth
    return len(text)


def _end_of_brackets(text: str, start: int) -> int:
    depth = 0
    for found in _BRACKET.finditer(text, start, start + _LONGEST):
        depth += 1 if found[0] in "[({" else -1
        if depth == 0:
            return found.end()
    return min(len(text), start + _LONGEST)
