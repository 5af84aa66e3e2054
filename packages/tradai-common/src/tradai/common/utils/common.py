"""Platform import path of functions for time, prices and amounts."""

from tradai.core import (
    OrderIntent,
    Rounding,
    SystemClock,
    Timeframe,
    TimeRange,
    check_notional,
    from_epoch_ms,
    plain_text,
    quantize_amount,
    quantize_contracts,
    quantize_price,
    round_for,
    to_epoch_ms,
    utc_now,
)

__all__ = [
    "OrderIntent",
    "Rounding",
    "SystemClock",
    "TimeRange",
    "Timeframe",
    "check_notional",
    "from_epoch_ms",
    "plain_text",
    "quantize_amount",
    "quantize_contracts",
    "quantize_price",
    "round_for",
    "to_epoch_ms",
    "utc_now",
]
