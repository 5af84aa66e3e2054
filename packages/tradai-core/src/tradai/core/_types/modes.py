"""Trading modes and market types."""

from enum import StrEnum
from typing import final


@final
class TradingMode(StrEnum):
    """Mode in which a strategy runs; core, aws and cache never branch on it."""

    BACKTEST = "backtest"
    HYPEROPT = "hyperopt"
    TRAIN = "train"
    DRY_RUN = "dry-run"
    LIVE = "live"


@final
class MarketType(StrEnum):
    """The kind of market a pair is traded on."""

    SPOT = "spot"
    MARGIN = "margin"
    FUTURES = "futures"
