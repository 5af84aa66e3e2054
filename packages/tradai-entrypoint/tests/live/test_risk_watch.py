"""The watch of risks: patient with a reading that is missing, and the same after each restart.

The parts have no place in the door: the handler of LIVE alone uses them.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, strategies as st

from tradai.core import FileStore, MemoryStore, Utc
from tradai.core.exceptions import StorageError
from tradai.core.live import RiskAction, RiskLimit, RiskMeasure, TradingAccount
from tradai.core.testing import FixedClock, MemoryJournal
from tradai.entrypoint._live._risk.halt_latch import HaltedError, HaltLatch
from tradai.entrypoint._live._risk.patient_equity import PATIENCE_S
from tradai.entrypoint._live._risk.risk_record import RiskRecord, RiskRecords, opened_record
from tradai.entrypoint._live._risk.risk_watch import EVERY_S, RiskWatch

NONE, PAUSE, DRAIN, HALT = RiskAction
CAPITAL: Final = Decimal(1000)
LIMITS: Final = {
    **dict.fromkeys(RiskMeasure, RiskLimit(drain=Decimal(1000))),
    RiskMeasure.DRAWDOWN: RiskLimit(
        release=Decimal("0.02"), pause=Decimal("0.05"), halt=Decimal("0.1")
    ),
}
GAINS: Final = st.integers(-90, 200).map(Decimal)


class Time:
    """A clock that a test turns on; its instants and its durations go together."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._start = FixedClock().now()

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> Utc:
        return self._start + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float, /) -> None:
        self.seconds += seconds


@dataclass
class Bot:
    """A bot whose figures a test sets; it may not answer."""

    gain: Decimal | None = Decimal(0)
    orders: int = 0
    rejected: int = 0
    errors: int = 0
    asked: int = 0

    def profit(self) -> Decimal | None:
        self.asked += 1
        return self.gain

    def sent_orders(self) -> int:
        return self.orders

    def rejected_orders(self) -> int:
        return self.rejected

    def callback_errors(self) -> int:
        return self.errors


class Desk:
    """An account whose sessions follow each other."""

    def __init__(self) -> None:
        self.store, self.time, self.bot = MemoryStore(), Time(), Bot()
        self.journal = MemoryJournal()
        self.latch = HaltLatch(self.store, "memory:halts.json")
        self._runs = 0
        self.start()

    def start(self, capital: Decimal = CAPITAL) -> None:
        """Start a session, as on another machine: only the store is the same."""
        self._runs += 1
        records = RiskRecords(self.store, "memory:risks.json")
        record = opened_record(
            records, self.latch, run_id=f"run-{self._runs}", capital=lambda: capital
        )
        self.watch = RiskWatch(
            self.bot, LIMITS, records, record, journal=self.journal, clock=self.time
        )

    def beat(self, gain: Decimal | int | None, *, is_trading: bool = True) -> RiskAction:
        """Take the next sample, with this profit."""
        self.bot.gain = None if gain is None else Decimal(gain)
        self.time.sleep(EVERY_S)
        return self.watch.beat(is_trading=is_trading)

    def loss(self) -> Decimal:
        """Return the drawdown."""
        return self.watch.readings[RiskMeasure.DRAWDOWN]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_sample_is_taken_in_each_period_and_not_at_each_beat(desk: Desk) -> None:
    desk.beat(0)
    for _ in range(9):
        desk.time.sleep(EVERY_S / 10)
        desk.watch.beat(is_trading=True)

    assert desk.bot.asked == 1


def test_a_profit_that_cannot_be_read_counts_as_the_last_one_for_a_while(desk: Desk) -> None:
    desk.beat(-20)
    actions = [desk.beat(None) for _ in range(12)]

    assert PATIENCE_S / EVERY_S == 12
    assert actions == [*[NONE] * 11, HALT]
    assert "drawdown could not be read, which counts as the worst and halts" in desk.watch.reason


def test_a_read_in_between_begins_the_patience_anew(desk: Desk) -> None:
    unknown = Decimal("NaN")
    gains = (0, *[None] * 10, unknown, 0, *[None] * 11, unknown)
    actions = [desk.beat(gain) for gain in gains]

    assert actions == [*[NONE] * 24, HALT]


def test_a_session_whose_profit_was_never_read_does_not_trade_for_long(desk: Desk) -> None:
    actions = [desk.beat(None) for _ in range(12)]

    assert actions == [*[NONE] * 11, HALT]


