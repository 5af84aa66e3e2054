"""Platform import path of the strategy configuration."""

from tradai.core import Strategy, StrategyConfig, StrategyConfigLoader

__all__ = ["Strategy", "StrategyConfig", "StrategyConfigLoader"]
