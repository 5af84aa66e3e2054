"""Platform import path of the handler registry."""

from tradai.entrypoint import StrategyEntrypoint

__all__ = ["StrategyEntrypoint"]
