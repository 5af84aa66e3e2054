"""Each mode from start to end on the real engine."""

import json
import re
import shutil
import signal
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import pytest
from engine.venue.control import Venue
from pyarrow import feather

from tradai.core import FileJournal


def backtest(tradai: Any, strategy: Path, data: Path, *more: object) -> Any:
    outcome = tradai("run", strategy, "--mode", "backtest", "--data", data, "--json", *more)
    assert outcome.code == 0, outcome.stderr
    return json.loads(outcome.stdout)


@pytest.fixture
def first(demo_backtest: Any) -> dict[str, Any]:
    """The result of a backtest that these tests share."""
    result: dict[str, Any] = json.loads(demo_backtest.stdout)
    return result


def test_the_same_inputs_give_the_same_digests_in_another_folder(
    first: dict[str, Any], tradai: Any, strategy: Path, candles: Path, tmp_path: Path
) -> None:
    shutil.copytree(candles, tmp_path / "elsewhere")

    second = backtest(tradai, strategy, tmp_path / "elsewhere")

    assert first["results"]["trades"] >= 10
    assert "Balance and drawdown" in (Path(first["folder"]) / "report.html").read_text()
    assert first["digests"] == second["digests"]


def test_the_report_counts_open_positions_as_the_engine_does_and_keeps_all_candles(
    first: dict[str, Any], candles: Path
) -> None:
    folder = Path(first["folder"])
    engine = _engine_result(folder)
    drawdown = first["results"]["equity_drawdown_percent"]
    assert drawdown == pytest.approx(
        100 * engine["wallet_stats"]["max_relative_drawdown"], abs=1e-3
    )
    assert drawdown > first["results"]["max_drawdown_percent"]
    page = (folder / "report.html").read_text()
    assert {"Candles", "Months", "Trades"} <= set(re.findall("<h2>([^<]+)</h2>", page))
    kept = pq.read_table(folder / "candles.parquet").to_pylist()
    stored = {
        row["date"]: row for row in feather.read_table(candles / "BTC_USDT-5m.feather").to_pylist()
    }
    btc = [row for row in kept if row.pop("pair") == "BTC/USDT"]
    assert [stored[row["date"]] for row in btc] == btc
    closes = btc[-1]["date"] + timedelta(minutes=5)
    assert f"{closes:%Y-%m-%d %H:%M} UTC" == first["results"]["last_candle"]
    assert f"{btc[0]['date']:%Y-%m-%d %H:%M} UTC" < first["results"]["first_candle"]


def test_several_open_trades_of_a_pair_each_count_in_the_drawdown(
    tradai: Any, strategy: Path, candles: Path
) -> None:
    stacked = ("execution.max_open_trades=6", "parameters.position_stacking=true")

    result = backtest(tradai, strategy, candles, *stacked)

    closed, drawdown = (
        result["results"][name] for name in ("max_drawdown_percent", "equity_drawdown_percent")
    )
    assert closed < drawdown < closed + 5
    # The engine's own wallet has one position of a coin.
    engine = _engine_result(Path(result["folder"]))["wallet_stats"]["max_relative_drawdown"]
    assert 100 * engine > 2 * drawdown


def _engine_result(folder: Path) -> dict[str, Any]:
    with zipfile.ZipFile(folder / "engine-result.zip") as archive:
        name = min((each for each in archive.namelist() if each.endswith(".json")), key=len)
        strategies: dict[str, Any] = json.loads(archive.read(name))["strategy"]
    (result,) = strategies.values()
    return dict(result)


def test_one_candle_moved_by_one_tick_changes_the_trades_digest(
    first: dict[str, Any],
    tradai: Any,
    strategy: Path,
    candles: Path,
    tmp_path: Path,
    engine_bin: Path,
) -> None:
    trade_opened = _first_trade(engine_bin, Path(first["folder"]) / "trades.parquet")
    moved = tmp_path / "moved"
    shutil.copytree(candles, moved)
    _move_one_tick(engine_bin, moved, *trade_opened)

    second = backtest(tradai, strategy, moved)

    assert first["digests"]["trades"] != second["digests"]["trades"]
    assert first["digests"]["data"] != second["digests"]["data"]
    assert first["digests"]["config"] == second["digests"]["config"]


