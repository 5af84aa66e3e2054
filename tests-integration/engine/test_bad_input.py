"""Bad input to the command gives an exit code, one sentence and a complete run folder."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CONFIGURATION, DATA, NOT_PERMITTED, RESULT, CRASHED = 78, 65, 77, 74, 70


def assert_refused(outcome: Any, code: int, *words: str) -> None:
    assert outcome.code == code, outcome.stderr
    sentence = outcome.manifest["verdict"]
    for word in words:
        assert word in sentence
    assert sentence.splitlines()[0] in outcome.stderr
    assert outcome.manifest["exit_code"] == code
    assert outcome.manifest["state"] == "ended"
    assert (outcome.folder / "report.html").exists()
    assert not (outcome.folder / "scratch").exists()
    assert "Traceback" not in outcome.stderr


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture
def backtest(tradai: Any, strategy: Path, candles: Path) -> Callable[..., Any]:
    """Run a backtest of the demo strategy, with further arguments."""

    def run(*arguments: object, data: Path = candles, **options: Any) -> Any:
        return tradai("run", strategy, "--mode", "backtest", "--data", data, *arguments, **options)

    return run


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("pairs: [BTC", "pairs: [[BTC", ["strategy.yaml:5:1"]),
        ("version: 1.0.0", "version: 1.0.0\nversion: 1.0.1", ["version", "2", "3"]),
        ("pairs: [BTC/USDT, ETH/USDT]", "pairs: []", ["pairs"]),
        ("name: demo", "name: demo\nstake_currency: EUR", ["BTC/USDT", "EUR"]),
        ("timeframe: 5m", "timeframe: 0m", ["timeframe", "strategy.yaml:3"]),
        ("timerange: 20250105-20250201", "timerange: january", ["timerange"]),
        ("class: Demo", "class: Dmo", ["Dmo", "Demo"]),
        ("buy_fast: 10", "buy_fast: 99", ["buy_fast", "30"]),
        ("buy_fast: 10", "buy_fsat: 10", ["buy_fsat", "buy_fast"]),
        ("stake_amount: 100", "stake_amount: -1", ["stake_amount"]),
        ("stake_amount: 100", "stake_amount: .nan", ["strategy.yaml"]),
        ("stake_amount: 100", "stake_amount: .inf", ["strategy.yaml"]),
        ("stake_amount: 100", "stake_amuont: 100", ["stake_amuont", "stake_amount"]),
        ("name: demo", "name: demo\napi_key: obviously-fake-key", ["api_key"]),
    ],
)
def test_a_configuration_that_cannot_run_is_refused(
    backtest: Callable[..., Any], strategy: Path, old: str, new: str, words: list[str]
) -> None:
    edit(strategy, old, new)

    outcome = backtest()

    assert_refused(outcome, CONFIGURATION, *words)
    assert "obviously-fake-key" not in (outcome.folder / "manifest.json").read_text()
    assert "obviously-fake-key" not in outcome.stderr


def test_an_unknown_key_is_a_warning_with_a_suggestion_and_empty_engine_variables_change_nothing(
    backtest: Callable[..., Any], strategy: Path
) -> None:
    edit(strategy, "name: demo", "name: demo\nexchnage: binance")

    # One backtest for both, as it takes seconds.
    outcome = backtest(extra={"FREQTRADE__DRY_RUN": "", "FREQTRADE__MAX_OPEN_TRADES": "0"})

    assert outcome.code == 0, outcome.stderr
    assert any("exchange" in notice for notice in outcome.manifest["notices"])
    assert outcome.manifest["results"]["trades"] > 0


def test_live_refuses_an_unknown_key(tradai: Any, strategy: Path) -> None:
    edit(strategy, "name: demo", "name: demo\nexchnage: binance")

    assert_refused(tradai("run", strategy, "--mode", "live"), NOT_PERMITTED, "exchnage", "exchange")


def test_live_with_a_valid_configuration_is_closed_where_money_moves(
    tradai: Any, strategy: Path
) -> None:
    outcome = tradai("run", strategy, "--mode", "live")

    assert_refused(outcome, NOT_PERMITTED, "closed at the exchange itself")


def test_a_pair_without_market_rules_is_refused(
    backtest: Callable[..., Any], strategy: Path
) -> None:
    edit(strategy, "ETH/USDT", "XRP/USDT")

    assert_refused(backtest(), DATA, "XRP/USDT", "market")


def test_a_pair_without_candles_is_refused(
    backtest: Callable[..., Any], candles: Path, tmp_path: Path
) -> None:
    data = tmp_path / "fewer"
    shutil.copytree(candles, data)
    (data / "ETH_USDT-5m.feather").unlink()

    assert_refused(backtest(data=data), DATA, "ETH/USDT")


def test_a_time_range_without_candles_is_refused(backtest: Callable[..., Any]) -> None:
    assert_refused(backtest("--timerange", "20300101-20300201"), DATA, "BTC/USDT")


def test_missing_market_rules_say_how_to_capture_them(
    backtest: Callable[..., Any], candles: Path, tmp_path: Path
) -> None:
    data = tmp_path / "norules"
    shutil.copytree(candles, data)
    (data / "markets.json").unlink()

    assert_refused(backtest(data=data), DATA, "markets capture")


def test_a_broken_candle_file_is_named(
    backtest: Callable[..., Any], candles: Path, tmp_path: Path
) -> None:
    data = tmp_path / "broken"
    shutil.copytree(candles, data)
    (data / "ETH_USDT-5m.feather").write_bytes(b"not a feather file")

    outcome = backtest(data=data)

    assert outcome.code in {DATA, RESULT}
    assert "ETH_USDT-5m.feather" in outcome.manifest["verdict"]


def test_a_strategy_that_raises_at_import_is_refused(
    backtest: Callable[..., Any], strategy: Path
) -> None:
    edit(
        strategy.parent / "strategies" / "demo.py",
        "class Demo(IStrategy):",
        'raise RuntimeError("boom at import")\n\n\nclass Demo(IStrategy):',
    )

    assert_refused(backtest(), CONFIGURATION, "boom at import")


def test_a_strategy_that_raises_while_it_runs_is_a_crash(
    backtest: Callable[..., Any], strategy: Path
) -> None:
    edit(
        strategy.parent / "strategies" / "demo.py",
        '"""Leave the candles as they are."""',
        'raise ZeroDivisionError("boom in the middle")',
    )

    assert_refused(backtest(), CRASHED, "boom in the middle")


def test_a_parameter_file_beside_the_strategy_is_refused(
    backtest: Callable[..., Any], strategy: Path
) -> None:
    (strategy.parent / "strategies" / "demo.json").write_text("{not json")

    assert_refused(backtest(), CONFIGURATION, "demo.json")


def test_an_unreadable_patch_is_refused(backtest: Callable[..., Any], tmp_path: Path) -> None:
    outcome = backtest("--patch", tmp_path / "absent.yaml")

    assert_refused(outcome, DATA, "absent.yaml")


def test_an_environment_variable_that_is_empty_is_refused(backtest: Callable[..., Any]) -> None:
    assert_refused(
        backtest(extra={"TRADAI_RUN_TRACE_ID": ""}), CONFIGURATION, "TRADAI_RUN_TRACE_ID"
    )


def test_a_second_run_with_the_same_id_leaves_the_first_unchanged(
    backtest: Callable[..., Any],
) -> None:
    first = backtest("--run-id", "same")
    before = (first.runs / "same" / "manifest.json").read_bytes()

    second = backtest("--run-id", "same")

    assert (first.code, second.code) == (0, CONFIGURATION)
    assert (first.runs / "same" / "manifest.json").read_bytes() == before
    assert len(list(first.runs.iterdir())) == 2


def test_without_the_engine_the_run_says_what_to_install(
    strategy: Path, candles: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    """The test runs in the workspace's environment, which has tradai but no engine."""
    command = Path(sys.executable).parent / "tradai-entrypoint"
    done = subprocess.run(
        [command, "run", strategy, "--mode", "backtest", "--data", candles],
        env=environ | {"TRADAI_RUN_FOLDER": str(tmp_path / "runs")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert done.returncode == CONFIGURATION
    assert "tradai-entrypoint[freqtrade]" in done.stderr


def test_a_run_folder_that_cannot_be_written_is_an_error(
    backtest: Callable[..., Any], tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    outcome = backtest(extra={"TRADAI_RUN_FOLDER": str(blocked / "runs")})

    assert outcome.code == RESULT
    assert str(blocked) in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_full_disk_ends_the_run_with_a_manifest(
    backtest: Callable[..., Any], small_disk: Path
) -> None:
    outcome = backtest(extra={"TRADAI_RUN_FOLDER": str(small_disk / "runs")})

    (folder,) = (small_disk / "runs").iterdir()
    assert outcome.code == RESULT, outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert (folder / "manifest.json").stat().st_size > 0
    assert f'"exit_code": {RESULT}' in (folder / "manifest.json").read_text()


def test_a_run_does_not_change_the_candles_folder(
    backtest: Callable[..., Any], candles: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in candles.iterdir()}

    backtest()

    assert {path: path.stat().st_mtime_ns for path in candles.iterdir()} == before
