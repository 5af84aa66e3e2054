"""A backtest at an exchange whose answers were recorded, on a stand-in for the engine.

The stand-in asks one address for its markets when it is checked, and another one when it runs,
whatever the exchange.
"""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tradai.core import TradingMode
from tradai.entrypoint import ExitCode
from tradai.entrypoint._process.checks import CheckRow
from tradai.entrypoint.freqtrade import MarketsSnapshot

Run = Callable[..., Any]
LOADED: Final = "https://api.bybit.com/v5/market/spot"
ASKED: Final = "https://api.bybit.com/v5/market/exchangeInfo"
PAIRS: Final = ("BTC/USDT", "ETH/USDT", "XRP/USDT")


@pytest.fixture
def rules(tmp_path: Path) -> Callable[..., str]:
    """Write market rules of Bybit with answers at addresses; return the file.

    The `precision` is that of BTC/USDT in the rules, not in the answer.
    """

    def write(*urls: str, precision: float = 0.1, answered: Sequence[str] = PAIRS) -> str:
        listed = [{"baseAsset": pair[:3], "quoteAsset": pair[4:]} for pair in PAIRS]
        answer = {"symbols": listed, "markets": [market(pair) for pair in answered]}
        snapshot = MarketsSnapshot.model_validate(
            {
                "exchange": "bybit",
                "captured_at": "2026-01-01T00:00:00Z",
                "origin": "captured",
                "note": "ccxt 4.5, freqtrade 2026.8",
                "symbols": [market(PAIRS[0], price=precision), *map(market, PAIRS[1:])],
                "answers": [{"url": url, "text": json.dumps(answer)} for url in urls],
            }
        )
        snapshot.save(tmp_path / "bybit.json")
        return str(tmp_path / "bybit.json")

    return write


def market(pair: str, *, price: float = 0.1) -> dict[str, Any]:
    return {
        "symbol": pair,
        "type": "spot",
        "base": pair[:3],
        "quote": pair[4:],
        "active": True,
        "precision": {"price": price, "amount": 0.001},
        "limits": {"amount": {"min": 0.001}, "cost": {"min": 5}},
        "contractSize": None,
        "precision_mode": 4,
    }


def test_recorded_answers_are_replayed_to_the_engine(run: Run, rules: Callable[..., str]) -> None:
    done = run(TradingMode.BACKTEST, "exchange=bybit", places={"markets": rules(LOADED, ASKED)})

    assert done.code == ExitCode.DONE
    exchange = done.given["config"]["exchange"]
    assert exchange["name"] == "bybit"
    assert exchange["ccxt_config"]["options"] == {"fetchMarkets": {"types": ["spot"]}}
    urls = exchange["ccxt_config"]["urls"]["api"]
    assert {each.rpartition("/https://")[2] for each in urls.values()} == {"api.bybit.com"}
    assert all(each.startswith("http://127.0.0.1:") for each in urls.values())


@pytest.mark.parametrize(("recorded", "missing"), [(LOADED, ASKED), (ASKED, LOADED)])
def test_an_answer_that_was_not_recorded_is_bad_data_and_is_named(
    run: Run, rules: Callable[..., str], recorded: str, missing: str
) -> None:
    places = {"markets": rules(recorded)}

    done = run(TradingMode.BACKTEST, "exchange=bybit", places=places, result=None)

    assert done.code == ExitCode.DATA
    assert done.verdict == (
        f"the market rules have no answer of bybit at {missing}: they were captured with ccxt 4.5, "
        "freqtrade 2026.8, so capture them again with the engine that runs"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"precision": 0.5}, "precision.price 0.5, and freqtrade 2026.9 reads 0.1"),
        ({"answered": PAIRS[1:]}, "active true, and freqtrade 2026.9 reads null"),
    ],
)
def test_rules_that_disagree_with_their_answers_are_refused_by_pair_and_field(
    run: Run, rules: Callable[..., str], changes: dict[str, Any], said: str
) -> None:
    places = {"markets": rules(LOADED, ASKED, **changes)}

    done = run(TradingMode.BACKTEST, "exchange=bybit", places=places)

    assert (done.code, done.given) == (ExitCode.DATA, None)
    assert done.verdict == (
        f"the market rules of BTC/USDT have {said} in their recorded answers: the file was edited, "
        "or captured with another version; capture it again"
    )


