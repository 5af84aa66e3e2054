"""BACKTEST from start to verdict, on a stand-in for the engine that is a process of its own."""

import html
import json
import re
import signal
import zipfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tradai.core import TradingMode
from tradai.entrypoint import ExitCode, RunManifest
from tradai.entrypoint.freqtrade import MarketRules, MarketsSnapshot
from tradai.entrypoint.freqtrade._engine.process import EngineProcess

LOGS = Path(__file__).resolve().parent.parent / "evidence/engine_log"
BACKTEST = TradingMode.BACKTEST

Run = Callable[..., Any]
Tell = Callable[[int], Callable[[], None]]


def logged(name: str) -> list[str]:
    """Output of the real engine when it ended in this way."""
    return (LOGS / f"{name}.txt").read_text("utf-8").splitlines()


@pytest.mark.usefixtures("stage_in_child")
def test_a_backtest_leaves_trades_figures_digests_and_a_journal(run: Run) -> None:
    done = run(BACKTEST)

    manifest = done.manifest
    assert done.code == manifest.exit_code == ExitCode.DONE
    assert manifest.state == "ended"
    assert done.verdict == "backtest done: 12 trades, -0.30 % profit"
    assert done.events == ["run started", "engine starting", "engine ended", "run ended"]
    assert done.facts("engine starting") == {"subcommand": "backtesting"}
    assert done.facts("engine ended")["return_code"] == 0
    assert manifest.results["trades"] == 12
    assert manifest.results["final_balance"] == 997.04561781
    assert manifest.results["sharpe"] == -38.9006
    assert manifest.digests.keys() == {"source", "config", "markets", "data", "run", "trades"}
    assert manifest.versions["freqtrade"] == "2026.9"
    assert manifest.engine["name"] == "freqtrade"
    assert manifest.config_id == f"v1-{manifest.digests['config'][:8]}"
    assert tuple(manifest.artifacts) == ("trades.parquet", "candles.parquet", "engine-result.zip")
    assert "the market rules were made, not captured: for tests" in manifest.notices
    assert done.files == {
        *("manifest.json", "journal.jsonl", "report.html", "report.json", "engine.log"),
        *("trades.parquet", "candles.parquet", "engine-result.zip", "strategy"),
    }


def test_a_backtest_of_a_source_that_was_found_biased_says_so(run: Run) -> None:
    clean = run(BACKTEST)
    check = clean.manifest.model_copy(update={"results": {"bias": "found"}})
    folder = clean.folder.with_name("20260131T120000Z-bias-1")
    folder.mkdir()
    (folder / "manifest.json").write_text(
        check.model_copy(update={"run_id": folder.name}).as_json()
    )

    biased = run(BACKTEST)

    notice = f"bias was found in this strategy source by run {folder.name}"
    assert biased.code == ExitCode.DONE
    assert [each for each in biased.manifest.notices if each not in clean.manifest.notices] == [
        f"{notice}: no result of it can be believed until that is explained"
    ]
    assert notice in (biased.folder / "report.html").read_text()
    assert biased.manifest.digests == clean.manifest.digests


@pytest.mark.parametrize(
    ("overrides", "fee", "notice"),
    [
        ((), 0.002, "each order costs 0.002, the higher of both fees of the market rules"),
        (
            ("execution.fee=0.0005",),
            0.0005,
            "execution.fee goes over the fees of the market rules, 0.002 at most",
        ),
    ],
)
def test_the_fees_of_made_rules_are_charged_unless_the_configuration_has_one(
    run: Run, candles: Path, tmp_path: Path, overrides: tuple[str, ...], fee: float, notice: str
) -> None:
    rules = json.loads((candles / "markets.json").read_text())
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({**rules, "fees": {"maker": "0.001", "taker": "0.002"}}))

    done = run(BACKTEST, *overrides, places={"markets": str(file)})

    assert done.code == ExitCode.DONE, done.verdict
    assert done.given["config"]["fee"] == done.manifest.engine["config"]["fee"] == fee
    assert notice in done.manifest.notices


