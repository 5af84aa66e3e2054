"""How long a value is fresh: for some seconds, or until the candle closes."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

from tradai.core import Timeframe
from tradai.core.exceptions import ValidationError

__all__ = ["Candle", "Freshness", "candle", "freshness_of"]


@final
@dataclass(frozen=True, slots=True)
class Candle:
    """Until the candle closes that was open when the load began; made by `candle`."""

    timeframe: Timeframe


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How long a value is fresh, and how long it is served after that."""

    ttl: float | Candle
    jitter: float
    stale_for_s: float

    def fresh_s(self, *, began_s: float, ended_s: float) -> float:
        """Return for how many seconds from `ended_s` on a value is fresh; 0 or less means not.

        Seconds count from the end of the load: a load slower than the ttl is worth keeping, too. A
        candle is the one of the beginning: what was read before its close does not know of it.
        Both instants are epoch seconds.
        """
        whole = self.ttl
        if isinstance(whole, Candle):
            whole = whole.timeframe.next_close(int(began_s * 1_000)) / 1_000 - ended_s
        if self.jitter:
            # Only spreads the load: nobody gains by guessing it.
            whole *= 1.0 - self.jitter * random.random()  # noqa: S311
        return whole


def candle(timeframe: str) -> Candle:
    """Keep a value until the candle closes that was open when its load began.

    Candles are those of `tradai.core.Timeframe`, in UTC. A value whose load went on past the close
    is handed out and not kept.

    >>> candle("1h").timeframe
    '1h'

    Args:
        timeframe: The length of the candle, such as ``5m`` or ``1h``.

    Raises:
        ValidationError: `timeframe` is no timeframe.
    """
    return Candle(Timeframe(timeframe))


def freshness_of(ttl: float | Candle, *, jitter: float, stale_for: float) -> Freshness:
    """Check what a decorator was given.

    Raises:
        ValidationError: `ttl` is not above zero, `jitter` is not in ``[0, 1)``, or `stale_for` is
            below zero; or one of them is no finite number, or longer than a century.
    """
    if not isinstance(ttl, Candle):
        _check("ttl", ttl, lambda given: 0 < given <= _LONGEST_S)
    _check("jitter", jitter, lambda given: 0 <= given < 1)
    _check("stale_for", stale_for, lambda given: 0 <= given <= _LONGEST_S)
    return Freshness(ttl=ttl, jitter=jitter, stale_for_s=stale_for)


# A century: what is longer does not fit into what Redis is told.
_LONGEST_S: Final = 100 * 366 * 86_400

_EXPECTED: Final = {
    "ttl": 'seconds above zero, at most a century of them, or candle("1h")',
    "jitter": "the share of the ttl that may be cut off, from 0 up to but not 1",
    "stale_for": "seconds, from zero to a century of them",
}


def _check(field: str, value: object, is_allowed: Callable[[float], bool]) -> None:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    # Compared before all else: an int may be too large to be any float.
    if not is_allowed(number) or not math.isfinite(number):
        shown = value if isinstance(value, int | float) else f"of type {type(value).__name__}"
        expected = _EXPECTED[field]
        message = f"{field} {shown} is not usable: expected {expected}"
        raise ValidationError(message, field=field, expected=expected)
