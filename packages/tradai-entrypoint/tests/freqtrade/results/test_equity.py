"""Value of the account over time, from the orders of a backtest and the engine's prices."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tradai.core import JsonValue, TimeRange
from tradai.core.exceptions import StorageError
from tradai.entrypoint.freqtrade._results.candle_table import CandleTable
from tradai.entrypoint.freqtrade._results.equity import Equity, read_equity
from tradai.entrypoint.freqtrade._results.results import BacktestResult, TradeRecord
from tradai.entrypoint.freqtrade._results.statistics import summarize

START = datetime(2025, 1, 1, tzinfo=UTC)
START_S = int(START.timestamp())
FEE = 0.01
CONTRACT = "BTC/USDT:USDT"
# One row at each candle of five minutes.
CASH = [(minute, "USDT", 1.0) for minute in (5, 10, 15, 20, 25)]


def result(trades: Sequence[TradeRecord] = (), *, pairs: Sequence[str] = ()) -> BacktestResult:
    period = TimeRange(start=START, stop=START + timedelta(minutes=30))
    return BacktestResult(
        trades=tuple(trades),
        trades_digest="",
        summary=summarize([], starting_balance=1000.0, period=period, pairs=pairs),
        engine_figures={},
        engine_counts={},
        stake_currency="USDT",
    )


def trade(
    *orders: tuple[float | None, float, float],
    pair: str = "BTC/USDT",
    fee: float = 0.0,
    is_short: bool = False,
    funding_fees: float = 0.0,
) -> TradeRecord:
    """A trade of orders: minutes since the start, amount (below zero to close it), and price."""
    records: list[JsonValue] = [
        {
            "order_filled_timestamp": None if at is None else round((START_S + 60 * at) * 1000),
            "amount": abs(amount),
            "safe_price": price,
            "ft_is_entry": amount > 0,
        }
        for at, amount, price in orders
    ]
    return {
        "pair": pair,
        "fee_open": fee,
        "fee_close": fee,
        "orders": records,
        "is_short": is_short,
        "funding_fees": funding_fees,
    }


def contract(*closes: float) -> CandleTable:
    """Candles of five minutes of a contract, which close at these prices."""
    prices = np.array(closes)
    return CandleTable(
        pair=CONTRACT,
        timeframe="5m",
        opened=START_S + 300 * np.arange(len(closes)),
        values={"open": prices + 7, "high": prices, "low": prices, "close": prices},
    )


def wallet(folder: Path, rows: Sequence[tuple[int, str, float]]) -> Path:
    """An archive with the engine's wallet: minutes since the start, currency, and its price."""
    minutes, currencies, rates = zip(*rows, strict=True)
    dates = [START + timedelta(minutes=each) for each in minutes]
    table = pa.table(
        {
            "date": pa.array(dates, pa.timestamp("us", "UTC")),
            "currency": pa.array(currencies, pa.large_string()),
            "rate": pa.array(rates, pa.float64()),
        }
    )
    buffer = io.BytesIO()
    with pa.ipc.new_file(buffer, table.schema) as writer:
        writer.write_table(table)
    path = folder / "engine-result.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("backtest-result-1_Wave_wallet.feather", buffer.getvalue())
    return path


def equity(folder: Path, trades: Sequence[TradeRecord], *prices: tuple[int, str, float]) -> Equity:
    """The value of the account, of a history with `prices` of coins."""
    found = read_equity(wallet(folder, [*CASH, *prices]), "Wave", result(trades), ())
    assert found is not None
    return found


def test_the_value_of_the_account_is_cash_and_open_positions_at_their_price(
    tmp_path: Path,
) -> None:
    bitcoin = trade((5, 2.0, 100.0), (18, -2.0, 105.0))
    ether = trade((10, 1.0, 10.0), (20, -1.0, 10.0), pair="ETH/USDT")

    found = equity(
        tmp_path,
        [bitcoin, ether],
        *((10, "BTC", 95.0), (15, "BTC", 103.0), (15, "ETH", 14.0), (20, "ETH", 16.0)),
    )

    assert found.value.tolist() == [1000.0, 1000.0, 990.0, 1010.0, 1016.0, 1010.0, 1000.0]
    assert (found.at - START_S).tolist() == [0, 300, 600, 900, 1200, 1500, 1800]
    assert found.drawdown[:3].tolist() == [0.0, 0.0, 0.01]


def test_a_position_keeps_the_last_price_while_its_pair_has_no_candle(tmp_path: Path) -> None:
    held = trade((5, 2.0, 100.0), (26, -2.0, 110.0))
    never_priced = trade((10, 1.0, 50.0), (26, -1.0, 50.0), pair="ETH/USDT")

    found = equity(tmp_path, [held, never_priced], (10, "BTC", 105.0), (25, "BTC", 108.0))

    assert found.value[1:-1].tolist() == [1000.0, 1010.0, 1010.0, 1010.0, 1016.0]


def test_a_trade_that_ends_with_the_candles_of_its_pair_is_cash_from_then_on(
    tmp_path: Path,
) -> None:
    ended = trade((5, 2.0, 100.0), (10, -2.0, 105.0))

    found = equity(tmp_path, [ended], (10, "BTC", 105.0))

    assert found.value[1:-1].tolist() == [1000.0, 1010.0, 1010.0, 1010.0, 1010.0]