def test_market_rules_come_from_the_snapshot(
    first: dict[str, Any], tradai: Any, strategy: Path, candles: Path, tmp_path: Path
) -> None:
    coarse = tmp_path / "coarse"
    shutil.copytree(candles, coarse)
    rules = coarse / "markets.json"
    rules.write_text(rules.read_text().replace('"0.00001"', '"0.001"'))

    rough = backtest(tradai, strategy, coarse)

    assert first["digests"]["trades"] != rough["digests"]["trades"]
    assert first["digests"]["data"] == rough["digests"]["data"]


def test_another_tick_size_gives_other_trades(
    tradai: Any, strategy: Path, engine_bin: Path, tmp_path: Path
) -> None:
    """The engine takes the tick from the rules when the prices of the candles have no decimals."""
    data = tmp_path / "whole"
    script = Path(__file__).resolve().parent / "demo" / "candles.py"
    subprocess.run([engine_bin / "python", script, data, "0"], check=True)
    rules = data / "markets.json"
    fine = rules.read_text().replace('"tickSize": "0.01"', '"tickSize": "1"')
    rules.write_text(fine)
    first = backtest(tradai, strategy, data)
    rules.write_text(fine.replace('"tickSize": "1"', '"tickSize": "50"'))
    second = backtest(tradai, strategy, data)

    assert first["digests"]["data"] == second["digests"]["data"]
    assert first["digests"]["trades"] != second["digests"]["trades"]


