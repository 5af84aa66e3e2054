"""Mask secrets in text that leaves the process.

A secret is known by value once it is registered; every `Secret` registers itself. Text that was
never registered is masked when its shape gives it away: access key ids of AWS, bearer tokens,
JWTs, the user part of a URL, signed query strings, private keys, bot tokens of Telegram.
"""

import itertools
import operator
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, final

from tradai.core._documents.json_values import JsonValue
from tradai.core._secrets.encodings import encoded_forms
from tradai.core._secrets.sensitive_keys import is_sensitive_key, signs_url

MASK: Final = "***"

_SHORTEST: Final = 4
_SHORTEST_LINE: Final = 8
_PART: Final = 6
# A pattern is compiled character by character, and a secret may have 65,536 in a dozen forms.
_LONGEST_COMPILED: Final = 1_000
# The characters of log lines, the most frequent first; those left out are rarer still.
_FREQUENT: Final = "e tainorsl0dc1u2m.p35_4gb68-97:/fhyT,vwkIDESNAOR=LCUPM'\"FB()GHW[]VY{}xjqzXK"
_RARITY: Final = {character: rank for rank, character in enumerate(_FREQUENT)}
_RAREST: Final = len(_FREQUENT)

# Every text with one of the shapes below has one of these in it.
_HINTS: Final = frozenset(
    {
        *("-----BEGIN", "AKIA", "ASIA", "yJ", "Bearer", "bearer", "BEARER", "Signature="),
        *("uthorization", "UTHORIZATION", "://", "?", "&", ":AA"),
    }
)
# The match of the first group is kept.
_SHAPES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        (
            r"(?s)()-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            r".*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)"
        ),
        r"()(?<![A-Za-z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])",
        r"()(?<![A-Za-z0-9])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*){1,3}",
        (
            r"((?:[Aa]uthorization|AUTHORIZATION)\W{1,6}(?:b['\"])?"
            r"(?i:basic|bearer|token)\s+)[\w.~+/=:-]+"
        ),
        # Words follow "bearer" too: a token is longer than they are, or has a digit.
        (
            r"((?:[Bb]earer|BEARER)\s+)"
            r"(?=[\w.~+/=-]{20}|[A-Za-z.~+/=_-]{0,19}\d)[\w.~+/=-]{8,}"
        ),
        r"(Signature=)[0-9A-Fa-f]{64}",
        r"(://)[^\s/?#\"'<>]+(?=@)",
        r"()(?<!\d)\d{8,10}:AA[\w-]{33}(?![\w-])",
    )
)
_PARAMETER: Final = re.compile(r"(?<=[?&])([\w.-]{1,64})=[^&\s\"'<>]+")


def _any_of(values: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that finds any of `values`, the longest first.

    It branches by the first character: most of a text is then skipped at once.
    """
    longest_first = sorted(values, key=lambda value: (value[0], -len(value)))
    by_first = itertools.groupby(longest_first, key=operator.itemgetter(0))
    return re.compile(
        "|".join(
            f"{re.escape(first)}(?:{'|'.join(re.escape(value[1:]) for value in group)})"
            for first, group in by_first
        )
    )


def _masker(values: Iterable[str]) -> Callable[[str], str]:
    """Return a function that masks any of `values` in a text, the longest first."""
    longest_first = sorted(values, key=len, reverse=True)
    long = [value for value in longest_first if len(value) > _LONGEST_COMPILED]
    short = longest_first[len(long) :]
    pattern = _any_of(short) if short else None

    def mask(text: str) -> str:
        for value in long:
            text = text.replace(value, MASK)
        return pattern.sub(MASK, text) if pattern else text

    return mask


def _rarest_part(value: str) -> str:
    """Return a part near the start of `value` that begins with its rarest character."""
    starts = range(max(1, min(len(value), _LONGEST_COMPILED) - 2))
    start = max(starts, key=lambda index: _RARITY.get(value[index], _RAREST))
    return value[start : start + _PART]


@final
class _Registry:
    """The values to mask, and the patterns that find them: compiled when they are next needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: frozenset[str] = frozenset()
        self._mask: Callable[[str], str] | None = None
        self._hint_pattern: re.Pattern[str] | None = None

    def add(self, values: frozenset[str]) -> None:
        with self._lock:
            if not values <= self._values:
                self._values |= values
                self._mask = self._hint_pattern = None

    def finds(self, text: str) -> bool:
        """Tell whether there is a registered value in `text`, or the hint of a shape."""
        return (self._hint_pattern or self._compile_hints()).search(text) is not None

    def mask(self, text: str) -> str:
        """Return `text` with the registered values masked."""
        return (self._mask or self._compile_mask())(text)

    def _compile_hints(self) -> re.Pattern[str]:
        with self._lock:
            self._hint_pattern = _any_of(set(map(_rarest_part, self._values | _HINTS)))
            return self._hint_pattern

    def _compile_mask(self) -> Callable[[str], str]:
        with self._lock:
            self._mask = _masker(self._values)
            return self._mask


_REGISTRY: Final = _Registry()


def register_secret(value: str) -> None:
    """Have `redact` mask `value` from now on, however it is quoted, escaped or encoded.

    Lines of a longer text are masked one by one too. A value of fewer than four characters is
    not masked: it would blot out half of every log.
    """
    text = value.strip()
    if len(text) < _SHORTEST:
        return
    lines = (line.strip() for line in text.splitlines())
    whole_lines = (line for line in lines if len(line) >= _SHORTEST_LINE)
    _REGISTRY.add(encoded_forms(text).union(*map(encoded_forms, whole_lines)))


def redact(text: str) -> str:
    """Return `text` with registered secrets and everything shaped like a secret masked.

    >>> redact("GET https://me:hunter2@example.org/?signature=abc")
    'GET https://***@example.org/?signature=***'
    """
    if not _REGISTRY.finds(text):
        return text
    clean = _REGISTRY.mask(text)
    for shape in _SHAPES:
        clean = shape.sub(rf"\g<1>{MASK}", clean)
    return _PARAMETER.sub(_masked_parameter, clean)


def may_hold_secret(text: str) -> bool:
    """Tell quickly whether `redact` may have to change `text`; True may be a false alarm."""
    return _REGISTRY.finds(text)


def redact_value(value: JsonValue) -> JsonValue:
    """Return a JSON value redacted all the way down; values of sensitive keys are masked whole."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(key): _redact_item(key, item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [redact_value(item) for item in value]
    return value


def _masked_parameter(match: re.Match[str]) -> str:
    name = match[1]
    return f"{name}={MASK}" if is_sensitive_key(name) or signs_url(name) else match[0]


def _redact_item(key: str, item: JsonValue) -> JsonValue:
    return MASK if item is not None and is_sensitive_key(key) else redact_value(item)