def test_an_engine_that_starts_slowly_is_not_asked_and_not_blamed(desk: Desk) -> None:
    actions = {desk.beat(None, is_trading=False) for _ in range(60)}

    assert actions == {NONE}
    assert desk.bot.asked == 0
    assert [desk.beat(None) for _ in range(11)] == [NONE] * 11


def test_losses_of_the_sessions_before_count_before_the_engine_trades(desk: Desk) -> None:
    desk.beat(0)
    desk.beat(-120)
    desk.start()

    assert desk.beat(None, is_trading=False) is HALT
    assert "drawdown is 0.12, and 0.1 halts" in desk.watch.reason


@given(steps=st.lists(st.tuples(GAINS, st.booleans()), min_size=1, max_size=12))
def test_a_restart_never_softens_a_loss_and_never_invents_one(
    steps: list[tuple[Decimal, bool]],
) -> None:
    whole, restarted = Desk(), Desk()
    whole.beat(0)
    restarted.beat(0)
    for gain, is_restart in steps:
        whole.beat(gain)
        if is_restart:
            restarted.start(capital=Decimal(5))
        restarted.beat(gain)

        for name in (RiskMeasure.DRAWDOWN, RiskMeasure.DAILY_LOSS):
            assert restarted.watch.readings[name] == whole.watch.readings[name]


@given(
    steps=st.lists(
        st.tuples(st.integers(-40, 50).map(Decimal), st.booleans()), min_size=1, max_size=12
    )
)
def test_a_restart_never_ends_a_pause_for_a_loss(steps: list[tuple[Decimal, bool]]) -> None:
    whole, restarted = Desk(), Desk()
    for gain, is_restart in steps:
        if is_restart:
            restarted.start()

        assert restarted.beat(gain) is whole.beat(gain)


def test_a_loss_that_halted_pauses_the_next_session_until_it_has_come_back(desk: Desk) -> None:
    desk.beat(0)
    desk.beat(-120)
    desk.start()

    assert [desk.beat(gain) for gain in (-40, -20)] == [PAUSE, NONE]


@given(gains=st.lists(GAINS, min_size=1, max_size=10), payment=st.integers(1, 10_000))
def test_money_that_comes_or_goes_between_two_sessions_changes_no_reading(
    gains: list[Decimal], payment: int
) -> None:
    same, paid = Desk(), Desk()
    paid.beat(0)
    same.beat(0)
    for gain in gains:
        same.beat(gain)
        paid.start(capital=CAPITAL + payment)
        paid.beat(gain)

        assert paid.loss() == same.loss()


def test_a_day_that_ends_between_two_sessions_begins_with_the_last_equity(desk: Desk) -> None:
    desk.beat(0)
    desk.beat(-50)
    desk.time.sleep(86_400)
    desk.start()
    desk.beat(-95)

    assert desk.watch.readings[RiskMeasure.DAILY_LOSS] == Decimal(45) / 950
    assert desk.loss() == Decimal("0.095")


def test_a_clearance_keeps_the_marks_unless_a_person_asks_for_new_ones(desk: Desk) -> None:
    desk.beat(0)
    desk.beat(-120)
    desk.latch.trip("drawdown", run_id="run-1")
    desk.latch.clear(1, reason="a test", by="Ada Example")
    desk.start()
    kept = desk.beat(-120)
    desk.latch.trip("drawdown", run_id="run-2")
    desk.latch.trip("another one", run_id="run-3")
    desk.latch.clear(3, reason="a test", by="Ada Example", new_marks=True)
    desk.start()
    anew = desk.beat(-120)
    desk.beat(-200)
    desk.start()
    once = desk.beat(-200)

    assert (kept, anew, once) == (HALT, NONE, PAUSE)
    assert desk.loss() == Decimal(80) / 880


def test_a_latch_that_has_lost_a_halt_is_refused_until_it_is_recorded_anew(desk: Desk) -> None:
    for number in (1, 2):
        desk.latch.trip("drawdown", run_id="run-1")
        desk.latch.clear(number, reason="a test", by="Ada Example", new_marks=True)
    desk.start()
    desk.beat(0)
    desk.beat(-120)
    desk.store.delete("memory:halts.json")

    with pytest.raises(HaltedError, match=r"knows halt 2, the newest there is 0; .*--lost"):
        desk.start()

    halt = desk.latch.trip("lost", run_id="run-3", after=2)
    desk.latch.clear(halt.number, reason="a test", by="Ada Example", new_marks=True)
    desk.start()
    assert desk.beat(-120) is NONE


