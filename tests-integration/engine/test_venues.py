"""Exchanges beside Binance: captured once, then traded as bare Freqtrade does there."""

import json
import os
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from engine.conftest import BARE_DAILY, Command
from engine.public_answers import PUBLIC_ANSWERS, answer_of, serving

from tradai.entrypoint.freqtrade import MarketServer, MarketsSnapshot

# Not through the door: the settings of the engine's client are not public.
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named

PAIRS: Final = ("BTC/USDT", "ETH/USDT")
STRATEGY: Final = """
from freqtrade.strategy import IStrategy


class Daily(IStrategy):
    timeframe = "1h"
    startup_candle_count = 0
    minimal_roi = {}
    stoploss = -0.5

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["date"].dt.hour == 1, "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["date"].dt.hour == 11, "exit_long"] = 1
        return dataframe
"""
CONFIG: Final = """
name: daily
version: 1.0.0
exchange: {exchange}
timeframe: 1h
stake_currency: USDT
pairs: [BTC/USDT, ETH/USDT]
strategy: {{class: Daily, source: strategies}}
execution: {{stake_amount: 100, max_open_trades: 2, starting_balance: 1000}}
run: {{timerange: 20250102-20250112}}
"""
# The addresses by the parts of ccxt that ask for markets, and what ccxt may leave out.
SPOT: Final = {"fetchMarkets": {"types": ["spot"]}}
BINGX: Final = "https://open-api.bingx.com/openApi"
GATE: Final = "https://api.gateio.ws/api/v4"
HTX_SPOT: Final = {"fetchMarkets": {"types": {"spot": True, "linear": False, "inverse": False}}}
BARE_CLIENTS: Final[Mapping[str, tuple[Mapping[str, str], Mapping[str, Any]]]] = {
    "bingx": (dict.fromkeys(("spot", "swap", "cswap"), BINGX), {}),
    "bitget": (dict.fromkeys(("spot", "margin"), "https://api.bitget.com"), SPOT),
    "bybit": ({"public": "https://api.bybit.com"}, SPOT),
    "gate": ({"public.spot": GATE, "public.margin": GATE}, SPOT),
    "htx": (dict.fromkeys(("public", "spot", "v2Public"), "https://api.huobi.pro"), HTX_SPOT),
    "hyperliquid": (
        {"public": "https://api.hyperliquid.xyz"},
        {**SPOT, "hip3TokensByName": {}},
    ),
    "kraken": ({"public": "https://api.kraken.com"}, {}),
    "okx": ({"rest": "https://www.okx.com"}, SPOT),
}
# The formats that differ most: GET and POST, names of their own, decimals and steps.
LOADED: Final = ("bybit", "hyperliquid", "kraken", "okx")
FIELDS: Final = (
    *("pair", "open_date", "close_date", "open_rate", "close_rate", "amount", "stake_amount"),
    *("fee_open", "fee_close", "profit_abs", "exit_reason"),
)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a strategy and the candles of two pairs."""
    import pandas as pd

    desk = tmp_path / "desk"
    for name in ("strategies", "candles", "bare/user_data"):
        (desk / name).mkdir(parents=True)
    (desk / "strategies" / "daily.py").write_text(STRATEGY)
    hours = np.arange(24 * 12)
    for pair, price in zip(PAIRS, (42_000, 2_200), strict=True):
        close = price * (1 + 0.02 * np.sin(hours / 7))
        opened = np.concatenate([close[:1], close[:-1]])
        table = {
            "date": pd.date_range("2025-01-01", periods=len(hours), freq="1h", tz="UTC"),
            "open": opened,
            "high": np.maximum(opened, close) * 1.001,
            "low": np.minimum(opened, close) * 0.999,
            "close": close,
            "volume": 1000.0,
        }
        file = desk / "candles" / f"{pair.replace('/', '_')}-1h.feather"
        pd.DataFrame(table).to_feather(file)
    return desk


@pytest.mark.parametrize(
    "exchange",
    [
        "bybit",
        *(
            pytest.param(name, marks=pytest.mark.deep)
            for name in ("bingx", "bitget", "gate", "htx", "hyperliquid", "kraken", "okx")
        ),
    ],
)
def test_captured_rules_make_the_trades_of_bare_freqtrade(
    exchange: str, desk: Path, tradai: Command, engine_bin: Path
) -> None:
    config, rules = desk / f"{exchange}.yaml", desk / "rules" / f"{exchange}.json"
    config.write_text(CONFIG.format(exchange=exchange))
    with serving(answer_of(exchange)) as url:
        captured = tradai(
            *("markets", "capture", config, "--markets", rules, "--exchange-url", url)
        )
        bare = _bare_trades(exchange, url, desk, engine_bin)
    assert captured.code == 0, captured.stderr

    # The exchange is gone.
    data = ("--data", desk / "candles", "--markets", rules)
    ran = tradai("run", config, "--mode", "backtest", *data)

    assert ran.code == 0, ran.stderr[-3000:]
    assert _trades(ran.folder / "engine-result.zip") == bare
    assert len(bare) == 20


def test_the_engine_loads_the_markets_of_four_exchanges_from_recorded_answers(
    engine_bin: Path, environ: Mapping[str, str]
) -> None:
    with ExitStack() as stack:
        clients = {name: stack.enter_context(_replayed(name)) for name in LOADED}
        done = subprocess.run(
            [engine_bin / "python", "-m", "engine.venue_reading"],
            cwd=Path(__file__).resolve().parents[1],
            input=json.dumps(clients),
            env=environ,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    read = json.loads(done.stdout)

    btc, eth, eur = "BTC/USDT", "ETH/USDT", "BTC/EUR"
    assert read["markets"] == {
        "bybit": {
            btc: [0.1, 0.0001, 0.0002, 5.0, 0.001],
            eth: [0.01, 0.001, 0.002, 5.0, 0.001],
            eur: [1.0, 0.0001, 0.0002, 5.0, 0.001],
            # Not traded yet.
            "币/USDT": [None, 0.1, None, None, 0.001],
        },
        "hyperliquid": {
            btc: [1.0, 0.00001, None, 10.0, 0.0007],
            eth: [0.1, 0.0001, None, 10.0, 0.0007],
        },
        "kraken": {
            btc: [0.1, 0.0001, 0.0002, 5.0, 0.004],
            eth: [0.01, 0.001, 0.002, 5.0, 0.004],
            eur: [1.0, 0.0001, 0.0002, 5.0, 0.004],
        },
        "okx": {
            btc: [0.1, 0.0001, 0.0002, None, 0.0015],
            eth: [0.01, 0.001, 0.002, None, 0.0015],
            eur: [1.0, 0.0001, 0.0002, None, 0.0015],
        },
    }
    # Else a request could leave this machine.
    assert read["wrong addresses"] == []
    others = {"binance", "binanceusdm", "krakenfutures"}
    assert {exchange_named(name).name for name in {*read["supported"]} - others}


def test_answers_are_not_recorded_beside_made_rules(desk: Path, tradai: Command) -> None:
    config, made, recorded = desk / "c.yaml", desk / "rules/made.json", desk / "rules/bybit.json"
    config.write_text(CONFIG.format(exchange="bybit"))
    rules = ("--pair", "BTC/USDT", "--tick", "1", "--step", "1", "--min-notional", "1")
    assert tradai("markets", "make", *rules, "--markets", made).code == 0

    with serving(answer_of("bybit")) as url:
        captured = tradai(
            *("markets", "capture", config, "--markets", recorded, "--exchange-url", url)
        )

    assert captured.code == 78
    assert f"{made} has made market rules, and {recorded} the recorded" in captured.stderr
    assert not recorded.exists()


@contextmanager
def _replayed(exchange: str) -> Iterator[Any]:
    """Yield the settings of a client whose exchange is replayed from recorded answers."""
    answers = [
        {"url": key.partition(" ")[0], "body": key.partition(" ")[2], "text": json.dumps(answer)}
        for key, answer in PUBLIC_ANSWERS[exchange].items()
    ]
    snapshot = MarketsSnapshot.model_validate(
        {
            "exchange": exchange,
            "captured_at": datetime(2026, 1, 1, tzinfo=UTC),
            "origin": "captured",
            "symbols": (),
            "answers": answers,
        }
    )
    with MarketServer(snapshot) as server:
        yield exchange_named(exchange).ccxt_config(server.base_url)


def _environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TRADAI_")}


def _bare_trades(exchange: str, url: str, desk: Path, engine_bin: Path) -> list[list[Any]]:
    """Return the trades of `freqtrade backtesting`, whose exchange answers at `url`."""
    home = desk / "bare"
    addresses, options = BARE_CLIENTS[exchange]
    api: dict[str, Any] = {}
    for part, address in addresses.items():
        group, _, name = part.rpartition(".")
        (api.setdefault(group, {}) if group else api)[name] = f"{url}/{address}"
    settings = {
        "name": exchange,
        "enable_ws": False,
        "pair_whitelist": PAIRS,
        "ccxt_config": {"urls": {"api": api}, "options": options},
    }
    (home / "config.json").write_text(json.dumps({**BARE_DAILY, "exchange": settings}))
    places = ("--datadir", desk / "candles", "--strategy-path", desk / "strategies")
    flags = ("--strategy", "Daily", "--cache", "none", "--export", "trades")
    command: list[str | Path] = [engine_bin / "freqtrade", "backtesting", *places, *flags]
    subprocess.run(command, check=True, cwd=home, env=_environ(), timeout=300)
    (archive,) = (home / "user_data" / "backtest_results").glob("*.zip")
    return _trades(archive)


def _trades(archive: Path) -> list[list[Any]]:
    """Return the trades in an archive of the engine's results."""
    with zipfile.ZipFile(archive) as results:
        names = (name for name in results.namelist() if name.endswith(".json"))
        tables = [json.loads(results.read(name)) for name in names]
    (strategies,) = (table["strategy"] for table in tables if "strategy_comparison" in table)
    return sorted([trade[field] for field in FIELDS] for trade in strategies["Daily"]["trades"])
