"""Platform import path of the trading process."""

from tradai.entrypoint import TradingEntrypoint

__all__ = ["TradingEntrypoint"]
