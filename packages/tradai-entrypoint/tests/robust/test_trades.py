"""Profits, turnover and fees of the trades of a recorded backtest, and costs added to them."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradai.entrypoint._robust.costs import added_costs
from tradai.entrypoint._robust.trades import ClosedTrades


def order(
    amount: float, price: float, *, is_entry: bool, filled: int | None = 1
) -> dict[str, object]:
    return {
        "amount": amount,
        # The engine's own cost has the fee in it.
        "cost": amount * price * 1.001,
        "safe_price": price,
        "ft_is_entry": is_entry,
        "order_filled_timestamp": filled,
    }


@pytest.fixture
def trades(tmp_path: Path) -> ClosedTrades:
    """Three trades, of which the first was entered twice and has an order without a fill."""
    bought = [order(2, 100, is_entry=True), order(1, 80, is_entry=True)]
    unfilled = order(3, 200, is_entry=False, filled=None)
    orders = [[*bought, unfilled, order(3, 110, is_entry=False)], [], []]
    columns = {
        "close_timestamp": [200, 100, 100],
        "profit_abs": [1.0, 5.0, -3.0],
        "fee_open": [0.001, 0.001, 0.001],
        "fee_close": [0.002, 0.001, 0.001],
        "orders": [json.dumps(each) for each in orders],
    }
    pq.write_table(pa.table(columns), tmp_path / "trades.parquet")
    return ClosedTrades.read(tmp_path)


def test_trades_that_close_together_keep_the_order_of_the_engine(trades: ClosedTrades) -> None:
    assert trades.profits == (5.0, -3.0, 1.0)


def test_the_turnover_is_the_value_of_each_filled_order(trades: ClosedTrades) -> None:
    assert trades.turnover == pytest.approx(200 + 80 + 330)
    assert trades.fees == pytest.approx(0.28 + 0.66)


def test_slippage_never_improves_a_result_as_it_is_charged_on_the_same_trades(
    trades: ClosedTrades,
) -> None:
    assert added_costs(trades) == pytest.approx(
        {
            "fee doubled": 0.94,
            "slippage added": 0.305,
            "fee and slippage doubled": 0.94 + 0.61,
        }
    )
