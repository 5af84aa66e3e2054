"""Signs that the bot trades, and why it stands still when they are missing."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import cycle, islice
from typing import Final, Protocol, final

from tradai.entrypoint.freqtrade._evidence.evidence import MOST_KEPT, EngineEvidence

# Calls that fail for this long, without a loop in between in which none did, are an outage.
_OUTAGE_S: Final = 10.0
_CLEAN_LOOPS: Final = 2
# A strategy that computes for longer than this stands still.
_LOOP_S: Final = 600.0
# Time that the next candle may be late.
_LATE_S: Final = (120.0, 600.0)
# The others follow in the next looks.
_PAIRS_A_LOOK: Final = 10
# Of the engine's own words.
_LONGEST: Final = 240


@final
class StallCause(Enum):
    """Why a bot stands still, the most certain cause first."""

    STOPPED = "stopped"
    EXCHANGE = "exchange"
    UNTRAINED = "untrained"
    LOOP = "loop"
    CANDLES = "candles"


class WatchedBot(Protocol):
    """A bot that trades, and what its engine says about it.

    Attributes:
        pairs: The pairs that it trades.
        candle_s: Length of its candles.
        pause_s: Time from one loop of it to the next.
    """

    pairs: Sequence[str]
    candle_s: float
    pause_s: float

    def last_loop_s(self) -> float | None:
        """Return when its loop last came to its end, in epoch seconds; None for no answer."""
        ...

    def newest_candle_s(self, pair: str) -> float | None:
        """Return when the newest candle opened that it has; None for no answer."""
        ...

    def has_models(self) -> bool:
        """Return whether a model was ever trained."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """A bot that stands still.

    Attributes:
        since_s: Time since when, of `time.monotonic`.
        reason: The cause in a sentence, with the engine's words.
    """

    cause: StallCause
    since_s: float
    reason: str


@final
class FailedCalls:
    """Calls to the exchange that failed, each after all attempts.

    Attributes:
        last: The last one, in the engine's words.
    """

    def __init__(self) -> None:
        """Start without one."""
        self.last = ""
        self._first_s: float | None = None
        self._last_s = 0.0
        self._clean_loops = 0

    def note(self, text: str) -> None:
        """Note a call that failed."""
        self.last, self._last_s, self._clean_loops = text, time.monotonic(), 0
        if self._first_s is None:
            self._first_s = self._last_s

    def note_loop(self) -> None:
        """Note that a loop came to its end; the first one may be that of the last failure."""
        self._clean_loops += 1
        if self._clean_loops >= _CLEAN_LOOPS:
            self._first_s = None

    def since_s(self) -> float | None:
        """Return when an outage began; None while there is none."""
        is_outage = self._first_s is not None and self._last_s - self._first_s >= _OUTAGE_S
        return self._first_s if is_outage else None


@final
class Loop:
    """The bot's loop, which comes to its end again and again."""

    def __init__(self) -> None:
        """Start now."""
        self._moved_s = time.monotonic()
        self._latest = 0.0

    def has_ended_again(self, ended_s: float | None) -> bool:
        """Take when it last ended, None for no answer; return whether that is news."""
        if ended_s is None or ended_s <= self._latest:
            return False
        self._latest, self._moved_s = ended_s, time.monotonic()
        return True

    def since_s(self, limit_s: float) -> float | None:
        """Return when it last ended; None while that is less than `limit_s` ago."""
        return self._moved_s if time.monotonic() - self._moved_s >= limit_s else None


