"""The right to trade: the lease is renewed in time, and a store of records stops nothing alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import pytest

from tradai.core import Lease, MemoryStore, ObjectInfo, StoredObject, Utc
from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    LeaseLostError,
    NotFoundError,
    TradAIError,
)
from tradai.core.live import (
    Alert,
    RiskLimit,
    RiskMeasure,
    SessionRecord,
    SessionRequest,
    SessionState,
)
from tradai.core.testing import FixedClock, MemoryJournal, MemoryLeaseStore, MemorySessionStore
from tradai.entrypoint._alerts.alerts import Alerts
from tradai.entrypoint._live._risk.halt_latch import HaltedError, HaltLatch
from tradai.entrypoint._live._risk.risk_record import RiskRecord, RiskRecords
from tradai.entrypoint._live._risk.risk_watch import RiskWatch
from tradai.entrypoint._live._risk.trading_halt import TradingHalt
from tradai.entrypoint._live.heartbeat import Heartbeat
from tradai.entrypoint._live.lease_keeper import LeaseKeeper
from tradai.entrypoint._live.live_session import LiveSession
from tradai.entrypoint._live.session import Session
from tradai.entrypoint._live.session_requests import request_session
from tradai.entrypoint._live.supervision import Supervision
from tradai.entrypoint._process.exit_codes import ExitCode

TTL_S: Final = 60.0
DRAIN_S: Final = 25.0
LIMITS: Final = {
    RiskMeasure.DRAWDOWN: RiskLimit(
        release=Decimal("0.02"), pause=Decimal("0.05"), halt=Decimal("0.1")
    ),
    RiskMeasure.DAILY_LOSS: RiskLimit(halt=Decimal("0.5")),
    RiskMeasure.ORDER_RATE: RiskLimit(release=Decimal(5), pause=Decimal(10), drain=Decimal(30)),
    RiskMeasure.REJECTED_ORDERS: RiskLimit(drain=Decimal(10)),
    RiskMeasure.CALLBACK_ERRORS: RiskLimit(halt=Decimal(10)),
}


class Time:
    """A clock that a test turns on."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._wall = FixedClock()

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> Utc:
        at: datetime = self._wall.now()
        return at

    def sleep(self, seconds: float, /) -> None:
        self.seconds += seconds


@dataclass(kw_only=True)
class Outage:
    """A store of objects or of one, which may be away or refuse this process."""

    is_away: bool = False
    problem: TradAIError = field(
        default_factory=lambda: ExternalServiceError(
            "the object store does not answer", service="test", operation="write"
        )
    )

    def check(self) -> None:
        if self.is_away:
            raise self.problem


@dataclass
class Leases(Outage):
    """A place of one lease, which may be away."""

    inner: MemoryLeaseStore = field(default_factory=MemoryLeaseStore)
    writes: int = 0

    def read(self) -> StoredObject | None:
        self.check()
        return self.inner.read()

    def replace(self, data: bytes, *, expected: str | None) -> str:
        self.check()
        self.writes += 1
        return self.inner.replace(data, expected=expected)


@dataclass
class Records(Outage):
    """Session records, which may be away."""

    inner: MemorySessionStore = field(default_factory=MemorySessionStore)

    def read(self, session: str) -> SessionRecord | None:
        return self.inner.read(session)

    def records(self) -> Iterator[SessionRecord]:
        return self.inner.records()

    def write(self, record: SessionRecord) -> None:
        self.check()
        self.inner.write(record)


