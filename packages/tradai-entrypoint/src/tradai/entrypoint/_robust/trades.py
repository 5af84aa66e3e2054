"""Profits and fees of the trades of a recorded backtest."""

from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from pathlib import Path
from typing import Self, final

from tradai.core import file_errors
from tradai.entrypoint._store.names import TRADES_NAME


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrades:
    """Trades of a run, in the order in which they closed.

    Attributes:
        profits: Profit of each in stake currency, after fees.
        fee: Fee per order of the first one; None without trades.
    """

    profits: tuple[float, ...]
    fee: Decimal | None

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the trades of the run in `folder`.

        Raises:
            StorageError: They cannot be read.
        """
        import pyarrow.parquet as pq

        path = folder / TRADES_NAME
        with file_errors("read", path):
            table = pq.read_table(path, columns=["close_timestamp", "profit_abs", "fee_open"])
        ends, profits, fees = (column.to_pylist() for column in table.columns)
        rows = sorted(zip(ends, profits, strict=True), key=itemgetter(0))
        return cls(
            profits=tuple(profit for _, profit in rows),
            fee=Decimal(repr(fees[0])) if fees else None,
        )
