"""Profits and fees of the trades of a recorded backtest."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tradai.entrypoint._robust.trades import ClosedTrades


def test_trades_that_close_together_keep_the_order_of_the_engine(tmp_path: Path) -> None:
    columns = {
        "close_timestamp": [200, 100, 100],
        "profit_abs": [1.0, 5.0, -3.0],
        "fee_open": [0.001, 0.001, 0.001],
    }
    pq.write_table(pa.table(columns), tmp_path / "trades.parquet")

    trades = ClosedTrades.read(tmp_path)

    assert trades.profits == (5.0, -3.0, 1.0)
    assert trades.fee == Decimal("0.001")
