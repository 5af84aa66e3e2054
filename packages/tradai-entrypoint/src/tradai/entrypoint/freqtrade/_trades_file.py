"""Trades as a Parquet file: one typed column per field, orders as JSON text."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from tradai.core import FileStore, JsonValue
from tradai.entrypoint.freqtrade._results import TradeRecord

__all__ = ["write_trades"]

# Columns of every file, so that a run without trades has the same columns as any other. Amounts
# and prices are float64 because that is what the engine computes in.
_COLUMNS: Final[Mapping[str, str]] = {
    "pair": "string",
    "open_date": "instant",
    "close_date": "instant",
    "open_rate": "float64",
    "close_rate": "float64",
    "amount": "float64",
    "stake_amount": "float64",
    "max_stake_amount": "float64",
    "profit_abs": "float64",
    "profit_ratio": "float64",
    "fee_open": "float64",
    "fee_close": "float64",
    "funding_fees": "float64",
    "enter_tag": "string",
    "exit_reason": "string",
    "trade_duration": "int64",
    "initial_stop_loss_abs": "float64",
    "initial_stop_loss_ratio": "float64",
    "stop_loss_abs": "float64",
    "stop_loss_ratio": "float64",
    "min_rate": "float64",
    "max_rate": "float64",
    "leverage": "float64",
    "is_short": "bool",
    "is_open": "bool",
    "open_timestamp": "int64",
    "close_timestamp": "int64",
    "weekday": "int64",
    "orders": "json",
}


def write_trades(trades: Sequence[TradeRecord], path: Path) -> None:
    """Write `trades` to `path`, whole or not at all.

    Instants are UTC in milliseconds. A field this module does not know becomes a column of JSON
    text, so nothing the engine wrote is lost.

    Raises:
        StorageError: The disk refused.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {**_COLUMNS, **dict.fromkeys(sorted(_unknown_fields(trades)), "json")}
    types = {"instant": pa.timestamp("ms", tz="UTC"), "json": pa.string()}
    schema = pa.schema(
        [(name, types.get(kind) or pa.type_for_alias(kind)) for name, kind in kinds.items()]
    )
    rows = [
        {name: _cell(trade.get(name), kind) for name, kind in kinds.items()} for trade in trades
    ]
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), buffer)
    FileStore().write(path.resolve().as_uri(), buffer.getvalue().to_pybytes())


def _unknown_fields(trades: Sequence[TradeRecord]) -> set[str]:
    return {name for trade in trades for name in trade} - _COLUMNS.keys()


def _cell(value: JsonValue, kind: str) -> object:
    if value is None:
        return None
    if kind == "json":
        return json.dumps(value, sort_keys=True)
    return datetime.fromisoformat(str(value)) if kind == "instant" else value
