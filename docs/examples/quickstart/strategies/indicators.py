"""Indicators of the example, in plain pandas."""

from pandas import Series


def ema(values: Series, length: int) -> Series:
    """Return the exponential moving average of `values` over about `length` candles."""
    return values.ewm(span=length, adjust=False).mean()


def rsi(values: Series, length: int = 14) -> Series:
    """Return the relative strength index of `values`: 0 after falls only, 100 after rises only."""
    change = values.diff()
    rise = change.clip(lower=0).ewm(alpha=1 / length, adjust=False).mean()
    fall = (-change).clip(lower=0).ewm(alpha=1 / length, adjust=False).mean()
    return (100 * rise / (rise + fall)).fillna(50)


def crosses_above(values: Series, level: float) -> Series:
    """Tell at which candles `values` have come from `level` or below to above it."""
    return (values > level) & (values.shift() <= level)
