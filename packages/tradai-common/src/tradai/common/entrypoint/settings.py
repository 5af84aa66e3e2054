"""Platform import path of the run mode and the process settings."""

from tradai.core import TradingMode
from tradai.entrypoint import EntrypointSettings

__all__ = ["EntrypointSettings", "TradingMode"]
