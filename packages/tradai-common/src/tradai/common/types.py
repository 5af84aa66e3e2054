"""Seed path of the value types."""

from tradai.core import Currency, JsonValue, MarketType, Pair, Timeframe, TimeRange, Version

__all__ = ["Currency", "JsonValue", "MarketType", "Pair", "TimeRange", "Timeframe", "Version"]