def test_rules_without_fees_leave_the_fee_to_the_engine(run: Run) -> None:
    assert "fee" not in run(BACKTEST).given["config"]


def test_the_files_of_a_backtest_are_what_the_engine_stored(
    run: Run, captured: dict[str, Any]
) -> None:
    done = run(BACKTEST)

    stored = captured["strategy"]["WaveRider"]["trades"]
    trades = pq.read_table(done.folder / "trades.parquet").to_pylist()
    assert [trade["profit_abs"] for trade in trades] == [trade["profit_abs"] for trade in stored]
    with zipfile.ZipFile(done.folder / "engine-result.zip") as archive:
        (name,) = archive.namelist()
        assert json.loads(archive.read(name)) == captured
    assert "Balance and drawdown" in (done.folder / "report.html").read_text()
    assert "freqtrade - INFO - freqtrade 2026.9" in (done.folder / "engine.log").read_text()
    assert (done.folder / "strategy" / "wave_rider.py").exists()


def test_the_engine_is_given_what_was_digested_and_nothing_else(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "obviously-fake")

    done = run(BACKTEST, "run.startup_candles=20")

    given = done.given
    plan = done.manifest.engine
    assert given["arguments"] == plan["command"]
    assert given["arguments"][:3] == ["backtesting", "--config", "-"]
    assert given["config"]["exchange"]["ccxt_config"]["urls"]["api"]["public"].startswith(
        "http://127.0.0.1:"
    )
    assert given["config"] | {"exchange": None} == {**plan["config"], "exchange": None}
    assert given["config"]["startup_candle_count"] == 20
    assert given["files"].keys() == {
        *("data/BTC_USDT-5m.feather", "data/ETH_USDT-5m.feather", "data/XRP_USDT-5m.feather"),
        *("strategies/wave_rider.py", "strategies/wave_rider.json"),
    }
    assert json.loads(given["files"]["strategies/wave_rider.json"]) == plan["parameters"]
    assert "obviously-fake" not in str(given["environ"])
    assert not any(name.startswith(("TRADAI_", "FREQTRADE_")) for name in given["environ"])
    assert given["group"] == given["pid"]


def test_the_same_run_has_the_same_digests_and_another_result_another_trades_digest(
    run: Run, captured: dict[str, Any]
) -> None:
    moved = deepcopy(captured)
    moved["strategy"]["WaveRider"]["trades"][0]["open_rate"] += 0.01

    first, again, other = run(BACKTEST), run(BACKTEST), run(BACKTEST, result=moved)

    assert first.manifest.digests == again.manifest.digests
    differing = first.manifest.digests.items() ^ other.manifest.digests.items()
    assert {name for name, _ in differing} == {"trades"}


COUNTED = {
    "signals": 30,
    "tried": 20,
    "exit_signal": 4,
    "custom_stake_amount": 0,
    "wallet": 0,
    "stake_below_minimum": 13,
    "confirm_trade_entry": 7,
}


@pytest.fixture
def without_trades(run: Run, captured: dict[str, Any]) -> Run:
    """Run a backtest that makes no trade."""
    nothing = deepcopy(captured)
    figures = {"trades": [], "total_trades": 0, "final_balance": 1000, "rejected_signals": 1}

    # It returns what the fixture `run` does.
    def start(counted: dict[str, int] | None, **more: object) -> Any:  # noqa: ANN401
        nothing["strategy"]["WaveRider"] |= figures | more
        by_pair = None if counted is None else {"BTC/USDT": counted}
        return run(BACKTEST, result=nothing, entry_signals=by_pair)

    return start


