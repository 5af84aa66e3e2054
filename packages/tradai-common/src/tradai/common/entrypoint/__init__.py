"""Platform import path of tradai.entrypoint; without it the error names the extra."""

from tradai.common._optional import OptionalDistribution
from tradai.core import TradingMode

with OptionalDistribution("entrypoint"):
    from tradai.entrypoint import EntrypointSettings, StrategyEntrypoint, TradingEntrypoint

__all__ = ["EntrypointSettings", "StrategyEntrypoint", "TradingEntrypoint", "TradingMode"]