@pytest.mark.parametrize("used", ["bybit", "binance"])
def test_made_rules_beside_recorded_answers_are_refused_and_both_files_are_named(
    used: str, run: Run, rules: Callable[..., str], candles: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(candles, tmp_path / "mixed"))
    recorded = Path(shutil.move(rules(LOADED, ASKED), folder))
    places = {"data": str(folder), "markets": str(recorded) if used == "bybit" else None}

    done = run(TradingMode.BACKTEST, f"exchange={used}", places=places)

    assert (done.code, done.given) == (ExitCode.CONFIGURATION, None)
    assert done.verdict == (
        f"{folder}/markets.json has made market rules, and {recorded} the recorded answers of "
        "bybit: keep in a folder only the rules of the exchange that its candles are from"
    )


def test_files_beside_the_rules_that_have_none_are_passed_over(
    run: Run, rules: Callable[..., str], candles: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(candles, tmp_path / "mixed"))
    (folder / "markets.json").unlink()
    recorded = shutil.move(rules(LOADED, ASKED), folder)
    (folder / "other.json").write_text('{"origin": "made"}')
    (folder / "empty.json").touch()
    (folder / "folder.json").mkdir()
    os.mkfifo(folder / "pipe.json")

    places = {"data": str(folder), "markets": recorded}

    assert run(TradingMode.BACKTEST, "exchange=bybit", places=places).code == ExitCode.DONE


def test_two_files_of_recorded_answers_may_be_in_one_folder(
    run: Run, rules: Callable[..., str], candles: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(candles, tmp_path / "recorded"))
    (folder / "markets.json").unlink()
    recorded = shutil.move(rules(LOADED, ASKED), folder)
    shutil.copy(recorded, folder / "older.json")

    places = {"data": str(folder), "markets": recorded}

    assert run(TradingMode.BACKTEST, "exchange=bybit", places=places).code == ExitCode.DONE


def test_rules_beside_no_candles_may_be_beside_made_ones(
    run: Run, rules: Callable[..., str], candles: Path, tmp_path: Path
) -> None:
    recorded = rules(LOADED, ASKED)
    shutil.copy(candles / "markets.json", tmp_path / "made.json")

    done = run(TradingMode.BACKTEST, "exchange=bybit", places={"markets": recorded})

    assert done.code == ExitCode.DONE


def test_made_rules_with_recorded_answers_are_no_rules(run: Run, rules: Callable[..., str]) -> None:
    file = Path(rules(LOADED, ASKED))
    file.write_text(file.read_text().replace('"captured"', '"made"'))

    done = run(TradingMode.BACKTEST, "exchange=bybit", places={"markets": str(file)})

    assert (done.code, done.given) == (ExitCode.DATA, None)
    assert "(made rules have no recorded answers)" in done.verdict


def test_an_answer_that_the_engine_cannot_read_is_refused(
    run: Run, rules: Callable[..., str]
) -> None:
    file = Path(rules(LOADED, ASKED))
    file.write_text(file.read_text().replace('\\"markets\\"', '\\"other\\"'))

    done = run(TradingMode.BACKTEST, "exchange=bybit", places={"markets": str(file)})

    assert (done.code, done.given) == (ExitCode.DATA, None)
    assert done.verdict == (
        "the engine could not load the markets of bybit from the recorded answers (TemporaryError: "
        "the exchange has no markets): capture the market rules again"
    )


def test_check_refuses_rules_that_disagree_with_their_answers_too(
    rules: Callable[..., str], check: Callable[..., dict[str, CheckRow]]
) -> None:
    rows = check("exchange=bybit", markets=rules(LOADED, ASKED, precision=0.5))

    assert rows["market rules"].exit_code == ExitCode.DATA
    assert "of BTC/USDT have precision.price 0.5" in rows["market rules"].detail


def test_rules_of_another_exchange_are_refused_before_the_engine_starts(run: Run) -> None:
    done = run(TradingMode.BACKTEST, "exchange=bybit")

    assert (done.code, done.given) == (ExitCode.CONFIGURATION, None)
    assert "has the market rules of binance, and exchange is bybit" in done.verdict