def test_a_backtest_without_a_trade_is_done_and_explained(without_trades: Run) -> None:
    done = without_trades(COUNTED)

    reasons = {
        "exit_signal": 4,
        "wallet": 5,
        "stake_below_minimum": 13,
        "confirm_trade_entry": 7,
        "max_open_trades": 1,
    }
    assert done.code == ExitCode.DONE
    assert done.verdict.startswith("backtest done: 0 trades, +0.00 % profit; 30 entry signals, ")
    assert "stake_below_minimum 13, confirm_trade_entry 7" in done.verdict
    assert done.manifest.results["final_balance"] == 1000
    assert done.manifest.results["profit_factor"] is None
    assert done.manifest.results["entry_signals"] == 30 == sum(reasons.values())
    assert done.manifest.results["rejected_entry_signals"] == reasons
    assert "no trades: 30 entry signals" in done.manifest.notices[-1]
    assert "no trades: 30 entry signals" in (done.folder / "report.html").read_text()
    assert pq.read_table(done.folder / "trades.parquet").num_rows == 0
    assert "engine-result.zip" in done.files


@pytest.mark.parametrize(
    ("counted", "locks", "reason"),
    [
        ({"signals": 9, "tried": 2}, [], {"open_order": 6, "order_not_filled": 2}),
        ({"signals": 9, "tried": 2}, ["lock"], {"pair_locks": 6, "order_not_filled": 2}),
        ({"signals": 9, "tried": 0}, [], {"wallet": 8}),
    ],
)
def test_a_signal_that_the_engine_passed_over_has_a_reason(
    without_trades: Run, counted: dict[str, int], locks: list[str], reason: dict[str, int]
) -> None:
    done = without_trades(dict.fromkeys(COUNTED, 0) | counted, locks=locks)

    assert done.manifest.results["rejected_entry_signals"] == {**reason, "max_open_trades": 1}


def test_the_entry_signals_of_all_pairs_are_added_up(run: Run, captured: dict[str, Any]) -> None:
    nothing = deepcopy(captured)
    nothing["strategy"]["WaveRider"] |= {"trades": [], "total_trades": 0, "final_balance": 1000}

    done = run(BACKTEST, result=nothing, entry_signals={"BTC/USDT": COUNTED, "ETH/USDT": COUNTED})

    assert done.manifest.results["entry_signals"] == 60
    assert done.manifest.results["rejected_entry_signals"]["stake_below_minimum"] == 26


@pytest.fixture
def without_eth(run: Run, captured: dict[str, Any]) -> Run:
    """Run a backtest that makes trades, none of them of ETH/USDT."""
    figures = captured["strategy"]["WaveRider"]
    trades = [trade for trade in figures["trades"] if trade["pair"] != "ETH/USDT"]
    balance = 1000 + sum(trade["profit_abs"] for trade in trades)
    changed = {"trades": trades, "total_trades": len(trades), "final_balance": balance}

    # It returns what the fixture `run` does.
    def start(counted: dict[str, int] | None, *overrides: str, **places: object) -> Any:  # noqa: ANN401
        result = {**captured, "strategy": {"WaveRider": {**figures, **changed}}}
        by_pair = None if counted is None else {"ETH/USDT": counted}
        return run(BACKTEST, *overrides, result=result, entry_signals=by_pair, places=places)

    return start


def test_a_pair_with_entry_signals_and_without_trades_is_explained(without_eth: Run) -> None:
    done = without_eth(COUNTED | {"exit_signal": 0, "stake_below_minimum": 23})

    assert done.code == ExitCode.DONE
    assert done.manifest.results["entry_signals_of_pairs_without_trades"] == {"ETH/USDT": 30}
    assert done.manifest.notices[-1] == (
        "no trade of ETH/USDT: 30 entry signals, rejected by stake_below_minimum 23, "
        "confirm_trade_entry 7"
    )
    assert "no trade of ETH/USDT" in (done.folder / "report.html").read_text()
    assert done.given["config"]["exchange"]["pair_whitelist"] == ["ETH/USDT"]


def test_a_pair_that_trades_alone_had_no_room_beside_the_others(without_eth: Run) -> None:
    done = without_eth(dict.fromkeys(COUNTED, 0) | {"signals": 5, "tried": 2, "filled": 1})

    assert done.manifest.notices[-1].endswith(
        "5 entry signals, rejected by slots, stake or locks that the other pairs leave 5"
    )


