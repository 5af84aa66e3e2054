"""Trading modes and market types.

A new mode is a member of `TradingMode`, with its answer in `holds_positions`. It also needs, in
tradai-entrypoint:

- a handler in ``freqtrade/_modes``, exported by ``freqtrade/__init__.py`` and named in the entry
  points `tradai.handlers` of the distribution;
- in ``freqtrade/_preparation``, the engine's subcommand and arguments (``plan.py``), its settings
  (``engine_config.py``), and the inputs to check (``prepare.py``).
"""

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

    @property
    def holds_positions(self) -> bool:
        """Whether the strategy trades in this mode, on paper or for real, until it is stopped."""
        return self in {TradingMode.DRY_RUN, TradingMode.LIVE}


@final
class MarketType(StrEnum):
    """The kind of market a pair is traded on."""

    SPOT = "spot"
    MARGIN = "margin"
    FUTURES = "futures"
