"""Seed path of tradai.entrypoint; its import names the extra when that is not installed."""

from tradai.common._slices import OptionalSlice
from tradai.core import TradingMode

with OptionalSlice("entrypoint"):
    from tradai.entrypoint import EntrypointSettings, StrategyEntrypoint, TradingEntrypoint

__all__ = ["EntrypointSettings", "StrategyEntrypoint", "TradingEntrypoint", "TradingMode"]
