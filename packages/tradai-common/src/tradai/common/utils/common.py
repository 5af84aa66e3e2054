"""Seed path of time: timeframes, ranges, clocks and milliseconds."""

from tradai.core import SystemClock, Timeframe, TimeRange, from_epoch_ms, to_epoch_ms, utc_now

__all__ = ["SystemClock", "TimeRange", "Timeframe", "from_epoch_ms", "to_epoch_ms", "utc_now"]
