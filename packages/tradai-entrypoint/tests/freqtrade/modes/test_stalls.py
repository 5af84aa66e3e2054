"""A bot that stands still says so, from the first sign to the verdict."""

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tradai.core import TradingMode
from tradai.entrypoint import ExitCode
from tradai.entrypoint.freqtrade import MARKETS_NAME, MarketsSnapshot
from tradai.entrypoint.freqtrade._engine.records import EngineRecord
from tradai.entrypoint.freqtrade._evidence.evidence import EngineEvidence
from tradai.entrypoint.freqtrade._modes.bot_handler import Bot
from tradai.entrypoint.freqtrade._modes.stall_watch import StallWatch

LIVENESS = "tradai.entrypoint.freqtrade._evidence.liveness"
RUNNING_BOT = "tradai.entrypoint.freqtrade._modes.running_bot"
TRADING = "engine: trading on paper, Ctrl-C stops it"
STALLED = "engine: the bot stands still, Ctrl-C stops it"
AGAIN = "engine: trading on paper again, Ctrl-C stops it"
PAIRS = ("BTC/USDT", "ETH/USDT", "XRP/USDT")

Run = Callable[..., Any]
Listing = Callable[[MarketsSnapshot], AbstractContextManager[str]]
Tell = Callable[[int], Callable[[], None]]
SetLimits = Callable[..., None]
StopAt = str


def record(logger: str, text: str, level: str = "WARNING") -> str:
    return f"2026-11-24 01:03:38,504 - {logger} - {level} - {text}"


def failed_call(end: str = "Giving up.") -> str:
    text = (
        'fetch_order() returned exception: "Could not get order due to NetworkError. Message: no"'
    )
    return record("freqtrade.exchange.common", f"{text}. {end}")


def untrained(pair: str) -> str:
    text = f"Training {pair} raised exception ValueError. Message: no data., skipping."
    return record("freqtrade.freqai.freqai_interface", text, "ERROR")


STOPS_ITSELF = [
    record("freqtrade.worker", "OperationalException. Stopping trader ...", "ERROR"),
    "Traceback (most recent call last):",
    '  File "/freqtrade/worker.py", line 199, in _process_running',
    "    self.freqtrade.process()",
    "freqtrade.exceptions.OperationalException: the model server is gone",
    record("freqtrade.worker", "Changing state from RUNNING to: STOPPED", "INFO"),
]


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradai.entrypoint.freqtrade._modes.stall_watch._LOOK_EVERY_S", 0.01)


@pytest.fixture
def set_limits(monkeypatch: pytest.MonkeyPatch) -> SetLimits:
    """Change the limits from which on the absence of a sign is a stall."""

    def change(**limits: object) -> None:
        for name, limit in limits.items():
            monkeypatch.setattr(f"{LIVENESS}._{name.upper()}", limit)

    return change


