"""Door of tradai.entrypoint.freqtrade: the engine room, where Freqtrade runs as a child process."""

from tradai.core import lazy_door

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.entrypoint.freqtrade._backtest import BacktestHandler as BacktestHandler
    from tradai.entrypoint.freqtrade._download import download as download
    from tradai.entrypoint.freqtrade._dry_run import DryRunHandler as DryRunHandler
    from tradai.entrypoint.freqtrade._hyperopt import HyperoptHandler as HyperoptHandler
    from tradai.entrypoint.freqtrade._market_server import MarketServer as MarketServer
    from tradai.entrypoint.freqtrade._markets import MARKETS_NAME as MARKETS_NAME
    from tradai.entrypoint.freqtrade._markets import MarketRules as MarketRules
    from tradai.entrypoint.freqtrade._markets import MarketsSnapshot as MarketsSnapshot
    from tradai.entrypoint.freqtrade._train import TrainHandler as TrainHandler

__all__ = [
    "MARKETS_NAME",
    "BacktestHandler",
    "DryRunHandler",
    "HyperoptHandler",
    "MarketRules",
    "MarketServer",
    "MarketsSnapshot",
    "TrainHandler",
    "download",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_door(
        __name__,
        {
            "BacktestHandler": "_backtest",
            "DryRunHandler": "_dry_run",
            "HyperoptHandler": "_hyperopt",
            "MARKETS_NAME": "_markets",
            "MarketRules": "_markets",
            "MarketServer": "_market_server",
            "MarketsSnapshot": "_markets",
            "TrainHandler": "_train",
            "download": "_download",
        },
    )
