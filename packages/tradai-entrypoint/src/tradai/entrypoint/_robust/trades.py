"""Profits, turnover and fees of the trades of a recorded backtest."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, Self, final

from tradai.core import file_errors
from tradai.entrypoint._store.names import TRADES_NAME

_COLUMNS: Final = ("close_timestamp", "profit_abs", "fee_open", "fee_close", "orders")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrades:
    """Trades of a run, in the order in which they closed.

    Attributes:
        profits: Profit of each in stake currency, after fees.
        turnover: Value of all their filled orders in stake currency.
        fees: Fees of these orders in stake currency.
    """

    profits: tuple[float, ...]
    turnover: float = 0.0
    fees: float = 0.0

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the trades of the run in `folder`.

        Raises:
            StorageError: They cannot be read.
        """
        import pyarrow.parquet as pq

        path = folder / TRADES_NAME
        with file_errors("read", path):
            rows = pq.read_table(path, columns=list(_COLUMNS)).to_pylist()
        orders = list(_orders(rows))
        return cls(
            profits=tuple(row["profit_abs"] for row in sorted(rows, key=itemgetter(_COLUMNS[0]))),
            turnover=math.fsum(value for value, _ in orders),
            fees=math.fsum(value * rate for value, rate in orders),
        )


def _orders(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[float, float]]:
    """Yield value and rate of the fee of each filled order."""
    for row in rows:
        for order in json.loads(row["orders"]):
            if order["order_filled_timestamp"] is not None:
                rate = row["fee_open" if order["ft_is_entry"] else "fee_close"]
                yield order["amount"] * order["safe_price"], rate
