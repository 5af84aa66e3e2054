"""Write trades as a Parquet file: one typed column per field, orders as JSON text."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from tradai.core import FileStore, JsonValue
from tradai.entrypoint.freqtrade._results.results import TradeRecord, tag_text

if TYPE_CHECKING:
    import pyarrow as pa

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
_INSTANT: Final = ("ms", "UTC")


def write_trades(trades: Sequence[TradeRecord], path: Path) -> None:
    """Write `trades` to `path`, whole or not at all.

    Instants are UTC in milliseconds. An unknown field becomes a column of JSON text, so that
    nothing the engine wrote is lost.

    Raises:
        StorageError: The disk refused.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = pa.BufferOutputStream()
    pq.write_table(_table(trades), buffer)
    FileStore().write(path.resolve().as_uri(), buffer.getvalue().to_pybytes())


def _table(trades: Sequence[TradeRecord]) -> "pa.Table":
    """Build the table from JSON lines: from Python lists, pyarrow would import pandas to look."""
    import pyarrow as pa
    from pyarrow import json as pajson

    kinds = dict(_COLUMNS) | dict.fromkeys(sorted(_unknown_fields(trades)), "json")
    schema = pa.schema([(name, _stored(kind)) for name, kind in kinds.items()])
    if not trades:
        return _final(kinds).empty_table()
    lines = b"\n".join(json.dumps(_plain(trade, kinds)).encode() for trade in trades)
    options = pajson.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    read = pajson.ReadOptions(block_size=max(len(lines), 1) + 1)
    table = pajson.read_json(pa.BufferReader(lines), read_options=read, parse_options=options)
    columns = [
        _instants(table[name]) if kind == "instant" else table[name] for name, kind in kinds.items()
    ]
    return pa.Table.from_arrays(columns, schema=_final(kinds))


def _instants(milliseconds: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Return the numbers as instants, as a cast does, which would import pyarrow's functions."""
    import pyarrow as pa

    instant = pa.timestamp(*_INSTANT)
    return pa.chunked_array([chunk.view(instant) for chunk in milliseconds.chunks], type=instant)


def _unknown_fields(trades: Sequence[TradeRecord]) -> set[str]:
    return {name for trade in trades for name in trade} - _COLUMNS.keys()


def _plain(trade: TradeRecord, kinds: Mapping[str, str]) -> dict[str, JsonValue]:
    return {name: _value(kind, trade.get(name)) for name, kind in kinds.items()}


def _value(kind: str, value: JsonValue) -> JsonValue:
    if value is None:
        return None
    match kind:
        case "json":
            return json.dumps(value, sort_keys=True)
        case "instant":
            return round(datetime.fromisoformat(str(value)).timestamp() * 1000)
        case "float64":
            # An amount without a fraction is an integer in JSON.
            return float(cast("float", value))
        case "string":
            return tag_text(value)
        case _:
            return value


def _stored(kind: str) -> "pa.DataType":
    import pyarrow as pa

    return pa.type_for_alias({"instant": "int64", "json": "string"}.get(kind, kind))


def _final(kinds: Mapping[str, str]) -> "pa.Schema":
    import pyarrow as pa

    instant = pa.timestamp(*_INSTANT)
    return pa.schema(
        [(name, instant if kind == "instant" else _stored(kind)) for name, kind in kinds.items()]
    )
