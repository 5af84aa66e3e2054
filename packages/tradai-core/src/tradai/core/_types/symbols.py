"""Text types: currencies, symbols, pairs, versions.

All are strings to Python, and checked when a model takes them; `Pair` and `Version` are also
checked when they are made, and know their parts. Digits are ASCII, and so are letters but for those
of Chinese, Japanese and Korean, in which some coins have their names.
"""

import unicodedata
from typing import Annotated, Final, Self, TypeAlias, final

from tradai.core._types.checked_text import CheckedText, OrderedText
from tradai.core._types.pattern import Grammar

# Letters and digits of any script but Latin, of which `_is_refused` leaves few.
_OTHER: Final = r"[^\x00-\u02ff\W\d_]"
_CODE: Final = f"(?:[A-Z0-9]|{_OTHER}){{1,20}}"
# Wide letters that look like "/" or "O", and one that is not seen.
_MISLEADING: Final = frozenset("\u30ce\u4e3f\u110b\u115f")
_NUMBER: Final = "(0|[1-9][0-9]*)"


def _is_refused(text: str) -> bool:
    """Return whether `text` has a letter that may be taken for another one, or is not seen.

    Letters as wide as those of Chinese seldom look like Latin ones; narrow ones of many scripts do.
    """
    if text.isascii():
        return False
    others = [letter for letter in text if not letter.isascii()]
    return (
        not all(map(_is_wide_letter, others))
        or not _MISLEADING.isdisjoint(others)
        or not unicodedata.is_normalized("NFKC", text)
    )


def _is_wide_letter(letter: str) -> bool:
    return unicodedata.category(letter) == "Lo" and unicodedata.east_asian_width(letter) == "W"


_PAIR: Final = Grammar(
    "pair",
    rf"({_CODE})/({_CODE})(?::({_CODE}))?",
    "BASE/QUOTE in capital letters and digits, such as BTC/USDT",
    is_refused=_is_refused,
)
_VERSION: Final = Grammar(
    "version",
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}",
    "three numbers without leading zeros, such as 1.0.0",
)

# A name is a part of a confirmation, `name@version:hash8`, and of the names of objects.
STRATEGY_NAME: Final = Grammar(
    "strategy",
    "[A-Za-z0-9][A-Za-z0-9._-]{0,99}",
    "letters, digits, '.', '_' and '-', at most 100, such as momentum",
)
SHA256: Final = Grammar("digest", "[0-9a-f]{64}", "a SHA-256 as 64 hexadecimal digits")


def check_strategy_name(name: str) -> str:
    """Return `name`, by which approvals know a strategy.

    >>> check_strategy_name("momentum")
    'momentum'

    Raises:
        ValidationError: It is not a name of a strategy.
    """
    return STRATEGY_NAME.check(name)


Currency: TypeAlias = Annotated[
    str,
    Grammar("currency", _CODE, "capital letters and digits, such as USDT", is_refused=_is_refused),
]
"""A currency such as ``USDT``: ``[A-Z0-9]{1,20}``, as exchanges write their asset codes.

Letters of Chinese, Japanese and Korean are taken, too.
"""

Symbol: TypeAlias = Annotated[
    str,
    Grammar(
        "symbol",
        f"(?:[A-Z0-9._-]|{_OTHER}){{1,20}}",
        "capital letters, digits, '.', '_', '-', as BTCUSDT",
        is_refused=_is_refused,
    ),
]
"""A market as the exchange itself calls it, such as ``BTCUSDT``: ``[A-Z0-9._-]{1,20}``.

Letters of Chinese, Japanese and Korean are taken, as in a `Currency`.
Source: the range of characters in Binance's error -1100 for the parameter ``symbol``.
"""

Identifier: TypeAlias = Annotated[
    str,
    Grammar(
        "identifier",
        "[A-Za-z_][A-Za-z0-9_]{0,199}",
        "a Python class name, such as TrendFollower",
    ),
]
"""A name that Python code can have, in ASCII: ``[A-Za-z_][A-Za-z0-9_]{0,199}``.

Source: https://docs.python.org/3/reference/lexical_analysis.html#identifiers.
"""

Minutes: TypeAlias = Annotated[
    str, Grammar("minutes", "0|[1-9][0-9]{0,8}", "whole minutes such as 30")
]
"""Minutes as a mapping key, such as ``30``: ``0|[1-9][0-9]{0,8}``."""


@final
class Pair(CheckedText):
    """A market such as ``BTC/USDT``; otherwise an ordinary string.

    ``BASE/QUOTE``, or ``BASE/QUOTE:SETTLE`` for a contract without expiry, each a `Currency`.
    Source: the unified symbols of ccxt, https://docs.ccxt.com.

    >>> Pair("BTC/USDT").base
    'BTC'
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check `text`.

        Raises:
            ValidationError: It is not a pair.
        """
        return super().__new__(cls, _PAIR.check(text))

    @property
    def base(self) -> str:
        """Currency that is bought and sold."""
        return _PAIR.parts(self)[0]

    @property
    def quote(self) -> str:
        """Currency that prices are in."""
        return _PAIR.parts(self)[1]

    @property
    def settle(self) -> str | None:
        """Currency that a contract is settled in; None for spot."""
        return _PAIR.parts(self)[2] or None


@final
class Version(OrderedText):
    """A version such as ``1.10.0``, ordered by its numbers; otherwise an ordinary string.

    Three numbers without leading zeros: the version core of Semantic Versioning 2.0.0
    (https://semver.org), without its pre-release and build parts.

    >>> Version("1.10.0") > Version("1.9.0")
    True
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check `text`.

        Raises:
            ValidationError: It is not a version.
        """
        return super().__new__(cls, _VERSION.check(text))

    @property
    def major(self) -> int:
        """The first number."""
        return self._rank[0]

    @property
    def minor(self) -> int:
        """The second number."""
        return self._rank[1]

    @property
    def patch(self) -> int:
        """The third number."""
        return self._rank[2]

    # Computed from the text, where the base class declares an attribute.
    @property
    def _rank(self) -> tuple[int, ...]:  # type: ignore[override]
        return tuple(int(part) for part in _VERSION.parts(self))


def pair_parts(pair: str) -> tuple[str, str]:
    """Return the base and the quote currency of `pair`.

    >>> pair_parts("BTC/USDT")
    ('BTC', 'USDT')

    Raises:
        ValidationError: `pair` is not a pair.
    """
    checked = Pair(pair)
    return checked.base, checked.quote
