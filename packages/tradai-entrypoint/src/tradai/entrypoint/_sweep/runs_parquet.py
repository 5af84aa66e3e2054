"""Runs of a sweep as a Parquet file."""

import json
from collections.abc import Mapping, Sequence

from tradai.core import JsonValue
from tradai.entrypoint._sweep.outcomes import RunOutcome


def runs_parquet(runs: Sequence[RunOutcome], keys: Sequence[str]) -> bytes:
    """Return a table with a row for each of `runs`: values as text, figures as doubles.

    Args:
        runs: The runs, in the order of the rows.
        keys: The varied keys; each is a column, as is each figure that is a number.
    """
    figures = sorted({name for run in runs for name in run.figures if run.figure(name) is not None})
    kinds = {
        **dict.fromkeys((*keys, "timerange"), "string"),
        **dict.fromkeys(figures, "float64"),
        "run_id": "string",
        "exit_code": "int64",
        "verdict": "string",
        "is_reused": "bool",
    }
    return rows_parquet(kinds, [_row(run, keys, figures) for run in runs])


def rows_parquet(kinds: Mapping[str, str], rows: Sequence[Mapping[str, JsonValue]]) -> bytes:
    """Return a table of `rows`; `kinds` has the type of each column by its name."""
    # The table is built from JSON lines: from Python lists, pyarrow would import pandas to look.
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import json as pajson

    schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in kinds.items()])
    lines = b"\n".join(json.dumps(row).encode() for row in rows)
    table = (
        pajson.read_json(
            pa.BufferReader(lines),
            read_options=pajson.ReadOptions(block_size=len(lines) + 1),
            parse_options=pajson.ParseOptions(explicit_schema=schema),
        )
        if rows
        else schema.empty_table()
    )
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer)
    return bytes(buffer.getvalue().to_pybytes())


def _row(run: RunOutcome, keys: Sequence[str], figures: Sequence[str]) -> dict[str, JsonValue]:
    return {
        **{key: run.variant.values.get(key) for key in keys},
        "timerange": run.timerange or None,
        **{name: run.figure(name) for name in figures},
        "run_id": run.run_id or None,
        "exit_code": run.exit_code,
        "verdict": run.verdict,
        "is_reused": run.is_reused,
    }