def test_a_session_that_goes_on_knows_the_halts_that_its_record_did_not(desk: Desk) -> None:
    desk.latch.trip("drawdown", run_id="run-1")
    desk.latch.clear(1, reason="a test", by="Ada Example")
    desk.start()
    desk.beat(0)
    desk.store.delete("memory:halts.json")

    with pytest.raises(HaltedError, match="has lost halts"):
        desk.start()


@pytest.mark.parametrize(
    ("written", "edited"),
    [
        ('"capital": "1000"', '"capital": "-1"'),
        ('"capital": "1000"', '"capital": "1e999999"'),
        ('"peak": "1000"', '"peak": "1e999999"'),
        ('"after_halt": 0', '"after_halt": -1'),
        ('"after_halt": 0,', ""),
        ('"after_halt": 0', '"after_halt": 1, "after_halt": 0'),
    ],
)
def test_a_record_of_losses_that_cannot_be_true_is_damaged(
    desk: Desk, written: str, edited: str
) -> None:
    desk.beat(0)
    text = desk.store.read("memory:risks.json").data.decode()
    assert written in text
    desk.store.write("memory:risks.json", text.replace(written, edited).encode())

    with pytest.raises(StorageError, match="cannot be read"):
        desk.start()


def test_a_folder_in_the_place_of_a_record_of_losses_is_damage(tmp_path: Path) -> None:
    (tmp_path / "risks.json").mkdir()

    with pytest.raises(StorageError, match="it is a folder"):
        RiskRecords(FileStore(), str(tmp_path / "risks.json")).read()


def test_limits_that_allow_more_let_a_session_start_with_the_same_marks(desk: Desk) -> None:
    desk.beat(0)
    desk.beat(-60)
    wider = {**LIMITS, RiskMeasure.DRAWDOWN: RiskLimit(halt=Decimal("0.2"))}
    records = RiskRecords(desk.store, "memory:risks.json")
    record = opened_record(records, desk.latch, run_id="run-2", capital=lambda: CAPITAL)
    watch = RiskWatch(desk.bot, wider, records, record, journal=desk.journal, clock=desk.time)

    assert record.paused == (RiskMeasure.DRAWDOWN,)
    assert watch.beat(is_trading=True) is NONE
    assert watch.readings[RiskMeasure.DRAWDOWN] == Decimal("0.06")


def test_counts_are_judged_and_each_change_of_the_action_is_in_the_journal(desk: Desk) -> None:
    desk.beat(0)
    desk.bot.orders = 1000
    desk.beat(0)

    assert desk.watch.action is DRAIN
    (entry,) = desk.journal.entries()
    assert entry.event == "risk_action"
    assert (entry.facts["start"], entry.facts["end"]) == ("none", "drain")
    assert entry.facts["reason"] == "order-rate is 1000, and 1000 drains"
    readings = desk.watch.to_json()["readings"]
    assert isinstance(readings, dict)
    assert readings["order-rate"] == "1000"


def test_a_damaged_record_is_refused_and_not_begun_anew(desk: Desk) -> None:
    desk.beat(0)
    data = desk.store.read("memory:risks.json").data
    desk.store.write("memory:risks.json", data[:-3])

    with pytest.raises(StorageError, match="cannot be read"):
        desk.start()


def test_each_account_and_strategy_has_a_record_of_its_own_beside_the_latch() -> None:
    account = TradingAccount(venue="binance", uid="1234567")
    latch = "memory:state/halts.json"
    records = RiskRecords.beside(latch, account=account, strategy="waves")
    records.write(RiskRecord(run_id="run-1", capital=CAPITAL))
    other = TradingAccount(venue="binance", uid="7654321")

    assert RiskRecords.beside(latch, account=other, strategy="waves").read() is None
    assert RiskRecords.beside(latch, account=account, strategy="trend").read() is None


def test_a_record_whose_write_had_no_answer_is_written_over() -> None:
    store = MemoryStore()
    first, second = (RiskRecords(store, "memory:risks.json") for _ in range(2))
    second.write(RiskRecord(run_id="run-1", capital=Decimal(1)))

    first.write(RiskRecord(run_id="run-1", capital=Decimal(2)))

    found = RiskRecords(store, "memory:risks.json").read()
    assert found is not None
    assert found.capital == Decimal(2)