@pytest.mark.parametrize(
    ("tried", "cause"), [(2, "order_not_filled 5"), (0, "wallet or pair_locks 5")]
)
def test_a_pair_that_does_not_trade_alone_either_is_not_blamed_on_the_others(
    without_eth: Run, tried: int, cause: str
) -> None:
    done = without_eth(dict.fromkeys(COUNTED, 0) | {"signals": 5, "tried": tried})

    assert done.manifest.notices[-1].endswith(f"5 entry signals, rejected by {cause}")


@pytest.mark.parametrize("counted", [None, dict.fromkeys(COUNTED, 0)])
def test_a_pair_without_entry_signals_is_not_noticed(
    without_eth: Run, counted: dict[str, int] | None
) -> None:
    done = without_eth(counted)

    assert done.code == ExitCode.DONE
    assert "no trade of" not in str(done.manifest.notices)


def test_nothing_is_counted_in_a_run_of_a_sweep(without_eth: Run, tmp_path: Path) -> None:
    done = without_eth(COUNTED, staged=tmp_path)

    assert done.code == ExitCode.DONE
    assert "TradaiObserver" not in done.given["arguments"]
    assert "no trade of" not in str(done.manifest.notices)


def test_nothing_is_counted_when_each_pair_has_a_trade(run: Run) -> None:
    done = run(BACKTEST)

    assert "TradaiObserver" not in done.given["arguments"]
    assert "entry_signals_of_pairs_without_trades" not in done.manifest.results


def test_a_strategy_without_an_entry_signal_is_called_that(without_trades: Run) -> None:
    done = without_trades(dict.fromkeys(COUNTED, 0), rejected_signals=0)

    assert done.verdict.endswith("profit; the strategy gave no long entry signal")
    assert done.manifest.results["entry_signals"] == 0


def test_the_signals_are_counted_by_the_same_backtest_of_an_observer(without_trades: Run) -> None:
    done = without_trades(COUNTED)

    arguments, files = done.given["arguments"], done.given["files"]
    assert arguments[arguments.index("--strategy") + 1] == "TradaiObserver"
    assert arguments[-4:] == ["--cache", "none", "--export", "none"]
    assert 'import_module("wave_rider").WaveRider' in files["strategies/tradai_observer.py"]
    params = json.loads(files["strategies/tradai_observer.json"])
    assert params == {"strategy_name": "TradaiObserver", "params": {"buy": {"buy_fast": 10}}}
    assert "tradai_observer" not in str(done.manifest.engine)