def test_a_run_is_repeated_exactly_and_refused_when_its_data_changed(
    tradai: Any, strategy: Path, candles: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(candles, data)
    first = backtest(tradai, strategy, data)
    (strategy.parent / "strategies" / "demo.py").write_text("raise SystemExit")

    again = tradai("run", "--from", first["run_id"], "--json")
    rules = data / "markets.json"
    rules.write_text(rules.read_text().replace('"0.00001"', '"0.001"'))
    changed = tradai("run", "--from", first["run_id"])

    assert again.code == 0, again.stderr
    assert json.loads(again.stdout)["digests"] == first["digests"]
    assert changed.code == 65
    assert "markets" in changed.stderr


def test_a_backtest_with_the_patch_of_an_epoch_equals_that_epoch(
    tradai: Any, strategy: Path, candles: Path, tmp_path: Path
) -> None:
    """Every kind of space, two worker processes, and a helper module beside the strategy."""
    # Nothing that the search switches on or replaces is so in the configuration.
    text = strategy.read_text().replace("class: Demo", "class: EverySpace")
    steps = "minimal_roi: {0: 0.002, 7: 0.001}\n  use_exit_signal: false\n  starting_balance"
    strategy.write_text(text.replace("starting_balance", steps))
    done = tradai(
        *("run", strategy, "--mode", "hyperopt", "--data", candles, "--json"),
        *("run.epochs=4", "run.spaces=[all]", "run.jobs=2"),
    )
    assert done.code == 0, done.stderr
    folder = Path(json.loads(done.stdout)["folder"])
    lines = (folder / "epochs.jsonl").read_text().splitlines()
    best, other, *_ = sorted(map(json.loads, lines), key=lambda epoch: epoch["loss"])
    patch = tmp_path / "other.yaml"
    shown = tradai("hyperopt", "show", folder, other["current_epoch"], "--patch", patch)
    assert shown.code == 0, shown.stderr

    for epoch, file in ((best, folder / "best.yaml"), (other, patch)):
        used = backtest(tradai, strategy, candles, "--patch", file)

        metrics = epoch["results_metrics"]
        assert epoch["params_details"].keys() >= {"enter", "exit", "mood", "protection", "trailing"}
        assert metrics["total_trades"] >= 10
        assert used["results"]["trades"] == metrics["total_trades"]
        assert used["results"]["final_balance"] == round(metrics["final_balance"], 8)


def test_a_parameter_of_an_indicator_is_searched_epoch_by_epoch_or_not_at_all(
    tradai: Any, strategy: Path, candles: Path
) -> None:
    source = strategy.parent / "strategies" / "demo.py"
    reads = 'dataframe["fast"] = dataframe["close"].rolling(self.buy_fast.value).mean()'
    text = source.read_text()
    source.write_text(
        text.replace(
            "        return dataframe", f"        {reads}\n" + "        return dataframe", 1
        )
    )
    run = ("run", strategy, "--mode", "hyperopt", "--data", candles, "run.epochs=2")

    refused = tradai(*run)
    searched = tradai(*run, "parameters.analyze_per_epoch=true")

    assert refused.code == 78
    assert "buy_fast cannot be searched" in refused.stderr
    assert searched.code == 0, searched.stderr


def test_train_ends_with_models_that_predict_the_same_after_a_reload(
    tradai: Any, engine_bin: Path, tmp_path: Path
) -> None:
    examples = Path(__file__).resolve().parents[2] / "docs" / "examples"
    data = tmp_path / "data"
    subprocess.run(
        [
            engine_bin / "python",
            examples / "quickstart" / "candles.py",
            "--out",
            data,
            "--months",
            "2",
        ],
        check=True,
    )

    done = tradai(
        *("run", examples / "train" / "strategy.yaml", "--mode", "train", "--data", data),
        *("--timerange", "20250208-20250222", "--json"),
    )

    assert done.code == 0, done.stderr
    result = json.loads(done.stdout)
    models = Path(result["folder"]) / "models"
    probe = subprocess.run(
        [engine_bin / "python", "-m", "tradai.entrypoint.freqtrade", "probe", models],
        capture_output=True,
        check=True,
    )
    assert result["results"]["models"] >= 2
    assert json.loads(probe.stdout)["digest"] == result["digests"]["models"]
    training = json.loads(Path(result["folder"], "training.json").read_text())
    assert len(training["models"]) == result["results"]["models"]
    for model in training["models"]:
        (kept,) = models.rglob(f"{model['name']}_metadata.json")
        freqai, (errors,) = json.loads(kept.read_text()), model["errors"]
        # FreqAI keeps the spread of each label in the train rows: the error of their mean.
        assert errors["train_baseline"] == pytest.approx(freqai["labels_std"]["&-drift"])
        assert errors["train"] < errors["train_baseline"]
        assert (model["train_rows"], model["test_rows"]) == (1574, 394)
        assert model["features"] == len(freqai["training_features_list"])
    page = Path(result["folder"], "report.html")
    first_page = page.read_text()
    shutil.rmtree(models)
    assert tradai("report", result["run_id"]).code == 0
    assert page.read_text() == first_page


def test_a_dry_run_places_an_order_that_journal_and_database_agree_on(
    start: Callable[..., Any], always_in: Path, exchange: str, venue: Venue
) -> None:
    bot = start("run", always_in, "--mode", "dry-run", f"run.exchange_url={exchange}")

    bot.wait_for_event("order created")
    bot.process.send_signal(signal.SIGTERM)
    code = bot.process.wait(300)

    assert code == 0, bot.stderr()
    manifest = json.loads((bot.folder / "manifest.json").read_text())
    assert manifest["results"]["orders_in_journal"] >= 1
    with sqlite3.connect(bot.folder / "trades.sqlite") as database:
        booked = {row[0] for row in database.execute("SELECT order_id FROM orders")}
    journaled = {
        entry.facts["order_id"]
        for entry in FileJournal(bot.folder / "journal.jsonl").entries()
        if entry.event == "order created"
    }
    assert journaled == booked
    # The engine stopped trading first; else an order can be lost between exchange and database. Its
    # next line, about its state, is cut off when the signal comes while that is being logged.
    assert "'status': 'stopped'" in (bot.folder / "engine.log").read_text()
    # Its orders are simulated: it read the market, and signed no request.
    assert venue.public()["GET /api/v3/depth"] >= 1
    assert venue.signed() == {}


def test_a_mistyped_file_name_runs_a_bot_that_reaches_no_exchange(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    bot = start("run", tmp_path / "mistyped.yaml", "--mode", "dry-run")

    bot.wait_for_event("engine running")
    bot.process.send_signal(signal.SIGTERM)

    assert bot.process.wait(300) == 0, bot.stderr()
    manifest = json.loads((bot.folder / "manifest.json").read_text())
    assert manifest["is_fallback"]
    assert manifest["results"]["orders_in_database"] == 0
    assert "binance.com" not in (bot.folder / "engine.log").read_text()


def test_an_unreachable_exchange_is_an_error(tradai: Any, strategy: Path) -> None:
    outcome = tradai("run", strategy, "--mode", "dry-run", "run.exchange_url=http://127.0.0.1:9")

    assert outcome.code == 69, outcome.stderr


def test_candles_and_rules_are_downloaded_through_the_engine(
    tradai: Any, strategy: Path, exchange: str, venue: Venue, tmp_path: Path
) -> None:
    data = tmp_path / "downloaded"
    fetched = tradai(
        *("data", "download", strategy, "--data", data),
        *("--timerange", "20250101-20250104", "--exchange-url", exchange),
    )
    assert fetched.code == 0, fetched.stderr

    checked = tradai(
        "check",
        strategy,
        "--mode",
        "backtest",
        "--data",
        data,
        "--timerange",
        "20250102-20250103",
        "--json",
    )

    assert checked.code == 0, checked.stdout
    assert (data / "BTC_USDT-5m.feather").exists()
    assert venue.public()["GET /api/v3/klines"] >= 1
    assert venue.signed() == {}


def test_a_pair_without_candles_is_named_and_those_of_the_others_are_whole(
    tradai: Any, strategy: Path, exchange: str, venue: Venue, tmp_path: Path
) -> None:
    data, words = tmp_path / "downloaded", ("--exchange-url", exchange)
    venue.set(without_candles=["ETHUSDT"])

    fetched = tradai(
        *("data", "download", strategy, "--data", data, *words),
        *("--timerange", "20250101-20250104"),
    )

    assert fetched.code == 65, fetched.stdout
    assert "download: ETH/USDT has none that can be read; remove these pairs" in fetched.stderr
    assert "BTC/USDT" not in fetched.stderr
    # The last answer of the exchange goes on after the range.
    assert feather.read_table(data / "BTC_USDT-5m.feather").num_rows >= 3 * 288


COIN: Final = "\u5e01\u5b89\u4eba\u751f"


def test_a_pair_with_letters_of_another_script_trades_as_the_same_candles_do(
    tradai: Any, strategy: Path, candles: Path, tmp_path: Path
) -> None:
    data = tmp_path / "renamed"
    data.mkdir()
    shutil.copy(candles / "BTC_USDT-5m.feather", data / f"{COIN}_USDT-5m.feather")
    rules = json.loads((candles / "markets.json").read_text())
    rules["symbols"] = [each for each in rules["symbols"] if each["symbol"] == "BTCUSDT"]
    rules["symbols"][0] |= {"symbol": f"{COIN}USDT", "baseAsset": COIN}
    (data / "markets.json").write_text(json.dumps(rules))

    other = backtest(tradai, strategy, candles, "pairs=[BTC/USDT]")
    renamed = backtest(tradai, strategy, data, f"pairs=[{COIN}/USDT]")

    trades = [
        pq.read_table(Path(each["folder"]) / "trades.parquet").to_pylist()
        for each in (other, renamed)
    ]
    assert trades[0]
    assert [{**row, "pair": f"{COIN}/USDT"} for row in trades[0]] == trades[1]
    assert other["results"] == renamed["results"]
    assert f"{COIN}/USDT" in (Path(renamed["folder"]) / "report.html").read_text()
    assert f"{COIN}/USDT" in tradai("data", "list", data).stdout
    assert tradai("data", "check", data).code == 0


def _first_trade(engine_bin: Path, path: Path) -> tuple[str, str]:
    script = (
        "import sys, json, pandas as pd; t = pd.read_parquet(sys.argv[1]).iloc[0];"
        "print(json.dumps([t.pair, t.open_date.isoformat()]))"
    )
    done = subprocess.run(
        [engine_bin / "python", "-c", script, path], capture_output=True, check=True
    )
    pair, opened = json.loads(done.stdout)
    return pair, opened


def _move_one_tick(engine_bin: Path, data: Path, pair: str, opened: str) -> None:
    script = (
        "import sys, pandas as pd; p, at = sys.argv[1:]; f = pd.read_feather(p);"
        "row = f.date == pd.Timestamp(at); assert row.sum() == 1;"
        "f.loc[row, 'open'] += 0.01;"
        "f.loc[row, 'high'] = f.loc[row, ['open', 'high']].max(axis=1);"
        "f.to_feather(p)"
    )
    path = data / f"{pair.replace('/', '_')}-5m.feather"
    subprocess.run([engine_bin / "python", "-c", script, path, opened], check=True)