def test_several_open_trades_of_a_pair_each_count(tmp_path: Path) -> None:
    first = trade((5, 2.0, 100.0), (20, -2.0, 104.0))
    second = trade((10, 1.0, 102.0), (15, -1.0, 103.0))

    found = equity(
        tmp_path, [first, second], *((10, "BTC", 102.0), (15, "BTC", 103.0), (20, "BTC", 104.0))
    )

    assert found.value[1:-1].tolist() == [1000.0, 1004.0, 1007.0, 1009.0, 1009.0]


def test_of_a_position_in_parts_each_part_costs_its_fees_when_it_is_sold(tmp_path: Path) -> None:
    parts = trade(
        *((5, 1.0, 100.0), (10, 1.0, 200.0), (None, 9.0, 1.0), (15, -0.5, 200.0)),
        *((20, -1.5, 200.0),),
        fee=FEE,
    )

    found = equity(tmp_path, [parts], *((10, "BTC", 200.0), (15, "BTC", 200.0), (20, "BTC", 200.0)))

    first, both = FEE * (0.5 * 150 + 100), FEE * (300 + 400)
    assert found.value[1:-1] == pytest.approx([1000, 1100, 1100, 1100 - first, 1100 - both])


def test_a_position_that_is_sold_in_parts_that_are_rounded_up_has_a_value(tmp_path: Path) -> None:
    parts = trade((5, 1.0, 100.0), (10, -0.5, 100.0), (10, -0.5, 100.0), (10, -1e-8, 100.0))

    found = equity(tmp_path, [parts], (10, "BTC", 100.0))

    assert found.value[1:-1] == pytest.approx([1000.0] * 5)


def test_a_trade_without_a_filled_order_adds_nothing(tmp_path: Path) -> None:
    found = equity(tmp_path, [trade((None, 1.0, 100.0))], (10, "BTC", 100.0))

    assert found.value.tolist() == [1000.0] * 7


def test_an_archive_without_a_wallet_has_no_value_over_time(tmp_path: Path) -> None:
    path = wallet(tmp_path, CASH)

    assert read_equity(path, "Other", result(), ()) is None


def test_a_short_of_contracts_gains_what_their_price_falls(tmp_path: Path) -> None:
    short = trade(
        (5, 2.0, 100.0), (20, -2.0, 90.0), pair=CONTRACT, fee=FEE, is_short=True, funding_fees=-3.0
    )

    found = read_equity(
        wallet(tmp_path, CASH), "Wave", result([short]), [contract(100, 110, 95, 80, 70, 60)]
    )

    assert found is not None
    closed = 1000 + 2 * 10 - FEE * (200 + 180) - 3
    assert found.value[:-1].tolist() == [1000.0, 1000.0, 980.0, 1010.0, 1040.0, closed]


def test_each_part_of_a_position_in_contracts_has_its_share_of_the_funding_fees(
    tmp_path: Path,
) -> None:
    long = trade(
        *((5, 3.0, 100.0), (10, -1.0, 100.0), (15, -2.0, 100.0)), pair=CONTRACT, funding_fees=6.0
    )

    found = read_equity(wallet(tmp_path, CASH), "Wave", result([long]), [contract(*[100.0] * 6)])

    assert found is not None
    assert found.value[1:-1] == pytest.approx([1000, 1000, 1002, 1006, 1006])


def test_without_candles_the_value_of_contracts_is_not_known(tmp_path: Path) -> None:
    path, held = wallet(tmp_path, CASH), trade((5, 2.0, 100.0), pair=CONTRACT)

    assert read_equity(path, "Wave", result([held]), ()) is None
    assert read_equity(path, "Wave", result(), ()) is not None


def test_a_wallet_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "engine-result.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("backtest-result-1_Wave_wallet.feather", b"no table")

    with pytest.raises(StorageError, match=r"the wallet history in .* cannot be read"):
        read_equity(path, "Wave", result(), ())


def test_the_value_of_the_account_is_computed_without_pandas(tmp_path: Path) -> None:
    bought = trade((5, 2.0, 100.0), (10, -2.0, 105.0))
    archive = wallet(tmp_path, [*CASH, (10, "BTC", 105.0)])
    program = (
        "import sys; from pathlib import Path; from datetime import *\n"
        "from tradai.core import TimeRange\n"
        "from tradai.entrypoint.freqtrade._results.equity import *\n"
        "from tradai.entrypoint.freqtrade._results.statistics import summarize\n"
        "t = datetime(2025, 1, 1, tzinfo=UTC); p = TimeRange(start=t, stop=t + timedelta(1))\n"
        "s = summarize([], starting_balance=1.0, period=p)\n"
        f"r = BacktestResult(trades=({bought!r},), trades_digest='', summary=s,\n"
        "    engine_figures={}, engine_counts={}, stake_currency='USDT')\n"
        f"assert read_equity(Path({str(archive)!r}), 'Wave', r, ())\n"
        "sys.exit('pandas' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], check=False)

    assert done.returncode == 0
