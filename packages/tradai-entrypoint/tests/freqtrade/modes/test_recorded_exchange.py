"""A backtest at an exchange whose answers were recorded, on a stand-in for the engine.

The stand-in asks one address for the markets, whatever the exchange.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tradai.core import TradingMode
from tradai.entrypoint import ExitCode
from tradai.entrypoint.freqtrade import MarketsSnapshot

Run = Callable[..., Any]
ASKED: Final = "https://api.bybit.com/exchangeInfo"
PAIRS: Final = ("BTC/USDT", "ETH/USDT", "XRP/USDT")


@pytest.fixture
def rules(tmp_path: Path) -> Callable[[str], str]:
    """Write market rules of Bybit whose one answer is at an address; return the file."""

    def write(url: str) -> str:
        listed = [{"baseAsset": pair[:3], "quoteAsset": pair[4:]} for pair in PAIRS]
        symbols = [
            {
                "symbol": pair,
                "type": "spot",
                "base": pair[:3],
                "quote": pair[4:],
                "active": True,
                "precision": {"price": 0.1, "amount": 0.001},
                "limits": {"amount": {"min": 0.001}, "cost": {"min": 5}},
                "contractSize": None,
                "precision_mode": 4,
            }
            for pair in PAIRS
        ]
        snapshot = MarketsSnapshot.model_validate(
            {
                "exchange": "bybit",
                "captured_at": "2026-01-01T00:00:00Z",
                "origin": "captured",
                "note": "ccxt 4.5, freqtrade 2026.8",
                "symbols": symbols,
                "answers": [{"url": url, "text": json.dumps({"symbols": listed})}],
            }
        )
        snapshot.save(tmp_path / "bybit.json")
        return str(tmp_path / "bybit.json")

    return write


def test_recorded_answers_are_replayed_to_the_engine(run: Run, rules: Callable[[str], str]) -> None:
    done = run(TradingMode.BACKTEST, "exchange=bybit", places={"markets": rules(ASKED)})

    assert done.code == ExitCode.DONE
    exchange = done.given["config"]["exchange"]
    assert exchange["name"] == "bybit"
    assert exchange["ccxt_config"]["options"] == {"fetchMarkets": {"types": ["spot"]}}
    urls = exchange["ccxt_config"]["urls"]["api"]
    assert {each.rpartition("/https://")[2] for each in urls.values()} == {"api.bybit.com"}
    assert all(each.startswith("http://127.0.0.1:") for each in urls.values())


def test_an_answer_that_was_not_recorded_is_bad_data_and_is_named(
    run: Run, rules: Callable[[str], str]
) -> None:
    places = {"markets": rules("https://api.bybit.com/v1/markets")}

    done = run(TradingMode.BACKTEST, "exchange=bybit", places=places, result=None)

    assert done.code == ExitCode.DATA
    assert done.verdict == (
        f"the market rules have no answer of bybit at {ASKED}: they were captured with ccxt 4.5, "
        "freqtrade 2026.8, so capture them again with the engine that runs"
    )


def test_rules_of_another_exchange_are_refused_before_the_engine_starts(run: Run) -> None:
    done = run(TradingMode.BACKTEST, "exchange=bybit")

    assert (done.code, done.given) == (ExitCode.CONFIGURATION, None)
    assert "has the market rules of binance, and exchange is bybit" in done.verdict
