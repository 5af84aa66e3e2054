"""Freshness of a value: a ttl in seconds or until a candle closes, jitter, and `stale_for`."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

from tradai.core import Timeframe
from tradai.core.exceptions import ValidationError


@final
@dataclass(frozen=True, slots=True)
class Candle:
    """A ttl until the close of the candle that was open when loading began; see `candle`."""

    timeframe: Timeframe


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """Time for which a value is fresh, and for which it is served after that."""

    ttl: float | Candle
    jitter: float
    stale_for_s: float

    def fresh_s(self, *, began_s: float, ended_s: float) -> float:
        """Return the seconds from `ended_s` for which a value is fresh; 0 or less means not at all.

        Seconds count from the end of the load, so that a load slower than the ttl is worth keeping.
        A candle is the one that was open when the load began: data read before its close lacks the
        close. Both instants are epoch seconds.
        """
        whole = self.ttl
        if isinstance(whole, Candle):
            whole = whole.timeframe.next_close(int(began_s * 1_000)) / 1_000 - ended_s
        if self.jitter:
            # Only spreads the load: an attacker gains nothing by guessing it.
            whole *= 1.0 - self.jitter * random.random()  # noqa: S311
        return whole


def candle(timeframe: str) -> Candle:
    """Return a ttl that depends on candles instead of seconds.

    The value expires at the close of the candle that was open when loading began.

    Candles are those of `tradai.core.Timeframe`, in UTC. A value whose load went on past the close
    is returned and not kept.

    >>> candle("1h").timeframe
    '1h'

    Args:
        timeframe: The length of the candle, such as ``5m`` or ``1h``.

    Raises:
        ValidationError: `timeframe` is not a timeframe.
    """
    return Candle(Timeframe(timeframe))


def freshness_of(ttl: float | Candle, *, jitter: float, stale_for: float) -> Freshness:
    """Return the freshness of these arguments of a decorator.

    Raises:
        ValidationError: `ttl` is not above zero, `jitter` is not in ``[0, 1)``, or `stale_for` is
            below zero; or one of them is not a finite number, or longer than a century.
    """
    if not isinstance(ttl, Candle):
        _check("ttl", ttl, lambda given: 0 < given <= _LONGEST_S)
    _check("jitter", jitter, lambda given: 0 <= given < 1)
    _check("stale_for", stale_for, lambda given: 0 <= given <= _LONGEST_S)
    return Freshness(ttl=ttl, jitter=jitter, stale_for_s=stale_for)


# A century: a longer time does not fit into the milliseconds that Redis takes.
_LONGEST_S: Final = 100 * 366 * 86_400

_EXPECTED: Final = {
    "ttl": 'seconds above zero, at most a century of them, or candle("1h")',
    "jitter": "the share of the ttl that may be cut off, from 0 up to but not 1",
    "stale_for": "seconds, from zero to a century of them",
}


def _check(field: str, value: object, is_allowed: Callable[[float], bool]) -> None:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    # Compared first: an int may be too large for `math.isfinite`.
    if not is_allowed(number) or not math.isfinite(number):
        shown = value if isinstance(value, int | float) else f"of type {type(value).__name__}"
        expected = _EXPECTED[field]
        message = f"{field} {shown} is not usable: expected {expected}"
        raise ValidationError(message, field=field, expected=expected)
