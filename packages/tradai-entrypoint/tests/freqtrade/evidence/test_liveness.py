"""Limits from which on the absence of a sign is a stall, on a clock of the test."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import pytest

from tradai.entrypoint.freqtrade._engine.records import EngineRecord
from tradai.entrypoint.freqtrade._evidence import liveness
from tradai.entrypoint.freqtrade._evidence.evidence import EngineEvidence
from tradai.entrypoint.freqtrade._evidence.liveness import Liveness, StallCause

PAIRS = ("BTC/USDT", "ETH/USDT")
EMPTY: Mapping[str, str] = {}
# Wall clock at the start, with which the candles are dated.
EPOCH_S = 1_767_225_600
FAILED: Mapping[str, str] = {"failed": "fetch_order() returned exception: no"}


class Bot:
    """A bot on a clock of its own, as its engine describes it."""

    def __init__(self) -> None:
        self.pairs: Sequence[str] = PAIRS
        self.candle_s = 300.0
        self.pause_s = 5.0
        self.now_s = 0.0
        self.loop_s: float | None = 0.0
        self.opened_s: dict[str, float | None] = dict.fromkeys(PAIRS, 0.0)
        self.asked = 0
        self.evidence = EngineEvidence()

    def last_loop_s(self) -> float | None:
        return self.loop_s

    def newest_candle_s(self, pair: str) -> float | None:
        self.asked += 1
        return self.opened_s[pair]

    def has_models(self) -> bool:
        return False

    def watched(self) -> Liveness:
        return Liveness(self, self.evidence)

    def loops(self, liveness: Liveness, at_s: float, facts: Mapping[str, str] = EMPTY) -> None:
        """Let a loop end at an instant, after a record with these facts."""
        self.now_s = self.loop_s = at_s
        liveness.take(facts)


@pytest.fixture
def bot(monkeypatch: pytest.MonkeyPatch) -> Bot:
    made = Bot()
    clock = SimpleNamespace(monotonic=lambda: made.now_s, time=lambda: made.now_s + EPOCH_S)
    monkeypatch.setattr(liveness, "time", clock)
    return made


def cause_of(watched: Liveness) -> StallCause | None:
    stall = watched.look()
    return stall.cause if stall else None


def test_calls_that_fail_for_ten_seconds_are_an_outage_until_a_loop_is_without(bot: Bot) -> None:
    watched = bot.watched()
    seen = []
    for at_s, facts in ((2, FAILED), (7, FAILED), (12, FAILED), (17, FAILED), (22, EMPTY)):
        bot.loops(watched, at_s, facts)
        seen.append(cause_of(watched))

    assert seen == [None, None, StallCause.EXCHANGE, StallCause.EXCHANGE, None]


def test_an_outage_begins_with_its_first_failed_call(bot: Bot) -> None:
    watched = bot.watched()
    for at_s in (20, 31):
        bot.loops(watched, at_s, FAILED)

    stall = watched.look()

    assert stall is not None
    assert stall.since_s == 20


def test_single_failed_calls_are_not_an_outage_however_many(bot: Bot) -> None:
    watched = bot.watched()
    seen = set()
    for at_s in range(5, 500, 5):
        bot.loops(watched, at_s, FAILED if at_s % 15 == 0 else EMPTY)
        seen.add(cause_of(watched))

    assert seen == {None}


def test_a_new_candle_of_any_pair_is_a_sign_of_life(bot: Bot) -> None:
    watched = bot.watched()
    seen = []
    for at_s, newest_s in ((599, 0), (1199, 600), (1799, 600), (2099, 1200)):
        bot.loops(watched, at_s)
        bot.opened_s = {PAIRS[0]: 0.0, PAIRS[1]: EPOCH_S + newest_s}
        seen.append(cause_of(watched))

    assert seen == [None, None, StallCause.CANDLES, None]


def test_candles_that_come_late_are_a_stall_even_when_new_ones_do(bot: Bot) -> None:
    watched = bot.watched()
    seen = []
    for at_s in (2700, 3000, 3300):
        bot.loops(watched, at_s)
        bot.opened_s = dict.fromkeys(PAIRS, EPOCH_S + at_s - 1500)
        seen.append(cause_of(watched))

    assert set(seen) == {StallCause.CANDLES}


def test_no_candle_is_asked_for_before_the_next_one_is_due(bot: Bot) -> None:
    watched = bot.watched()

    bot.loops(watched, 299)
    assert cause_of(watched) is None
    assert bot.asked == 0


def test_an_engine_that_does_not_answer_is_a_stall_of_its_loop_and_not_of_candles(
    bot: Bot,
) -> None:
    watched = bot.watched()
    bot.loop_s, bot.opened_s = None, dict.fromkeys(PAIRS)

    bot.now_s = 604
    assert cause_of(watched) is None
    bot.now_s = 605
    assert cause_of(watched) is StallCause.LOOP
    bot.loops(watched, 6000)
    assert cause_of(watched) is None


def test_a_stop_of_its_own_is_the_most_certain_cause(bot: Bot) -> None:
    watched = bot.watched()
    for at_s in (2, 20):
        bot.loops(watched, at_s, FAILED)
    text = "X. Stopping trader ...\nTraceback (most recent call last):\n  line\nX: gone"
    bot.evidence.feed(EngineRecord(logger="freqtrade.worker", level="ERROR", text=text))

    stall = watched.look()

    assert stall is not None
    assert (stall.cause, stall.since_s) == (StallCause.STOPPED, 20)
    assert stall.reason == "the engine stopped trading by itself (X: gone)"


@pytest.mark.parametrize(("candle_s", "limit_s"), [(60, 180), (300, 600), (3_600, 4_200)])
def test_the_next_candle_may_be_a_little_late(bot: Bot, candle_s: int, limit_s: int) -> None:
    bot.candle_s = candle_s
    watched = bot.watched()

    bot.loops(watched, limit_s - 1)
    assert cause_of(watched) is None
    bot.loops(watched, limit_s)
    assert cause_of(watched) is StallCause.CANDLES


def test_a_bot_that_stops_without_an_error_was_asked_to_over_its_api(bot: Bot) -> None:
    watched = bot.watched()
    text = "Changing state from RUNNING to: STOPPED"
    bot.evidence.feed(EngineRecord(logger="freqtrade.worker", level="INFO", text=text))

    stall = watched.look()

    assert stall is not None
    assert stall.cause is StallCause.STOPPED
    assert stall.reason == "the engine was asked to stop trading over its own API"