def test_counts_of_an_engine_that_did_not_end_well_are_not_used(
    without_trades: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - stands for the class
        engine: Any = EngineProcess(*args, **options)
        wait = engine.wait
        engine.wait = lambda interrupts: replace(wait(interrupts), return_code=1)
        return engine

    monkeypatch.setattr("tradai.entrypoint.freqtrade._modes.zero_trades.EngineProcess", make)

    done = without_trades(dict.fromkeys(COUNTED, 0))

    assert done.code == ExitCode.DONE
    assert "could not be counted" in done.verdict


def test_signals_that_could_not_be_counted_leave_the_backtest_done(without_trades: Run) -> None:
    done = without_trades(None)

    assert done.code == ExitCode.DONE
    assert "could not be counted" in done.verdict
    assert "entry_signals" not in done.manifest.results


@pytest.mark.parametrize(
    ("log", "exit_code", "expected", "words"),
    [
        ("configuration-refused", 0, ExitCode.CONFIGURATION, "max_open_trades: 'x' is not of"),
        ("strategy-not-importable", 2, ExitCode.CONFIGURATION, "'no_such_module_here'"),
        ("strategy-raises-while-running", 1, ExitCode.CRASHED, "KeyError: 'nope' at raises_ind"),
        ("no-data", 2, ExitCode.DATA, "BTC/USDT@15m, ETH/USDT@15m"),
        (
            "parameters",
            0,
            ExitCode.RESULT,
            "without a result: it did not say why, as when a strategy calls sys.exit()",
        ),
        ("parameters", 3, ExitCode.CRASHED, "failed with exit code 3"),
    ],
)
def test_an_engine_that_leaves_no_result_is_judged_and_nothing_is_made_up(
    run: Run, log: str, exit_code: int, expected: ExitCode, words: str
) -> None:
    done = run(BACKTEST, says=logged(log), result=None, exit_code=exit_code)

    manifest = done.manifest
    assert done.code == manifest.exit_code == expected
    assert words in done.verdict
    assert done.facts("engine ended")["return_code"] == exit_code
    assert done.facts("run ended") == {"exit_code": expected, "sentence": done.verdict}
    assert manifest.results == {}
    assert tuple(manifest.artifacts) == ()
    assert "trades" not in manifest.digests
    assert done.files == {
        *("manifest.json", "journal.jsonl", "report.html", "engine.log", "strategy")
    }
    assert done.verdict in html.unescape((done.folder / "report.html").read_text())


@pytest.mark.parametrize(
    ("log", "words"), [("pair-dropped", "left out LTC/USDT"), ("informative-missing", "XRP/USDT")]
)
def test_a_result_on_less_than_was_asked_for_is_kept_and_marked_as_partial(
    run: Run, log: str, words: str
) -> None:
    done = run(BACKTEST, says=logged(log))

    assert done.code == ExitCode.DATA
    assert words in done.verdict
    assert tuple(done.manifest.artifacts) == (
        "trades.parquet",
        "candles.parquet",
        "engine-result.zip",
    )
    assert done.manifest.results["is_partial"]
    assert done.manifest.notices[-1].endswith("all its work: engine-result.zip")
    assert done.manifest.results["trades"] == 12


RAISED = [
    (
        "2026-11-24 01:31:13,350 - freqtrade.strategy.strategy_wrapper - WARNING - Strategy caused "
        "the following exception: ValueError('no') in WaveRider.custom_exit:9, calling custom_exit"
    )
]


def test_a_backtest_whose_callbacks_raised_is_kept_whole_and_marked(
    run: Run, tmp_path: Path
) -> None:
    source = tmp_path / "strategies/wave_rider.py"
    callback = "\n    def custom_exit(self):\n        raise ValueError('no')\n"
    source.write_text(source.read_text() + callback)

    done = run(BACKTEST, says=RAISED)

    manifest = done.manifest
    assert done.code == manifest.exit_code == ExitCode.STRATEGY_ERRORS
    assert "backtest done: 12 trades" in done.verdict
    assert "ValueError('no') at wave_rider.py:9" in done.verdict
    assert tuple(manifest.artifacts) == ("trades.parquet", "candles.parquet", "engine-result.zip")
    assert "is_partial" not in manifest.results
    assert manifest.results["trades"] == 12
    assert manifest.results["strategy_errors"] == 1
    assert manifest.results["strategy_errors_by_callback"] == {"custom_exit": 1}
    assert "raised 1 errors" in manifest.notices[-1]
    assert "raised 1 errors" in (done.folder / "report.html").read_text()


def test_errors_of_a_callback_can_be_accepted_by_its_name(run: Run) -> None:
    strict = run(BACKTEST, "run.accepted_strategy_errors=[custom_stoploss]", says=RAISED)
    done = run(BACKTEST, "run.accepted_strategy_errors=[custom_exit]", says=RAISED)

    assert strict.code == ExitCode.STRATEGY_ERRORS
    assert done.code == ExitCode.DONE
    assert done.manifest.results["strategy_errors"] == 1
    assert "custom_exit 1" in done.manifest.notices[-1]
    assert done.manifest.digests["run"] == run(BACKTEST).manifest.digests["run"]


def test_a_partial_result_that_cannot_be_read_does_not_hide_the_verdict(run: Run) -> None:
    done = run(BACKTEST, says=logged("pair-dropped"), result={"strategy": {}})

    assert done.code == ExitCode.DATA
    assert tuple(done.manifest.artifacts) == ("engine-result.zip",)


def test_the_engine_is_stopped_when_all_missing_candles_are_known(run: Run) -> None:
    done = run(BACKTEST, says=logged("informative-missing"), waits=True)

    assert done.code == ExitCode.DATA
    assert done.facts("engine ended")["return_code"] is None


def missing(series: str, timeframe: str) -> str:
    logger = "2026-11-24 01:04:05,343 - freqtrade.data.dataprovider - WARNING"
    return f"{logger} - No data found for ({series}, {timeframe}, )."


def test_a_futures_series_is_called_one_and_the_way_to_run_without_it_works(run: Run) -> None:
    says = [missing("BTC/USDT:USDT", "1h"), missing("BTC/USDT:USDT", "4h")]

    refused = run(BACKTEST, says=says)
    partly = run(BACKTEST, "run.without=[BTC/USDT:USDT@1h]", says=says)
    done = run(BACKTEST, "run.without=[BTC/USDT:USDT]", says=says)

    assert refused.code == partly.code == ExitCode.DATA
    assert "BTC/USDT:USDT@1h, BTC/USDT:USDT@4h: futures series" in refused.verdict
    assert "missing, BTC/USDT:USDT@4h: futures series" in partly.verdict
    assert "run.without" in refused.verdict
    assert done.code == ExitCode.DONE
    assert any("goes without BTC/USDT:USDT" in notice for notice in done.manifest.notices)


def test_missing_series_are_named_as_the_run_parameter_takes_them(run: Run) -> None:
    done = run(BACKTEST, says=[missing("SOL/USDT", "1h")])

    assert done.code == ExitCode.DATA
    assert "missing, SOL/USDT@1h: add them to run.informative" in done.verdict


def test_a_timeframe_that_all_pairs_lack_is_added_with_one_word(run: Run) -> None:
    pairs = ("BTC/USDT", "ETH/USDT", "XRP/USDT")

    done = run(BACKTEST, "run.informative=[BTC/USDT@5m]", says=[missing(p, "1h") for p in pairs])

    line = 'write under run: informative: ["BTC/USDT@5m", "@1h"]'
    assert done.verdict.endswith(line)


def test_a_parameter_that_is_not_used_leaves_the_digest_of_the_run_alone(run: Run) -> None:
    plain, without = run(BACKTEST), run(BACKTEST, "run.without=[SOL/USDT]")

    assert "without" not in plain.manifest.run_parameters
    assert without.manifest.digests["run"] != plain.manifest.digests["run"]


STARTUP = "2026-11-24 01:03:38,504 - freqtrade.resolvers.strategy_resolver - INFO - "


def test_the_engine_is_stopped_when_the_strategy_wants_more_candles_than_it_states(
    run: Run,
) -> None:
    wanted = f"{STARTUP}Strategy using startup_candle_count: 600"

    done = run(BACKTEST, says=[wanted], waits=True)

    assert done.code == ExitCode.CONFIGURATION
    assert "wants 600 candles" in done.verdict
    assert "10 were laid out: set run.startup_candles=600" in done.verdict
    assert done.facts("engine ended")["return_code"] is None


@pytest.mark.parametrize("count", [0, 10])
def test_a_strategy_may_want_the_candles_it_states_or_fewer(run: Run, count: int) -> None:
    done = run(BACKTEST, says=[f"{STARTUP}Strategy using startup_candle_count: {count}"])

    assert done.code == ExitCode.DONE


def test_the_class_is_compared_with_the_configuration_before_the_engine_starts(
    run: Run, strategy: Path
) -> None:
    source = strategy.parent / "strategies" / "wave_rider.py"
    source.write_text(source.read_text() + '    timeframe = "1h"\n')

    done = run(BACKTEST)

    assert done.code == ExitCode.CONFIGURATION
    assert done.verdict.startswith("timeframe is 5m, and class WaveRider has 1h")
    assert done.given is None


def test_keys_of_the_strategy_reach_the_engine_and_count_in_the_digest(run: Run) -> None:
    plain, done = run(BACKTEST), run(BACKTEST, "strategy.config.grinding=true")

    assert done.given["config"]["grinding"] is True
    assert done.manifest.digests["config"] != plain.manifest.digests["config"]


def test_a_setting_at_the_top_level_stops_a_run_before_it_starts(run: Run) -> None:
    done = run(BACKTEST, "timerange=20250101-20250102")

    assert done.code == ExitCode.CONFIGURATION
    assert "command line: timerange does not belong at the top level" in done.verdict
    assert done.given is None


def test_a_result_that_cannot_be_kept_stays_in_the_scratch_folder(run: Run, tmp_path: Path) -> None:
    in_the_way = tmp_path / "runs/run-0/engine-result.zip"
    reactions = {"engine: backtesting": lambda: (in_the_way / "file").mkdir(parents=True)}

    done = run(BACKTEST, reactions=reactions)

    assert done.code == ExitCode.RESULT
    assert "is still in" in done.verdict
    assert len(list(done.folder.glob("scratch/user_data/backtest_results/*.zip"))) == 1
    assert any("was left in place" in notice for notice in done.manifest.notices)


def test_an_engine_that_is_killed_is_a_crash(run: Run) -> None:
    done = run(BACKTEST, killed_by=int(signal.SIGKILL))

    assert done.code == ExitCode.CRASHED
    assert "SIGKILL" in done.verdict
    assert done.facts("engine ended")["return_code"] is None


def test_a_result_from_another_balance_is_refused(run: Run, captured: dict[str, Any]) -> None:
    richer = deepcopy(captured)
    richer["strategy"]["WaveRider"]["starting_balance"] = 2000

    done = run(BACKTEST, result=richer)

    assert done.code == ExitCode.RESULT
    assert "it started with 2000, not 1000" in done.verdict


@pytest.mark.parametrize(
    ("number", "expected"),
    [(signal.SIGTERM, ExitCode.TERMINATED), (signal.SIGINT, ExitCode.INTERRUPTED)],
)
def test_a_signal_in_the_middle_ends_the_engine_and_the_run(
    run: Run, is_alive: Callable[[int], bool], number: signal.Signals, expected: ExitCode
) -> None:
    done = run(BACKTEST, signals_parent=int(number), waits=True)

    assert done.code == done.manifest.exit_code == expected
    assert number.name in done.verdict
    assert not is_alive(done.given["pid"])
    assert done.manifest.results["is_partial"]


def test_a_run_that_is_killed_can_be_identified_and_repeated_from_its_manifest(
    run: Run, tmp_path: Path
) -> None:
    seen: list[RunManifest] = []
    folder = tmp_path / "runs/run-0"

    def look() -> None:
        seen.append(RunManifest.read(folder))
        assert (folder / "strategy/wave_rider.py").exists()

    moments = ("reading candles", "engine: backtesting", "reading the result")
    done = run(BACKTEST, reactions=dict.fromkeys(moments, look))

    early, late, engine_ran = seen
    assert early.digests.keys() == {"source", "config", "markets"}
    assert late.digests.keys() == {"source", "config", "markets", "data"}
    assert early.config == late.config == done.manifest.config
    assert engine_ran.digests == {"run": done.manifest.digests["run"], **late.digests}
    assert engine_ran.engine == done.manifest.engine


def test_a_signal_before_the_engine_is_started_does_not_start_it(run: Run, tell: Tell) -> None:
    done = run(BACKTEST, reactions={"reading candles": tell(signal.SIGTERM)})

    assert done.code == ExitCode.TERMINATED
    assert done.given is None
    assert done.events == ["run started", "run ended"]


def test_a_signal_once_the_engine_is_done_does_not_change_the_verdict(run: Run, tell: Tell) -> None:
    done = run(BACKTEST, reactions={"reading the result": tell(signal.SIGTERM)})

    assert done.code == ExitCode.DONE
    assert done.manifest.results["trades"] == 12


def test_missing_candles_are_named_and_the_engine_is_not_started(run: Run) -> None:
    done = run(BACKTEST, "run.timerange=20300101-20300201")

    assert done.code == ExitCode.DATA
    assert "BTC/USDT@5m" in done.verdict
    assert done.given is None


def test_a_stake_below_the_smallest_order_of_a_pair_is_refused_before_the_start(run: Run) -> None:
    done = run(BACKTEST, "execution.stake_amount=4.5")

    assert done.code == ExitCode.CONFIGURATION
    assert "execution.stake_amount is 4.5 USDT" in done.verdict
    assert "BTC/USDT 5, ETH/USDT 5, XRP/USDT 5" in done.verdict
    assert done.given is None


@pytest.mark.parametrize(
    ("step", "is_refused"),
    # The stake is 100, and the lowest price is between 108 and 110.
    [("0.9", False), ("0.95", True)],
)
def test_a_stake_that_buys_no_step_at_the_lowest_price_is_refused_before_the_start(
    run: Run, candles: Path, tmp_path: Path, step: str, *, is_refused: bool
) -> None:
    steps = {"BTC/USDT": step, "ETH/USDT": "0.00001", "XRP/USDT": "0.00001"}
    rules = {
        pair: MarketRules(tick="0.01", step=each, min_notional="5") for pair, each in steps.items()
    }
    captured_at = MarketsSnapshot.load(candles / "markets.json").captured_at
    made = MarketsSnapshot.made(rules, note="for tests", captured_at=captured_at)
    made.save(tmp_path / "markets.json")

    done = run(BACKTEST, places={"markets": str(tmp_path / "markets.json")})

    assert (done.code == ExitCode.CONFIGURATION) is is_refused
    assert (done.given is None) is is_refused
    named = re.search(r"smallest amount costs .*: BTC/USDT 10\d\.\d+ for 0\.95; ", done.verdict)
    assert (named is not None) is is_refused


def test_stakes_that_the_engine_cut_below_the_configured_one_are_noticed(run: Run) -> None:
    done = run(BACKTEST, "execution.stake_amount=200")

    notice = next(each for each in done.manifest.notices if "cut the stake" in each)
    assert re.match(
        r"the engine cut the stake of 12 of 12 trades below execution\.stake_amount \(200 USDT\), "
        r"to between 99\.43 and 99\.97 USDT: .* allow \(BTC/USDT, ETH/USDT, XRP/USDT\)$",
        notice,
    )


@pytest.mark.parametrize("stake", ["100", "unlimited"])
def test_a_stake_that_is_rounded_or_not_fixed_is_not_noticed(run: Run, stake: str) -> None:
    done = run(BACKTEST, f"execution.stake_amount={stake}")

    assert "cut the stake" not in str(done.manifest.notices)


def test_a_parameter_that_is_not_declared_is_refused_with_its_origin(run: Run) -> None:
    done = run(BACKTEST, "buy_params.buy_fsat=24")

    assert done.code == ExitCode.CONFIGURATION
    assert "buy_params.buy_fsat at command line: is not declared; did you mean" in done.verdict


@pytest.mark.parametrize("stake", ["5", "unlimited"])
def test_a_stake_that_a_pair_may_take_is_not_refused(run: Run, stake: str) -> None:
    assert run(BACKTEST, f"execution.stake_amount={stake}").code == ExitCode.DONE


def test_a_strategy_that_sizes_its_trades_itself_may_have_any_stake(
    run: Run, tmp_path: Path
) -> None:
    source = tmp_path / "strategies/wave_rider.py"
    method = "\n    def custom_stake_amount(self, **kwargs):\n        return 50\n"
    source.write_text(source.read_text() + method)

    assert run(BACKTEST, "execution.stake_amount=4.5").code == ExitCode.DONE


def test_a_pair_without_market_rules_is_named_and_the_engine_is_not_started(run: Run) -> None:
    done = run(BACKTEST, "pairs=[BTC/USDT, LTC/USDT]")

    assert done.code == ExitCode.DATA
    assert "LTC/USDT (not listed)" in done.verdict
    assert done.given is None
