"""Platform import path of the value types."""

from tradai.core import (
    Amount,
    Currency,
    JsonObject,
    JsonValue,
    MarketType,
    Pair,
    Price,
    Symbol,
    Timeframe,
    TimeRange,
    Utc,
    Version,
)

__all__ = [
    "Amount",
    "Currency",
    "JsonObject",
    "JsonValue",
    "MarketType",
    "Pair",
    "Price",
    "Symbol",
    "TimeRange",
    "Timeframe",
    "Utc",
    "Version",
]