@dataclass
class Objects(Outage):
    """An object store, which may be away."""

    inner: MemoryStore = field(default_factory=MemoryStore)

    def read(self, uri: str) -> StoredObject:
        return self.inner.read(uri)

    def write(
        self, uri: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        self.check()
        return self.inner.write(uri, data, if_match=if_match, if_absent=if_absent)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        return self.inner.list(prefix)

    def delete(self, uri: str) -> None:
        self.inner.delete(uri)

    def stat(self, uri: str) -> ObjectInfo:
        return self.inner.stat(uri)

    def copy(self, source: str, target: str) -> str:
        return self.inner.copy(source, target)


@dataclass
class Bot:
    """A bot whose figures a test sets."""

    gain: Decimal | None = Decimal(0)
    orders: int = 0
    rejected: int = 0
    errors: int = 0

    def profit(self) -> Decimal | None:
        return self.gain

    def sent_orders(self) -> int:
        return self.orders

    def rejected_orders(self) -> int:
        return self.rejected

    def callback_errors(self) -> int:
        return self.errors


@dataclass
class Watchdog:
    """Notes for how long the engine was let live."""

    is_alive: bool = True
    fed: list[float] = field(default_factory=list)

    def answers(self) -> bool:
        return True

    def feed(self, seconds: float) -> None:
        self.fed.append(seconds)


@dataclass
class Engine:
    """An engine that an operator pauses; it may refuse."""

    agrees: bool = True
    # Its next answers; then it `agrees`.
    answers: list[bool] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def pause_entries(self) -> bool:
        return self._answer("pause")

    def resume_entries(self) -> bool:
        return self._answer("resume")

    def _answer(self, asked: str) -> bool:
        self.asked.append(asked)
        return self.answers.pop(0) if self.answers else self.agrees


@dataclass
class Channel:
    """Keeps the sentences that it is sent."""

    sentences: list[str] = field(default_factory=list)

    def send(self, alert: Alert) -> None:
        self.sentences.append(alert.text)


@dataclass
class Log:
    """A log that is as a test says."""

    problem: str | None = None


class Desk:
    """A session beside an engine, with its lease."""

    def __init__(self, ends_at: datetime | None = None, *, records: Records | None = None) -> None:
        self.time, self.leases, self.records = Time(), Leases(), records or Records()
        self.clock = FixedClock()
        self.watchdog, self.engine, self.channel = Watchdog(), Engine(), Channel()
        self.log = Log()
        self.alerts = Alerts({"log": self.channel}, facts={})
        self.journal = MemoryJournal()
        lease = Lease(self.leases, name="binance-1", ttl_s=TTL_S, clock=self.time)
        lease.acquire()
        record = Session.start(self.records, session="waves", run_id="run-1", journal=self.journal)
        self.store = Objects()
        self.latch = HaltLatch(self.store, "memory:halts", clock=self.clock)
        halt = TradingHalt(self.latch, run_id="run-1")
        self.session = LiveSession(
            record, self.alerts, halt=halt, ends_at=ends_at, clock=self.clock
        )
        self.bot, self.risk_records = Bot(), RiskRecords(self.store, "memory:risks")
        self.session.supervise(
            Supervision(
                keeper=LeaseKeeper(lease, self.watchdog, drain_s=DRAIN_S, clock=self.time),
                heartbeat=Heartbeat(record, lambda: self.time.seconds, clock=self.time),
                risks=RiskWatch(
                    self.bot,
                    LIMITS,
                    self.risk_records,
                    RiskRecord(run_id="run-1", capital=Decimal(1000)),
                    journal=self.journal,
                    clock=self.time,
                ),
                engine=self.engine,
                log=self.log,
            )
        )

    def trade(self) -> None:
        """Come to the state in which orders are sent."""
        self.session.move(SessionState.WARM_UP, "the engine is running")
        self.session.move(SessionState.RUNNING, "the engine trades")

    def beat_for(self, seconds: float, *, every: float = 5.0) -> None:
        """Beat as the loop of a handler does."""
        until = self.time.seconds + seconds
        while self.time.seconds < until:
            self.time.sleep(every)
            self.session.beat()

    def ask(self, state: SessionState, reason: str = "a test") -> None:
        """Leave the request of an operator."""
        request = SessionRequest.model_validate(
            {"state": state, "reason": reason, "by": "Ada Example", "at": FixedClock().now()}
        )
        request_session(self.records, "waves", request)

    def record(self) -> SessionRecord:
        found = self.records.read("waves")
        assert found is not None
        return found


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_session_whose_log_is_silent_is_stopped(desk: Desk) -> None:
    desk.trade()
    desk.beat_for(20)
    before = desk.session.stop_reason
    desk.log.problem = "the engine's log is silent"
    desk.beat_for(5)

    assert (before, desk.session.stop_reason) == (None, "the engine's log is silent")


def test_a_session_that_beats_renews_its_lease_and_feeds_the_watchdog(desk: Desk) -> None:
    before, fed = desk.leases.writes, len(desk.watchdog.fed)

    desk.beat_for(10 * TTL_S)

    assert desk.leases.writes - before == len(desk.watchdog.fed) - fed == 30


def test_a_session_without_an_engine_keeps_nothing(desk: Desk) -> None:
    desk.session.supervise(None)
    before, record = desk.leases.writes, desk.record()

    desk.beat_for(TTL_S)

    assert (desk.leases.writes, desk.record()) == (before, record)


def test_a_place_of_leases_that_is_away_for_a_while_stops_nothing(desk: Desk) -> None:
    desk.beat_for(5)
    desk.leases.is_away = True
    desk.beat_for(10)
    desk.leases.is_away = False

    desk.beat_for(2 * TTL_S)

    assert desk.session.stop_reason is None


def test_a_place_of_leases_that_stays_away_leaves_time_for_a_drain(desk: Desk) -> None:
    desk.leases.is_away = True

    while desk.session.stop_reason is None:
        desk.beat_for(1, every=1)

    assert "cannot be renewed" in desk.session.stop_reason
    assert desk.time.seconds + DRAIN_S < TTL_S


def test_a_lease_that_may_have_run_out_ends_the_session_and_tells_people(desk: Desk) -> None:
    desk.leases.is_away = True

    with pytest.raises(LeaseLostError):
        desk.beat_for(TTL_S)

    desk.alerts.close()
    assert desk.time.seconds <= TTL_S
    assert any(sentence.startswith("lease lost: ") for sentence in desk.channel.sentences)


def test_a_stop_begins_with_a_lease_that_is_sure_for_the_whole_of_it(desk: Desk) -> None:
    desk.beat_for(15)
    before = desk.leases.writes

    desk.session.secure(DRAIN_S)

    assert desk.leases.writes == before + 1
    assert desk.watchdog.fed[-1] > DRAIN_S


def test_a_stop_without_a_sure_lease_is_left_to_the_watchdog(desk: Desk) -> None:
    desk.leases.is_away = True
    desk.time.sleep(TTL_S)

    with pytest.raises(LeaseLostError):
        desk.session.secure(DRAIN_S)


def test_a_stop_without_a_renewal_has_the_time_for_which_the_lease_is_sure(desk: Desk) -> None:
    desk.leases.is_away = True
    desk.time.sleep(40)
    until_s = desk.time.seconds + desk.session.secure(DRAIN_S)

    assert desk.time.seconds < until_s < 0.8 * TTL_S
    assert desk.watchdog.fed == [pytest.approx(until_s)]


REFUSALS: Final = (
    ConfigurationError("the server refuses the password", key="REDIS_PASSWORD"),
    NotFoundError("the bucket does not exist", kind="bucket", key="state"),
)


@pytest.mark.parametrize("problem", REFUSALS, ids=["credentials", "place"])
def test_stores_that_refuse_this_process_leave_time_for_a_drain(
    desk: Desk, problem: TradAIError
) -> None:
    stores = (desk.leases, desk.records, desk.store)
    desk.trade()
    desk.beat_for(5)
    for store in stores:
        store.is_away, store.problem = True, problem

    while desk.session.stop_reason is None:
        desk.beat_for(1, every=1)
    left_s = desk.session.secure(DRAIN_S)
    desk.session.drain()
    desk.session.end("it is over", SessionState.STOPPED)

    assert str(problem) in desk.session.stop_reason
    assert left_s > DRAIN_S - 5
    ends = [entry.facts["end"] for entry in desk.journal.entries() if "end" in entry.facts]
    assert ends[-2:] == ["draining", "stopped"]


@pytest.mark.parametrize("problem", REFUSALS, ids=["credentials", "place"])
def test_stores_that_refuse_for_a_while_stop_nothing(desk: Desk, problem: TradAIError) -> None:
    stores = (desk.leases, desk.records, desk.store)
    desk.trade()
    desk.beat_for(15)
    desk.ask(SessionState.RUNNING)
    for store in stores:
        store.is_away, store.problem = True, problem
    desk.bot.gain = Decimal(10)
    desk.beat_for(5)
    for store in stores:
        store.is_away = False
    desk.beat_for(2 * TTL_S)

    assert desk.session.stop_reason is None
    assert desk.risk_records.read() is not None


def test_a_session_that_has_ended_stays_as_it_is(desk: Desk) -> None:
    desk.session.drain()
    desk.session.end("it is over", SessionState.STOPPED)

    desk.session.end("an error later", SessionState.FAILED)

    assert desk.record().reason == "it is over"


def test_a_session_whose_time_is_over_stops_in_good_order() -> None:
    desk = Desk(FixedClock().now() + timedelta(hours=1))
    desk.beat_for(5)
    before = desk.session.stop_reason
    desk.clock.advance(timedelta(hours=1))
    desk.beat_for(5)

    assert before is None
    assert "ended at" in str(desk.session.stop_reason)


def test_a_watchdog_that_has_ended_stops_the_session_in_good_order(desk: Desk) -> None:
    desk.watchdog.is_alive = False

    desk.beat_for(5)

    assert "watchdog" in str(desk.session.stop_reason)
    assert desk.session.doubt == "the watchdog beside the engine has ended"


def test_a_watchdog_that_ended_before_the_stop_is_a_doubt_about_it(desk: Desk) -> None:
    desk.trade()
    desk.session.stop_for("an operator asked for it")
    desk.watchdog.is_alive = False

    desk.session.secure(DRAIN_S)

    assert desk.session.doubt == "the watchdog beside the engine has ended"


def test_a_record_that_could_not_be_written_is_known_until_it_could(desk: Desk) -> None:
    desk.records.is_away = True
    desk.beat_for(10)
    since, desk.records.is_away = desk.session.unwritten_since, False
    desk.beat_for(10)

    assert since is not None
    assert desk.session.unwritten_since is None


def test_a_heartbeat_shows_the_turns_of_the_loop(desk: Desk) -> None:
    desk.beat_for(40)

    assert desk.record().progress == 8


def test_a_store_of_records_that_is_away_stops_nothing(desk: Desk) -> None:
    desk.records.is_away = True

    desk.beat_for(TTL_S)
    desk.session.move(SessionState.WARM_UP, "the engine is running")

    assert desk.session.stop_reason is None


def test_an_operator_who_asks_for_a_stop_is_obeyed_at_the_next_heartbeat(desk: Desk) -> None:
    desk.trade()
    desk.ask(SessionState.STOPPED)

    desk.beat_for(5)
    reason = desk.session.stop_reason
    desk.session.drain()
    draining = desk.record()
    desk.session.end("it is over", SessionState.STOPPED)

    assert reason == draining.reason == "Ada Example asked for it: a test"
    assert draining.state is SessionState.DRAINING
    assert (desk.record().state, desk.record().request) == (SessionState.STOPPED, None)


def test_a_stop_that_an_operator_asked_for_holds_when_its_process_is_killed_in_the_drain(
    desk: Desk,
) -> None:
    desk.trade()
    desk.ask(SessionState.STOPPED)
    desk.beat_for(5)
    desk.session.drain()

    successor = Desk(records=desk.records)
    successor.session.move(SessionState.WARM_UP, "the engine is running")
    successor.beat_for(5)

    assert successor.engine.asked == []
    assert successor.session.stop_reason == "Ada Example asked for it: a test"


def test_an_operator_pauses_a_session_and_lets_it_go_on(desk: Desk) -> None:
    desk.trade()
    desk.ask(SessionState.PAUSED)
    desk.beat_for(5)
    paused = desk.record()
    desk.ask(SessionState.RUNNING)
    desk.beat_for(5)

    assert (paused.state, paused.request) == (SessionState.PAUSED, None)
    assert (desk.record().state, desk.record().request) == (SessionState.RUNNING, None)
    assert desk.engine.asked == ["pause", "resume"]


def test_a_second_pause_gives_the_session_its_reason(desk: Desk) -> None:
    desk.trade()
    for reason in ("the news", "the weekend"):
        desk.ask(SessionState.PAUSED, reason)
        desk.beat_for(5)

    record = desk.record()
    assert (record.state, record.request) == (SessionState.PAUSED, None)
    assert record.reason == "Ada Example asked for it: the weekend"
    assert desk.engine.asked.count("pause") == 1


def test_a_pause_that_the_engine_refuses_is_tried_again(desk: Desk) -> None:
    desk.trade()
    desk.ask(SessionState.PAUSED)
    desk.engine.agrees = False
    desk.beat_for(10)
    before = desk.record().state
    desk.engine.agrees = True
    desk.beat_for(5)

    assert (before, desk.record().state) == (SessionState.RUNNING, SessionState.PAUSED)


@pytest.mark.parametrize("end", [SessionState.STOPPED, SessionState.FAILED])
def test_a_pause_of_an_operator_holds_in_each_later_session(desk: Desk, end: SessionState) -> None:
    desk.trade()
    desk.ask(SessionState.PAUSED)
    desk.beat_for(5)
    for _ in range(3):
        desk.session.drain()
        desk.session.end("it is over", end)
        desk = Desk(records=desk.records)
        desk.session.move(SessionState.WARM_UP, "the engine is running")
        desk.beat_for(20)

    assert desk.engine.asked == ["pause"]
    assert desk.record().state is SessionState.PAUSED
    assert desk.record().reason == "Ada Example asked for it: a test"


def test_a_pause_of_an_operator_holds_when_its_process_is_killed_in_the_drain(desk: Desk) -> None:
    desk.trade()
    desk.ask(SessionState.PAUSED)
    desk.beat_for(5)
    desk.session.drain()

    successor = Desk(records=desk.records)
    successor.session.move(SessionState.WARM_UP, "the engine is running")
    successor.beat_for(5)

    assert successor.engine.asked == ["pause"]


@pytest.mark.parametrize("asked", [SessionState.RUNNING, SessionState.STOPPED])
def test_a_pause_ends_with_a_later_request_of_an_operator(desk: Desk, asked: SessionState) -> None:
    desk.trade()
    for wanted in (SessionState.PAUSED, asked):
        desk.ask(wanted)
        desk.beat_for(5)
    desk.session.drain()
    desk.session.end("it is over", SessionState.STOPPED)

    successor = Desk(records=desk.records)
    successor.session.move(SessionState.WARM_UP, "the engine is running")
    successor.beat_for(5)

    assert successor.engine.asked == ["resume"]


def test_a_request_that_comes_in_the_drain_replaces_the_pause(desk: Desk) -> None:
    desk.trade()
    desk.ask(SessionState.PAUSED)
    desk.beat_for(5)
    desk.session.drain()
    desk.ask(SessionState.RUNNING)
    desk.session.end("it is over", SessionState.STOPPED)

    assert Desk(records=desk.records).record().request is None


def test_a_session_that_is_to_stop_neither_pauses_nor_goes_on(desk: Desk) -> None:
    desk.trade()
    desk.ask(SessionState.PAUSED)
    desk.beat_for(5)
    asked = list(desk.engine.asked)
    desk.watchdog.is_alive = False
    for wanted in (SessionState.RUNNING, SessionState.PAUSED):
        desk.ask(wanted)
        desk.bot.orders += 20
        desk.beat_for(120)

    assert desk.engine.asked == asked


@pytest.mark.parametrize(
    ("cause", "starts"), [("signal", 0), ("operator", 0), ("risk", 1), ("watchdog", 1), ("both", 1)]
)
def test_only_a_stop_that_was_asked_for_leaves_the_restart_budget(
    desk: Desk, cause: str, starts: int
) -> None:
    desk.trade()
    if cause in {"risk", "both"}:
        desk.bot.rejected = 0
        desk.beat_for(10)
        desk.bot.rejected = 10
        desk.beat_for(10)
    if cause in {"operator", "both"}:
        desk.ask(SessionState.STOPPED)
    desk.watchdog.is_alive = cause != "watchdog"
    desk.beat_for(10)
    desk.session.drain()
    desk.session.end("it is over", SessionState.STOPPED)

    assert desk.record().state is SessionState.STOPPED
    assert len(desk.record().starts) == starts


def test_a_request_for_the_state_that_there_is_leaves_the_record(desk: Desk) -> None:
    desk.trade()
    desk.ask(SessionState.RUNNING)

    desk.beat_for(5)

    assert desk.record().request is None
    assert desk.engine.asked == []


def test_a_request_that_comes_before_the_engine_trades_waits(desk: Desk) -> None:
    desk.ask(SessionState.PAUSED)
    desk.beat_for(5)
    asked = list(desk.engine.asked)
    desk.trade()
    desk.beat_for(5)

    assert asked == []
    assert desk.record().state is SessionState.PAUSED


def test_an_engine_that_warms_up_is_let_trade_at_the_next_beat(desk: Desk) -> None:
    desk.session.move(SessionState.WARM_UP, "the engine is running")

    desk.session.beat()
    desk.session.beat()

    assert desk.engine.asked == ["resume"]
    assert (desk.record().state, desk.record().reason) == (
        SessionState.RUNNING,
        "the engine trades",
    )


def test_an_engine_that_does_not_answer_yet_is_asked_again(desk: Desk) -> None:
    desk.engine.agrees = False
    desk.session.move(SessionState.WARM_UP, "the engine is running")
    desk.session.beat()
    before = desk.record().state
    desk.engine.agrees = True
    desk.beat_for(5)

    assert (before, desk.record().state) == (SessionState.WARM_UP, SessionState.RUNNING)


def test_a_session_whose_predecessor_was_killed_while_paused_never_trades(desk: Desk) -> None:
    desk.trade()
    desk.session.move(SessionState.PAUSED, "the news")

    successor = Desk(records=desk.records)
    successor.session.move(SessionState.WARM_UP, "the engine is running")
    successor.beat_for(20)

    assert "resume" not in successor.engine.asked
    assert successor.record().state is SessionState.PAUSED
    assert successor.record().reason == "run run-1 asked for it: the news"


@pytest.mark.parametrize("wanted", [SessionState.PAUSED, SessionState.STOPPED])
def test_a_request_that_came_while_the_engine_started_keeps_it_from_trading(
    desk: Desk, wanted: SessionState
) -> None:
    desk.beat_for(5)
    desk.ask(wanted)
    desk.session.move(SessionState.WARM_UP, "the engine is running")

    # The next heartbeat is not due yet.
    desk.session.beat()

    assert "resume" not in desk.engine.asked
    assert (desk.session.stop_reason is not None) is (wanted is SessionState.STOPPED)


def test_a_session_that_is_to_stop_does_not_begin_to_trade(desk: Desk) -> None:
    desk.watchdog.is_alive = False
    desk.session.move(SessionState.WARM_UP, "the engine is running")

    desk.beat_for(5)

    assert desk.engine.asked == []


def test_people_are_told_of_the_last_state_also_when_it_comes_again_soon(desk: Desk) -> None:
    desk.trade()
    for wanted in (*(SessionState.PAUSED, SessionState.RUNNING) * 2, SessionState.PAUSED):
        desk.ask(wanted)
        desk.beat_for(5)

    desk.alerts.close()

    told = [sentence.split(":")[1] for sentence in desk.channel.sentences]
    assert told[2:] == [*(" it is paused", " it is running") * 2, " it is paused"]


def test_people_are_told_of_an_engine_that_stands_still_and_of_one_that_goes_on(
    desk: Desk,
) -> None:
    desk.session.note_stall("the exchange does not answer", has_stopped=False)
    desk.session.note_recovery("the exchange does not answer")
    before = desk.session.stop_reason
    desk.session.note_stall("the engine stopped trading by itself", has_stopped=True)

    desk.alerts.close()

    assert desk.channel.sentences == [
        "stalled: the exchange does not answer",
        "stalled: it goes on again, after: the exchange does not answer",
        "stalled: the engine stopped trading by itself",
    ]
    assert (before, desk.session.stop_reason) == (None, "the engine stopped trading by itself")


def test_people_are_told_of_each_move(desk: Desk) -> None:
    desk.trade()

    desk.alerts.close()

    assert desk.channel.sentences == [
        "session: it is warm-up: the engine is running",
        "session: it is running: the engine trades",
    ]


def test_a_record_that_another_process_has_taken_stops_the_session_in_good_order(
    desk: Desk,
) -> None:
    Session.start(desk.records, session="waves", run_id="run-2", journal=desk.journal)

    desk.beat_for(20)

    assert "not ours any more" in str(desk.session.stop_reason)
    assert desk.session.doubt == desk.session.stop_reason


@pytest.mark.parametrize(
    ("moves", "wanted", "end"),
    [
        ([SessionState.DRAINING], SessionState.STOPPED, SessionState.STOPPED),
        ([SessionState.DRAINING], SessionState.FAILED, SessionState.FAILED),
        ([SessionState.DRAINING], SessionState.HALTED, SessionState.HALTED),
        ([SessionState.WARM_UP, SessionState.RUNNING], SessionState.STOPPED, SessionState.FAILED),
        ([], SessionState.STOPPED, SessionState.FAILED),
        ([], SessionState.HALTED, SessionState.HALTED),
    ],
)
def test_only_a_session_that_was_drained_in_good_order_is_stopped(
    desk: Desk, moves: list[SessionState], wanted: SessionState, end: SessionState
) -> None:
    for state in moves:
        desk.session.move(state, "a test")

    desk.session.end("it is over", wanted)

    assert desk.record().state is end


def test_a_loss_halts_with_its_latch_set_before_the_stop_begins(desk: Desk) -> None:
    desk.trade()
    desk.beat_for(10)
    desk.bot.gain = Decimal(-100)
    desk.beat_for(10)

    (halt,) = desk.latch.halts()
    assert "drawdown is 0.1, and 0.1 halts" in halt.cause
    assert desk.record().state is SessionState.RUNNING
    assert "trading is halted" in str(desk.session.stop_reason)
    desk.session.drain()
    verdict = desk.session.judge_halt()
    assert verdict is not None
    desk.session.end(verdict.sentence, SessionState.STOPPED)
    assert verdict.exit_code is ExitCode.HALTED
    assert desk.record().state is SessionState.HALTED
    assert len(desk.latch.halts()) == 1
    desk.alerts.close()
    assert any(sentence.startswith("halted: ") for sentence in desk.channel.sentences)


def test_a_halt_that_cannot_be_recorded_stops_the_session_and_is_tried_again(desk: Desk) -> None:
    desk.store.is_away = True
    desk.session.halt("a model was trained")
    first = desk.session.judge_halt()
    desk.store.is_away = False
    second = desk.session.judge_halt()

    assert desk.session.stop_reason == "trading is halted: a model was trained"
    assert first is not None
    assert second is not None
    assert first.exit_code is second.exit_code is ExitCode.HALTED
    assert "could NOT be recorded (the object store does not answer)" in first.sentence
    assert "NOT" not in second.sentence
    with pytest.raises(HaltedError, match="a model was trained"):
        desk.latch.check()


def test_a_risk_that_drains_stops_the_session_and_latches_nothing(desk: Desk) -> None:
    desk.trade()
    desk.bot.rejected = 10
    desk.beat_for(10)

    assert "rejected-orders is 10, and 10 drains" in str(desk.session.stop_reason)
    assert desk.session.judge_halt() is None
    assert desk.latch.halts() == ()


def test_a_risk_pauses_until_it_has_come_back_to_its_release(desk: Desk) -> None:
    desk.trade()
    desk.beat_for(10)
    states = []
    for gain in (-40, -50, -30, -20, -40):
        desk.bot.gain = Decimal(gain)
        desk.beat_for(10)
        states.append(desk.record().state.value)

    assert states == ["running", "paused", "paused", "running", "running"]
    assert desk.engine.asked == ["pause", "resume"]
    desk.alerts.close()
    (told,) = [line for line in desk.channel.sentences if line.startswith("paused by risk: ")]
    assert "drawdown is 0.05, and 0.05 pauses" in told
    changes = [entry.facts for entry in desk.journal.entries() if entry.event == "risk_action"]
    assert [row["end"] for row in changes] == ["pause", "none"]


def test_an_operator_cannot_end_a_pause_that_a_risk_still_demands(desk: Desk) -> None:
    desk.trade()
    desk.beat_for(10)
    desk.bot.gain = Decimal(-50)
    desk.beat_for(10)
    desk.ask(SessionState.RUNNING)
    desk.beat_for(60)
    waiting = desk.record()
    desk.bot.gain = Decimal(0)
    desk.beat_for(20)

    assert (waiting.state, waiting.request is None) == (SessionState.PAUSED, False)
    assert desk.engine.asked == ["pause", "resume"]
    after = desk.record()
    assert (after.state, after.request) == (SessionState.RUNNING, None)
    desk.alerts.close()
    assert any("asked to go on, which waits" in line for line in desk.channel.sentences)


@pytest.mark.parametrize("is_first", [True, False], ids=["operator first", "risk first"])
def test_a_pause_of_an_operator_outlasts_that_of_a_risk(desk: Desk, *, is_first: bool) -> None:
    desk.trade()
    desk.beat_for(10)
    if is_first:
        desk.ask(SessionState.PAUSED)
        desk.beat_for(10)
    desk.bot.gain = Decimal(-50)
    desk.beat_for(10)
    if not is_first:
        desk.ask(SessionState.PAUSED)
        desk.beat_for(10)
    desk.bot.gain = Decimal(0)
    desk.beat_for(20)
    held = desk.record().state
    desk.ask(SessionState.RUNNING)
    desk.beat_for(10)

    assert (held, desk.record().state) == (SessionState.PAUSED, SessionState.RUNNING)
    assert desk.engine.asked == ["pause", "resume"]


def test_a_risk_whose_release_failed_once_does_not_end_a_later_pause_of_an_operator(
    desk: Desk,
) -> None:
    desk.trade()
    desk.bot.gain = Decimal(-60)
    desk.beat_for(10)
    desk.bot.gain = Decimal(0)
    desk.ask(SessionState.RUNNING)
    desk.engine.answers = [False, True]
    desk.beat_for(10, every=10)
    running = desk.record().state
    desk.ask(SessionState.PAUSED)
    desk.beat_for(60)

    assert running is SessionState.RUNNING
    assert desk.record().state is SessionState.PAUSED


def test_an_engine_that_does_not_pause_for_a_risk_is_asked_again(desk: Desk) -> None:
    desk.trade()
    desk.engine.agrees = False
    desk.beat_for(10)
    desk.bot.gain = Decimal(-50)
    desk.beat_for(20)
    before = desk.record().state
    desk.engine.agrees = True
    desk.beat_for(5)

    assert (before, desk.record().state) == (SessionState.RUNNING, SessionState.PAUSED)


def test_a_record_of_losses_that_another_process_wrote_stops_the_session(desk: Desk) -> None:
    desk.trade()
    RiskRecords(desk.store, "memory:risks").write(RiskRecord(run_id="run-2", capital=Decimal(1)))
    desk.beat_for(10)

    assert "another process has written the record of losses" in str(desk.session.stop_reason)
    assert desk.session.doubt == desk.session.stop_reason


def test_a_record_of_losses_that_is_gone_stops_the_session_and_is_named(desk: Desk) -> None:
    desk.trade()
    desk.beat_for(10)
    desk.store.delete("memory:risks")
    desk.bot.gain = Decimal(-1)
    desk.beat_for(10)

    assert "the record of losses at memory:risks is gone" in str(desk.session.doubt)
