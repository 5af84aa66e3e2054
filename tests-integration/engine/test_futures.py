"""Futures of Binance: the trades are bare Freqtrade's on the same candles, rates and rules."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from engine.conftest import BARE_DAILY, Command, Outcome
from engine.futures_desk import NAMES, OTHER, PAIR, RATE, candles, lay_out, trades_in
from engine.venue.control import Venue

from tradai.entrypoint.freqtrade import MarketServer, MarketsSnapshot

# Not through the door: the settings of the engine's client are not public.
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named

BARE: Final[Mapping[str, Any]] = {
    **BARE_DAILY,
    "trading_mode": "futures",
    "margin_mode": "isolated",
}

ADDS_AT_EIGHT: Final = """
    position_adjustment_enable = True

    def adjust_trade_position(self, trade, current_time, **kwargs):
        is_time = current_time.hour == 8 and trade.nr_of_successful_entries == 1
        return 50 if is_time else None
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, engine_bin: Path) -> Path:
    """The folder with the strategy and its data."""
    desk = tmp_path_factory.mktemp("desk")
    lay_out(desk, engine_bin)
    return desk


@pytest.fixture(scope="module")
def ran(desk: Path, engine_bin: Path) -> Outcome:
    """The backtest of the folder, made once."""
    return _run(desk, engine_bin)


