"""Format numbers, durations and instants for the report and the terminal."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from math import isfinite
from typing import Final

from tradai.core import parse_time_range
from tradai.core.exceptions import ValidationError

NOTHING: Final = "\N{EN DASH}"
_MINUTE_S: Final = 60
MINUS: Final = "\N{MINUS SIGN}"
# Smallest magnitude, and the number of decimals of an amount of at least that size.
_DECIMALS: Final = ((10.0, 2), (0.1, 4), (0.0, 8))
# Coins so dear that the profit of a trade is a small part of one, whatever the account holds.
_DEAR_COINS: Final = frozenset({"BTC", "ETH", "BNB", "XBT"})
_MOST_DECIMALS: Final = 8


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 pair`` or ``2 pairs``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def cut(text: str, length: int) -> str:
    """Return `text`; of a longer one the first `length` characters and an ellipsis.

    >>> cut("roi", 3), cut("stop_loss", 4) == "stop\N{HORIZONTAL ELLIPSIS}"
    ('roi', True)
    """
    return text if len(text) <= length else f"{text[:length]}\N{HORIZONTAL ELLIPSIS}"


def decimals_for(amounts: Iterable[float], currency: str = "") -> int:
    """Return the number of decimals for `amounts`: few for dollars, many for parts of a coin.

    >>> decimals_for([1000.0, 0.25]), decimals_for([0.0021]), decimals_for([20.0], "BTC")
    (2, 8, 8)
    """
    if currency in _DEAR_COINS:
        return _MOST_DECIMALS
    largest = max((abs(amount) for amount in amounts if isfinite(amount)), default=0.0)
    return next((places for size, places in _DECIMALS if largest >= size and largest), 2)


def plain(value: float | None, decimals: int) -> str:
    """Return `value` with thousands separators and a typographic minus sign; zero has none.

    >>> plain(-0.004, 2), plain(-1234.5, 1) == "\N{MINUS SIGN}1,234.5"
    ('0.00', True)
    """
    if value is None or not isfinite(value):
        return NOTHING
    return f"{round(value, decimals) + 0.0:,.{decimals}f}".replace("-", MINUS)


def signed(value: float, decimals: int) -> str:
    """Return `value` with a plus or minus sign; zero has none.

    >>> signed(1234.5, 2), signed(-0.001, 2)
    ('+1,234.50', '0.00')
    """
    text = plain(value, decimals)
    return f"+{text}" if round(value, decimals) > 0 else text


def percent(ratio: float | None, *, with_sign: bool = False) -> str:
    """Return `ratio` in percent."""
    if ratio is None or not isfinite(ratio):
        return NOTHING
    number = signed(100 * ratio, 2) if with_sign else plain(100 * ratio, 1)
    return f"{number} %"


def result_text(value: object) -> str:
    """Return a figure of a result, whatever its type.

    >>> result_text(1234.5), result_text({"custom_exit": 2, "leverage": 1}), result_text(None)
    ('1,234.5', 'custom_exit 2, leverage 1', '-')
    >>> result_text({}), result_text([]), result_text(["BTC/USDT", 400]), result_text(-0.000000001)
    ('none', 'none', 'BTC/USDT, 400', '0')
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {result_text(inner)}" for name, inner in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(result_text, value)) or "none"
    if isinstance(value, float):
        text = f"{round(value, _MOST_DECIMALS) + 0.0:,.{_MOST_DECIMALS}f}"
        return text.rstrip("0").rstrip(".")
    return "-" if value is None else str(value)


def duration(seconds: float | None) -> str:
    """Return a duration by its two largest units.

    >>> duration(93_784.0), duration(0.25)
    ('1 d 2 h', '0.2 s')
    """
    if seconds is None:
        return NOTHING
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE_S)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))
    first = next(index for index, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)


def time_range_text(text: str) -> str:
    """Return a time range for people: days stay, and epoch seconds become instants.

    >>> time_range_text("1740787200-1743465900"), time_range_text("20250301-20250401")
    ('2025-03-01 00:00 to 2025-04-01 00:05 UTC', '20250301-20250401')
    """
    try:
        given = parse_time_range(text)
    except ValidationError:
        return text
    ends = [each for each in (given.start, given.stop) if each]
    if all(each.time() == time() for each in ends):
        return str(given)
    start, stop = (each and f"{each:%Y-%m-%d %H:%M}" for each in (given.start, given.stop))
    if start and stop:
        return f"{start} to {stop} UTC"
    return f"from {start} UTC" if start else f"up to {stop} UTC"


def instant(at: datetime) -> str:
    """Return `at` in UTC, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
