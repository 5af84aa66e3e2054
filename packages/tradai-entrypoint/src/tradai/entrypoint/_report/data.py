"""Data of a report as JSON: all that its page shows, except what Parquet files beside it have."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date
from math import isfinite
from typing import Any, Final

from tradai.core import JsonValue
from tradai.entrypoint._report.model import Figure, RunReportParts

_IN_PARQUET: Final = frozenset({"trades", "candles"})
_PAGE_ONLY: Final = frozenset({"sections"})


def report_data(parts: RunReportParts) -> str:
    """Return the data of `parts`: figures by their label, tables as columns, instants in UTC."""
    data: dict[str, JsonValue] = {
        field.name: _value(getattr(parts, field.name))
        for field in fields(parts)
        if field.name not in _IN_PARQUET | _PAGE_ONLY | {"curves", "numbers"}
    }
    data |= parts.numbers
    data["curves"] = [each.to_json() for each in parts.curves]
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f"{text}\n"


def _value(part: str | tuple[Any, ...]) -> JsonValue:
    if isinstance(part, str):
        return part
    figures = {each.label: each.value for each in part if isinstance(each, Figure)}
    return figures if len(figures) == len(part) else dict(_columns(part))


def _columns(rows: Sequence[Any]) -> Mapping[str, JsonValue]:
    names = [field.name for field in fields(rows[0])]
    return {name: [_plain(getattr(row, name)) for row in rows] for name in names}


def _plain(value: JsonValue | date) -> JsonValue:
    if isinstance(value, date):
        return value.isoformat()
    return None if isinstance(value, float) and not isfinite(value) else value