@pytest.fixture
def stop_at(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> StopAt:
    """A line of the engine at which SIGTERM arrives."""
    text, feed, stop = "Bot heartbeat. PID=1", EngineEvidence.feed, tell(signal.SIGTERM)

    def feed_and_stop(evidence: EngineEvidence, given: EngineRecord) -> None:
        feed(evidence, given)
        if given.text == text:
            stop()

    monkeypatch.setattr(EngineEvidence, "feed", feed_and_stop)
    return record("freqtrade.worker", text, "INFO")


@pytest.fixture
def dry_run(run: Run, candles: Path, listing: Listing) -> Iterator[Run]:
    """Run until something ends it."""
    with listing(MarketsSnapshot.load(candles / MARKETS_NAME)) as address:
        url = f"run.exchange_url={address}"
        yield partial(run, TradingMode.DRY_RUN, url, waits=True, on_sigterm="stops")


@pytest.fixture
def stopped(dry_run: Run, tell: Tell) -> Run:
    """Run, and send SIGTERM as soon as the bot stands still."""
    return partial(dry_run, reactions={STALLED: tell(signal.SIGTERM)})


def test_a_bot_that_stops_trading_by_itself_is_not_one_that_stopped_on_request(
    stopped: Run,
) -> None:
    done = stopped(loops=[[], STOPS_ITSELF])

    assert done.code == done.manifest.exit_code == ExitCode.STALLED
    assert "the engine stopped on request (SIGTERM), but the bot stood still since" in done.verdict
    assert "OperationalException: the model server is gone" in done.verdict
    assert done.facts("bot stalled")["cause"] == "stopped"
    assert "bot recovered" not in done.events
    (notice,) = done.manifest.notices
    assert notice.startswith("the bot stands still since")
    assert "the model server is gone" in notice


def test_an_exchange_that_does_not_answer_when_the_bot_is_stopped_is_in_the_verdict(
    stopped: Run, set_limits: SetLimits
) -> None:
    set_limits(outage_s=0.0)

    done = stopped(loops=[[failed_call()]] * 1000)

    assert done.code == ExitCode.STALLED
    assert "the exchange does not answer (fetch_order() returned exception" in done.verdict
    assert done.facts("bot stalled")["cause"] == "exchange"


def test_a_call_that_the_exchange_refuses_is_not_an_outage(
    dry_run: Run, stop_at: StopAt, set_limits: SetLimits
) -> None:
    set_limits(outage_s=0.0)
    refused = failed_call().replace("NetworkError", "BadSymbol")

    done = dry_run(loops=[[refused], [refused], [refused], [stop_at]])

    assert done.code == ExitCode.DONE
    assert "bot stalled" not in done.events


def test_the_fallback_has_nothing_to_trade_and_does_not_stand_still(
    dry_run: Run, strategy: Path, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy.unlink()
    look = StallWatch._look  # noqa: SLF001 - the test stops after the first look
    stop = tell(signal.SIGTERM)

    def look_and_stop(watch: StallWatch) -> None:
        look(watch)
        stop()

    monkeypatch.setattr(StallWatch, "_look", look_and_stop)
    monkeypatch.setattr(f"{LIVENESS}.Liveness.look", None)

    done = dry_run()

    assert done.code == ExitCode.DONE
    assert done.manifest.is_fallback
    assert "bot stalled" not in done.events


def test_a_bot_that_goes_on_after_an_outage_stops_on_request(
    dry_run: Run, tell: Tell, set_limits: SetLimits
) -> None:
    set_limits(outage_s=0.0)

    done = dry_run(loops=[[], [failed_call()]], reactions={AGAIN: tell(signal.SIGTERM)})

    assert done.code == ExitCode.DONE
    assert done.events.index("bot stalled") < done.events.index("bot recovered")
    assert done.facts("bot recovered")["cause"] == "exchange"
    (notice,) = done.manifest.notices
    assert notice.startswith("the bot stood still from")


def test_a_call_that_fails_once_or_succeeds_in_the_end_is_not_an_outage(
    dry_run: Run, stop_at: StopAt
) -> None:
    several = [[failed_call("Retrying still for 3 times.")], [failed_call()], [], []]

    done = dry_run(loops=[*several, [stop_at]])

    assert done.code == ExitCode.DONE
    assert "bot stalled" not in done.events


def test_a_bot_without_any_model_stands_still(stopped: Run) -> None:
    done = stopped(loops=[[untrained(PAIRS[0])], [untrained(pair) for pair in PAIRS[1:]]])

    assert done.code == ExitCode.STALLED
    assert "no model could be trained (Training XRP/USDT raised exception" in done.verdict


def test_a_bot_goes_on_once_it_has_a_model(
    dry_run: Run, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False])
    monkeypatch.setattr(f"{RUNNING_BOT}.has_models", lambda _: next(answers, True))

    done = dry_run(loops=[[untrained(pair) for pair in PAIRS]], reactions={AGAIN: tell(15)})

    assert done.code == ExitCode.DONE
    assert done.facts("bot recovered")["cause"] == "untrained"


def test_a_strategy_that_analyses_no_new_candle_stands_still(
    stopped: Run, set_limits: SetLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{RUNNING_BOT}._length_s", lambda _: 0.1)
    set_limits(late_s=(0.0, 0.0))

    done = stopped(has_candles=False)

    assert done.code == ExitCode.STALLED
    assert "the strategy has analysed no new candle" in done.verdict


def test_a_strategy_that_draws_charts_is_not_called_for_them(
    dry_run: Run,
    stop_at: StopAt,
    strategy: Path,
    set_limits: SetLimits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = strategy.parent / "strategies" / "wave_rider.py"
    source.write_text(source.read_text() + "\n    def plot_annotations(self, **_):\n        ...\n")
    monkeypatch.setattr(f"{RUNNING_BOT}._length_s", lambda _: 0.1)
    monkeypatch.setattr(f"{RUNNING_BOT}.EngineControl.newest_candle_s", None)
    set_limits(late_s=(60.0, 60.0))

    done = dry_run(loops=[*[[]] * 50, [stop_at]])

    assert done.code == ExitCode.DONE
    assert "bot stalled" not in done.events


def test_a_loop_that_does_not_come_to_its_end_is_a_stall(
    stopped: Run, set_limits: SetLimits
) -> None:
    set_limits(loop_s=0.1)

    done = stopped(hangs=True)

    assert done.code == ExitCode.STALLED
    assert "the bot's loop does not come to its end" in done.verdict


def test_max_idle_ends_a_bot_that_stands_still_in_good_order(dry_run: Run) -> None:
    done = dry_run("run.max_idle=1s", loops=[[], STOPS_ITSELF])

    assert done.code == ExitCode.MAX_IDLE
    assert done.verdict.startswith("stopped because the bot stood still for 1s, since")
    assert "the model server is gone" in done.verdict
    assert done.facts("engine stopping") == {"signal": None, "is_pausing": False}
    assert tuple(done.manifest.artifacts) == ("trades.sqlite",)


def test_max_idle_pauses_a_bot_that_could_go_on(dry_run: Run, set_limits: SetLimits) -> None:
    set_limits(outage_s=0.0)

    done = dry_run("run.max_idle=1s", loops=[[failed_call()]] * 10_000)

    assert done.code == ExitCode.MAX_IDLE
    assert done.facts("engine stopping") == {"signal": None, "is_pausing": True}


def test_a_bot_without_a_model_that_max_idle_ends_is_judged_by_it(dry_run: Run) -> None:
    done = dry_run("run.max_idle=1s", loops=[[untrained(pair) for pair in PAIRS]])

    assert done.code == ExitCode.MAX_IDLE
    assert "no model could be trained" in done.verdict


def test_an_engine_that_is_killed_after_max_idle_while_it_trades_needs_a_person_to_look(
    dry_run: Run, set_limits: SetLimits
) -> None:
    set_limits(outage_s=0.0)
    limits = ("run.max_idle=1s", "run.stop_timeout_s=0.2")
    loops = [[failed_call()]] * 10_000

    done = dry_run(*limits, loops=loops, on_stop="hangs_up", on_sigterm="ignores")

    assert done.code == ExitCode.MISMATCH
    assert "did not stop in time and was killed" in done.verdict


def test_books_that_disagree_are_more_urgent_than_a_stall(stopped: Run) -> None:
    identity = {"order_id": "dry_run_buy_BTC/USDT_1", "pair": "BTC/USDT", "side": "buy"}
    fate = {"trade_id": 1, "is_logged": True, "is_booked": False, "status": "open", "then": ()}

    done = stopped(orders=[identity | fate], loops=[[], STOPS_ITSELF])

    assert done.code == ExitCode.MISMATCH
    assert done.facts("bot stalled")["cause"] == "stopped"


def test_a_session_that_is_to_stop_does_not_wait_for_the_next_look(
    dry_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    trading: list[bool] = []
    asked: list[bool] = []

    def wait(_: StallWatch) -> float:
        message = "it waits for the next look"
        raise AssertionError(message)

    monkeypatch.setattr(Bot, "beat", lambda _: asked.extend(trading))
    monkeypatch.setattr(Bot, "is_to_stop", property(lambda _: bool(asked)))
    monkeypatch.setattr(StallWatch, "_next_s", wait)

    done = dry_run(reactions={TRADING: lambda: trading.append(True)}, on_sigterm="stops")

    assert done.code == ExitCode.DONE, done.verdict
    assert asked


def test_max_idle_does_not_change_the_digest_of_a_run(run: Run) -> None:
    limited, unlimited = (
        run(TradingMode.BACKTEST, *overrides) for overrides in (["run.max_idle=1h"], [])
    )

    assert limited.manifest.digests["run"] == unlimited.manifest.digests["run"]


def test_a_duration_without_a_fixed_length_is_refused(dry_run: Run) -> None:
    done = dry_run("run.max_idle=1M")

    assert done.code == ExitCode.CONFIGURATION
    assert "run.max_idle" in done.verdict
    assert "months differ in length" in done.verdict