@final
class Candles:
    """The newest candle of all pairs, which is never much older than two candles."""

    def __init__(self, pairs: Sequence[str], candle_s: float) -> None:
        """Start now, with the newest candle that there can be."""
        self._newest_s = time.time() - candle_s
        self._candle_s = candle_s
        self._next_pairs = cycle(pairs)
        self._pairs_a_look = min(len(pairs), _PAIRS_A_LOOK)
        self._is_known = False

    def look(self, newest_s: Callable[[str], float | None]) -> None:
        """Ask for the newest candle of a few pairs, until one is new or the engine is silent."""
        if self._overdue_s < 0:
            return
        for pair in islice(self._next_pairs, self._pairs_a_look):
            opened_s = newest_s(pair)
            self._is_known = opened_s is not None
            self._newest_s = max(self._newest_s, opened_s or 0.0)
            if self._overdue_s < 0 or opened_s is None:
                break

    def since_s(self) -> float | None:
        """Return when the next candle was due; None unless it is late."""
        least_s, most_s = _LATE_S
        is_late = self._overdue_s >= max(least_s, min(most_s, self._candle_s))
        # An engine that gives no answer at all does not say that candles are missing.
        return time.monotonic() - self._overdue_s if is_late and self._is_known else None

    @property
    def _overdue_s(self) -> float:
        return time.time() - self._newest_s - 2 * self._candle_s


@final
class Liveness:
    """Signs of life of a bot that trades, from its log records and its REST interface."""

    def __init__(self, bot: WatchedBot, evidence: EngineEvidence) -> None:
        """Prepare to watch `bot`, whose log records give the `evidence`; `begin` begins."""
        self._bot = bot
        self._evidence = evidence
        self._failed_calls = FailedCalls()
        self._noticed_s: dict[StallCause, float] = {}
        self.begin()

    def begin(self) -> None:
        """Begin now: the bot trades."""
        self._loop = Loop()
        self._candles = Candles(self._bot.pairs, self._bot.candle_s)

    def take(self, facts: Mapping[str, str]) -> None:
        """Take the facts of a log record."""
        if "failed" in facts:
            self._failed_calls.note(facts["failed"])

    def look(self) -> Stall | None:
        """Ask the engine; return the most certain cause of a stall, None while the bot trades."""
        if not self._evidence.has_stopped_itself:
            if self._loop.has_ended_again(self._bot.last_loop_s()):
                self._failed_calls.note_loop()
            self._candles.look(self._bot.newest_candle_s)
        return next(filter(None, self._stalls()), None)

    def _stalls(self) -> Iterator[Stall | None]:
        """Yield the stall of each cause, or None."""
        evidence, calls = self._evidence, self._failed_calls
        yield self._noticed(
            StallCause.STOPPED,
            _stopped_text(evidence.stopped_by),
            holds=evidence.has_stopped_itself,
        )
        reason = f"the exchange does not answer ({calls.last[:_LONGEST]})"
        yield _stall(StallCause.EXCHANGE, reason, calls.since_s())
        untrained = evidence.untrained[-1] if evidence.untrained else ""
        yield self._noticed(
            StallCause.UNTRAINED,
            f"no model could be trained ({untrained[:_LONGEST]})",
            holds=self._has_failed_training() and not self._bot.has_models(),
        )
        since_s = self._loop.since_s(_LOOP_S + self._bot.pause_s)
        yield _stall(StallCause.LOOP, "the bot's loop does not come to its end", since_s)
        reason = "the strategy has analysed no new candle"
        yield _stall(StallCause.CANDLES, reason, self._candles.since_s())

    def _noticed(self, cause: StallCause, reason: str, *, holds: bool) -> Stall | None:
        """Return the stall of a cause that holds since it was first noticed."""
        if not holds:
            self._noticed_s.pop(cause, None)
            return None
        return _stall(cause, reason, self._noticed_s.setdefault(cause, time.monotonic()))

    def _has_failed_training(self) -> bool:
        """Return whether the training of each pair has failed at least once."""
        pairs = min(len(self._bot.pairs), MOST_KEPT)
        return len(self._evidence.untrained_pairs) >= pairs


def _stopped_text(error: str | None) -> str:
    if error is None:
        # Without an error, nothing else stops it.
        return "the engine was asked to stop trading over its own API"
    return f"the engine stopped trading by itself ({error[:_LONGEST]})"


def _stall(cause: StallCause, reason: str, since_s: float | None) -> Stall | None:
    return None if since_s is None else Stall(cause=cause, reason=reason, since_s=since_s)
