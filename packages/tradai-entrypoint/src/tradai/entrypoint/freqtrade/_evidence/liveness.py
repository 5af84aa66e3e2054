"""Signs that the bot trades, and why it stands still when they are missing."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import cycle, islice
from typing import Final, final

from tradai.core import Timeframe
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl
from tradai.entrypoint.freqtrade._evidence.evidence import MOST_KEPT, EngineEvidence

# A complaint of this long, without a loop in between that had none, is an outage.
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
class Complaint:
    """A record that the engine repeats in each loop of the bot while something is wrong.

    Attributes:
        last: The last one, in the engine's words.
        subjects: What it was about, for example pairs.
    """

    def __init__(self) -> None:
        """Start without one."""
        self.last = ""
        self.subjects: set[str] = set()
        self._first_s = 0.0
        self._last_s = 0.0
        self._clean_loops = 0

    def note(self, text: str, *, subject: str) -> None:
        """Note a record."""
        self.last, self._last_s, self._clean_loops = text, time.monotonic(), 0
        if not self.subjects:
            self._first_s = self._last_s
        self.subjects.add(subject)

    def note_loop(self) -> None:
        """Note that a loop came to its end; the first one may be that of the last record."""
        self._clean_loops += 1
        if self._clean_loops >= _CLEAN_LOOPS:
            self.subjects.clear()

    def since_s(self, least_s: float) -> float | None:
        """Return when it began; None unless it was repeated for `least_s` or longer."""
        has_lasted = self.subjects and self._last_s - self._first_s >= least_s
        return self._first_s if has_lasted else None


@final
class Advance:
    """An instant that the engine reports, and that moves on while all is well.

    Attributes:
        is_known: Whether the engine gave the last answer.
    """

    def __init__(self) -> None:
        """Start now."""
        self.is_known = False
        self._moved_s = time.monotonic()
        self._latest = 0.0

    def take(self, instant: float | None) -> bool:
        """Take the instant, None for no answer; return whether it has moved on."""
        self.is_known = instant is not None
        if instant is None or instant <= self._latest:
            return False
        self._latest, self._moved_s = instant, time.monotonic()
        return True

    @property
    def age_s(self) -> float:
        """Time since it last moved on."""
        return time.monotonic() - self._moved_s

    def since_s(self, limit_s: float) -> float | None:
        """Return when it last moved on; None while that is less than `limit_s` ago."""
        return self._moved_s if self.age_s >= limit_s else None


@final
class Liveness:
    """Signs of life of a bot that trades, from its log records and its REST interface."""

    def __init__(
        self,
        control: EngineControl,
        evidence: EngineEvidence,
        *,
        pairs: Sequence[str],
        timeframe: Timeframe,
        pause_s: float,
        has_models: Callable[[], bool],
    ) -> None:
        """Prepare to watch a bot; `begin` begins.

        Args:
            control: The engine's REST interface.
            evidence: Facts from its log records.
            pairs: The pairs that it trades.
            timeframe: Length of its candles.
            pause_s: Time from one loop of the bot to the next.
            has_models: Whether a model was ever trained.
        """
        self._control = control
        self._evidence = evidence
        self._pairs = tuple(pairs)
        self._next_pairs = cycle(pairs)
        self._timeframe = timeframe
        self._candle_s = _length_s(timeframe)
        self._pause_s = pause_s
        self._has_models = has_models
        self._failed_calls = Complaint()
        self._old_candles = Complaint()
        self._noticed_s: dict[StallCause, float] = {}
        self.begin()

    def begin(self) -> None:
        """Begin now: the bot trades."""
        self._loop = Advance()
        self._analysis = Advance()

    def take(self, facts: Mapping[str, str]) -> None:
        """Take the facts of a log record."""
        match facts:
            case {"failed": text}:
                self._failed_calls.note(text, subject="exchange")
            case {"outdated": pair}:
                self._old_candles.note(pair, subject=pair)

    def look(self) -> Stall | None:
        """Ask the engine; return the most certain cause of a stall, None while the bot trades."""
        if not self._evidence.has_stopped_itself:
            self._ask()
        return next(filter(None, self._stalls()), None)

    def _ask(self) -> None:
        if self._loop.take(self._control.last_loop_s()):
            self._failed_calls.note_loop()
            self._old_candles.note_loop()
        if self._analysis.age_s >= self._candle_s:
            self._look_for_candles()

    def _look_for_candles(self) -> None:
        """Ask for a few pairs, until one has been analysed again or the engine is silent."""
        for pair in islice(self._next_pairs, min(len(self._pairs), _PAIRS_A_LOOK)):
            at_s = self._control.last_analysis_s(pair, self._timeframe)
            if self._analysis.take(at_s) or at_s is None:
                break

    def _stalls(self) -> Iterator[Stall | None]:
        """Yield the stall of each cause, or None."""
        evidence, calls = self._evidence, self._failed_calls
        why = (evidence.stopped_by or "it did not say why")[:_LONGEST]
        yield self._noticed(
            StallCause.STOPPED,
            f"the engine stopped trading by itself ({why})",
            holds=evidence.has_stopped_itself,
        )
        reason = f"the exchange does not answer ({calls.last[:_LONGEST]})"
        yield _stall(StallCause.EXCHANGE, reason, calls.since_s(_OUTAGE_S))
        untrained = evidence.untrained[-1] if evidence.untrained else ""
        yield self._noticed(
            StallCause.UNTRAINED,
            f"no model could be trained ({untrained[:_LONGEST]})",
            holds=self._has_failed_training() and not self._has_models(),
        )
        since_s = self._loop.since_s(_LOOP_S + self._pause_s)
        yield _stall(StallCause.LOOP, "the bot's loop does not come to its end", since_s)
        yield self._stall_of_candles()

    def _stall_of_candles(self) -> Stall | None:
        least_s, most_s = _LATE_S
        limit_s = self._candle_s + max(least_s, min(most_s, self._candle_s))
        since_s = self._analysis.since_s(limit_s)
        # An engine that gives no answer at all does not say that candles are missing.
        if since_s is not None and self._analysis.is_known:
            reason = "the strategy has analysed no new candle"
            return _stall(StallCause.CANDLES, reason, since_s)
        if not self._old_candles.subjects.issuperset(self._pairs):
            return None
        since_s = self._old_candles.since_s(_OUTAGE_S)
        return _stall(StallCause.CANDLES, "the newest candles of all pairs are old", since_s)

    def _noticed(self, cause: StallCause, reason: str, *, holds: bool) -> Stall | None:
        """Return the stall of a cause that holds since it was first noticed."""
        if not holds:
            self._noticed_s.pop(cause, None)
            return None
        return _stall(cause, reason, self._noticed_s.setdefault(cause, time.monotonic()))

    def _has_failed_training(self) -> bool:
        """Return whether the training of each pair has failed at least once."""
        tried = {message.split()[1] for message in self._evidence.untrained}
        return len(tried) >= min(len(self._pairs), MOST_KEPT)


def _stall(cause: StallCause, reason: str, since_s: float | None) -> Stall | None:
    return None if since_s is None else Stall(cause=cause, reason=reason, since_s=since_s)


def _length_s(timeframe: Timeframe) -> float:
    """Return the length of a candle; months differ, and the first one is as good as another."""
    opened = timeframe.floor(0)
    return (timeframe.next_close(opened) - opened) / 1_000
