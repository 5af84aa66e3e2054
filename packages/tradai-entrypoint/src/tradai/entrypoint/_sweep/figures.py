"""Figures by which the variants of a sweep are compared; importing this imports nothing else."""

from collections.abc import Mapping
from typing import Final

# Figures of a backtest by which variants can be compared, and whether more is better.
FIGURES: Final[Mapping[str, bool]] = {
    "profit_percent": True,
    "max_drawdown_percent": False,
    "equity_drawdown_percent": False,
    "sharpe": True,
    "sortino": True,
    "profit_factor": True,
    "expectancy": True,
    "cagr_percent": True,
    "trades": True,
}