def _run(desk: Path, engine_bin: Path) -> Outcome:
    arguments = ("--mode", "backtest", "--data", desk / "candles")
    runs = desk / "runs"
    done = subprocess.run(
        [engine_bin / "tradai-entrypoint", "run", desk / "swing.yaml", *arguments],
        env=_environ() | {"TRADAI_RUN_FOLDER": str(runs)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=desk,
    )
    outcome = Outcome(code=done.returncode, stdout=done.stdout, stderr=done.stderr, runs=runs)
    assert outcome.code == 0, outcome.stderr[-3000:]
    return outcome


@pytest.fixture(scope="module")
def trades(ran: Outcome, engine_bin: Path) -> list[list[Any]]:
    """The trades of that backtest."""
    return trades_in(ran.folder / "trades.parquet", engine_bin)


@pytest.fixture(scope="module")
def bare_trades(desk: Path, engine_bin: Path) -> list[list[Any]]:
    """The trades of bare Freqtrade, whose leverage tiers are its own."""
    return _bare_trades(desk, engine_bin)


def test_shorts_leverage_funding_and_a_liquidation_are_those_of_bare_freqtrade(
    trades: list[list[Any]], bare_trades: list[list[Any]]
) -> None:
    here = _of_pair(PAIR, trades)

    assert here == _of_pair(PAIR, bare_trades)
    assert {each[8] for each in here} == {True, False}
    assert {each[7] for each in here} == {20.0, 3.0}
    assert "liquidation" in {each[11] for each in here}
    assert any(each[9] for each in here)


def test_the_drawdown_of_the_account_counts_open_positions_at_the_close_of_each_candle(
    ran: Outcome, trades: list[list[Any]]
) -> None:
    import pandas as pd

    made = pd.DataFrame(trades, columns=list(NAMES))
    opened, closed = (pd.to_datetime(made[name], utc=True) for name in ("open_date", "close_date"))
    side = made["is_short"].map({True: -1, False: 1})
    value = []
    for date, price in candles().loc[24:, ["date", "close"]].itertuples(index=False):
        is_open = (opened <= date) & (closed > date)
        gains = side * made["amount"] * (price - made["open_rate"])
        value.append(1000 + made["profit_abs"][closed <= date].sum() + gains[is_open].sum())
    whole = pd.Series([*value, 1000 + made["profit_abs"].sum()])

    fall = 100 * (1 - whole / whole.cummax()).max()
    assert ran.manifest["results"]["equity_drawdown_percent"] == pytest.approx(fall, abs=1e-4)
    assert fall > ran.manifest["results"]["max_drawdown_percent"]


def test_tiers_beside_the_candles_decide_where_a_position_is_liquidated(
    ran: Outcome, trades: list[list[Any]], bare_trades: list[list[Any]]
) -> None:
    other, bare = _of_pair(OTHER, trades), _of_pair(OTHER, bare_trades)
    (changed,) = (each for each in range(len(bare)) if other[each] != bare[each])
    here, there = (dict(zip(NAMES, each[changed], strict=True)) for each in (other, bare))
    # The position ends before the liquidation by the engine's buffer of 5 %.
    value = here["stake_amount"] + here["amount"] * here["open_rate"]
    liquidation = value / (here["amount"] * (1 + RATE))
    ends_at = liquidation - 0.05 * (liquidation - here["open_rate"])

    assert here["exit_reason"] == there["exit_reason"] == "liquidation"
    assert here["close_rate"] == pytest.approx(ends_at, abs=0.1)
    assert here["close_rate"] < there["close_rate"]
    assert ran.manifest["data"]["leverage_tiers"] == "leverage_tiers.json"
    assert "leverage tiers" not in str(ran.manifest["notices"])


def test_a_funding_fee_that_the_engine_counts_twice_is_noticed(
    ran: Outcome, tmp_path: Path, engine_bin: Path
) -> None:
    lay_out(tmp_path, engine_bin)
    # Longs are open from 02:00 to 12:00, and a fee is charged at 08:00.
    with (tmp_path / "strategies" / "swing.py").open("a") as source:
        source.write(ADDS_AT_EIGHT)

    added = _run(tmp_path, engine_bin)

    trades = trades_in(added.folder / "trades.parquet", engine_bin)
    longs = sum(not each[8] for each in trades)
    twice = f"{longs} trades of {len(trades)} had an order between entry and exit at the time"
    assert any(each.startswith(twice) for each in added.manifest["notices"])
    assert "funding fee" not in str(ran.manifest["notices"])


@pytest.mark.parametrize("kind", ["futures", "mark", "funding_rate"])
def test_data_that_is_missing_is_named(
    tradai: Command, desk: Path, tmp_path: Path, kind: str
) -> None:
    candles = shutil.copytree(desk / "candles", tmp_path / "candles")
    (candles / "futures" / f"BTC_USDT_USDT-1h-{kind}.feather").unlink()

    ran = tradai("run", desk / "swing.yaml", "--mode", "backtest", "--data", candles)

    assert ran.code == 65
    assert f"{PAIR}@1h-{kind}" in ran.stderr
    assert f"futures/BTC_USDT_USDT-1h-{kind}.feather" in ran.stderr


def test_candles_mark_candles_and_funding_rates_are_downloaded(
    tradai: Command, desk: Path, exchange: str, venue: Venue, tmp_path: Path
) -> None:
    data, days = tmp_path / "downloaded", ("--timerange", "20250101-20250105")

    fetched = tradai(
        *("data", "download", desk / "swing.yaml", "--data", data, *days),
        *("--exchange-url", exchange),
    )

    assert fetched.code == 0, fetched.stderr
    assert "2 pairs at 1h, their mark candles and funding rates" in fetched.stdout
    assert {path.name for path in (data / "futures").iterdir()} == {
        f"{base}_USDT_USDT-1h-{kind}.feather"
        for base in ("BTC", "ETH")
        for kind in ("futures", "mark", "funding_rate")
    }
    check = ("check", desk / "swing.yaml", "--mode", "backtest", "--data", data, "--json")
    checked = tradai(*check, "--timerange", "20250101-20250104")
    assert checked.code == 0, checked.stdout
    rows = {row["name"]: row for row in json.loads(checked.stdout)["checks"]}
    assert rows["candles"]["status"] == "ok", rows["candles"]
    assert venue.signed() == {}


def test_a_dry_run_of_futures_is_refused(tradai: Command, desk: Path) -> None:
    ran = tradai("run", desk / "swing.yaml", "--mode", "dry-run")

    assert ran.code == 78
    assert "futures are proven in backtests only, so mode dry-run is refused" in ran.stderr


def _of_pair(pair: str, trades: list[list[Any]]) -> list[list[Any]]:
    return [each for each in trades if each[NAMES.index("pair")] == pair]


def _environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TRADAI_")}


def _bare_trades(desk: Path, engine_bin: Path) -> list[list[Any]]:
    """Return the trades of `freqtrade backtesting`, whose exchange is on this machine."""
    home = desk / "bare"
    (home / "user_data").mkdir(parents=True)
    with MarketServer(MarketsSnapshot.load(desk / "candles" / "markets.json")) as server:
        exchange = {
            "name": "binance",
            "enable_ws": False,
            "pair_whitelist": [PAIR, OTHER],
            "ccxt_config": exchange_named("binance_futures").ccxt_config(server.base_url),
        }
        (home / "config.json").write_text(json.dumps({**BARE, "exchange": exchange}))
        places = ("--datadir", desk / "candles", "--strategy-path", desk / "strategies")
        options = ("--strategy", "Swing", "--cache", "none", "--export", "trades")
        command: list[str | Path] = [engine_bin / "freqtrade", "backtesting", *places, *options]
        subprocess.run(command, check=True, cwd=home, env=_environ(), timeout=300)
    return trades_in(home / "user_data" / "backtest_results", engine_bin)
