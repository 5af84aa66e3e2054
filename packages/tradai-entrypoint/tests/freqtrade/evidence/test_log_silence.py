"""Log records that cease while the engine's loop goes on are noticed."""

from datetime import timedelta

import pytest

from tradai.core.testing import FixedClock
from tradai.entrypoint.freqtrade._engine.records import EngineRecord
from tradai.entrypoint.freqtrade._evidence.log_patterns import facts_in
from tradai.entrypoint.freqtrade._evidence.log_silence import LogSilence

WORKER = "freqtrade.worker"
HEARTBEAT = EngineRecord(logger=WORKER, level="INFO", text="Bot heartbeat. PID=1, version='1'")


class Desk:
    """An engine on a virtual clock, which is asked every five seconds for its last turn."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.silence = LogSilence(self.clock)
        self.ended_s: float | None = 0.0
        self.ask = self.silence.watching(lambda: self.ended_s)
        self.seconds = 0.0

    def loop_for(self, seconds: float, *, every_s: float = 5.0, heartbeat_s: float = 0.0) -> None:
        """Make turns of `every_s`; without `heartbeat_s` the engine logs no heartbeat."""
        until_s, logged_s = self.seconds + seconds, self.seconds
        while self.seconds < until_s:
            self.clock.advance(timedelta(seconds=5))
            self.seconds += 5
            if self.seconds % every_s == 0:
                self.ended_s = 1_000 + self.seconds
                if heartbeat_s and self.seconds - logged_s > heartbeat_s:
                    logged_s = self.seconds
                    self.silence.take(facts_in(HEARTBEAT))
            assert self.ask() == self.ended_s


@pytest.fixture
def desk() -> Desk:
    """An engine that has just started."""
    return Desk()


@pytest.mark.parametrize("every_s", [5.0, 60.0, 600.0])
def test_a_log_with_heartbeats_is_not_silent_however_long_a_turn_takes(
    desk: Desk, every_s: float
) -> None:
    desk.loop_for(7_200, every_s=every_s, heartbeat_s=60)

    assert desk.silence.problem is None


def test_a_log_is_silent_after_three_heartbeats_that_did_not_come(desk: Desk) -> None:
    desk.silence.take(facts_in(HEARTBEAT))
    desk.loop_for(175)
    before = desk.silence.problem
    desk.loop_for(5)

    assert before is None
    assert desk.silence.problem == (
        "the engine's log is silent: no heartbeat for 180 s, though the engine's loop goes on, so "
        "something has turned its records off"
    )


def test_slow_turns_are_waited_for_until_three_have_had_no_heartbeat(desk: Desk) -> None:
    desk.loop_for(800, every_s=400)
    desk.silence.take(facts_in(HEARTBEAT))
    desk.loop_for(1_195, every_s=400)
    before = desk.silence.problem
    desk.loop_for(5, every_s=400)

    assert before is None
    assert desk.silence.problem is not None


@pytest.mark.parametrize("ended_s", [None, 0.0, 1_000.0])
def test_an_engine_that_makes_no_turns_is_not_one_whose_log_is_silent(
    desk: Desk, ended_s: float | None
) -> None:
    desk.ended_s = ended_s
    desk.loop_for(3_600, every_s=7_200)

    assert desk.silence.problem is None


@pytest.mark.parametrize(
    "record",
    [
        EngineRecord(logger=WORKER, level="ERROR", text="OperationalException. Stopping trader"),
        EngineRecord(logger="freqtrade.freqtradebot", level="INFO", text=HEARTBEAT.text),
    ],
)
def test_another_record_is_no_heartbeat(desk: Desk, record: EngineRecord) -> None:
    desk.loop_for(175)
    desk.silence.take(facts_in(record))
    desk.loop_for(5)

    assert desk.silence.problem is not None


def test_records_that_come_back_do_not_undo_the_silence(desk: Desk) -> None:
    desk.loop_for(180)
    desk.silence.take(facts_in(HEARTBEAT))
    desk.loop_for(30)

    assert desk.silence.problem is not None


def test_records_that_waited_while_this_process_was_frozen_come_in_time(desk: Desk) -> None:
    desk.clock.advance(timedelta(seconds=900))
    desk.loop_for(10)
    desk.silence.take(facts_in(HEARTBEAT))
    desk.loop_for(120)

    assert desk.silence.problem is None
