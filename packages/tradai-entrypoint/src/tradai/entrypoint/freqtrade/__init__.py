"""Public names of tradai.entrypoint.freqtrade, which runs Freqtrade as a child process."""

from tradai.core import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.entrypoint.freqtrade._candles.dataset import data_folder as data_folder
    from tradai.entrypoint.freqtrade._candles.shared_staging import SharedStaging as SharedStaging
    from tradai.entrypoint.freqtrade._capture.capture import capture_markets as capture_markets
    from tradai.entrypoint.freqtrade._datasets.checking import (
        DataCheck as DataCheck,
        check_series as check_series,
    )
    from tradai.entrypoint.freqtrade._datasets.conversion import (
        Conversion as Conversion,
        convert_series as convert_series,
    )
    from tradai.entrypoint.freqtrade._datasets.conversion_plan import Resampling as Resampling
    from tradai.entrypoint.freqtrade._datasets.dataset_files import (
        copy_dataset_files as copy_dataset_files,
    )
    from tradai.entrypoint.freqtrade._datasets.findings import Effect as Effect, Finding as Finding
    from tradai.entrypoint.freqtrade._datasets.listing import (
        DataListing as DataListing,
        ListedSeries as ListedSeries,
        list_series as list_series,
    )
    from tradai.entrypoint.freqtrade._exchange.exchange import MarketRules as MarketRules
    from tradai.entrypoint.freqtrade._exchange.market_fees import MarketFees as MarketFees
    from tradai.entrypoint.freqtrade._exchange.market_server import MarketServer as MarketServer
    from tradai.entrypoint.freqtrade._exchange.markets import MarketsSnapshot as MarketsSnapshot
    from tradai.entrypoint.freqtrade._exchange.markets_file import add_rules as add_rules
    from tradai.entrypoint.freqtrade._exchange.rules_beside import (
        check_rules_beside as check_rules_beside,
    )
    from tradai.entrypoint.freqtrade._exchange.rules_reading import MARKETS_NAME as MARKETS_NAME
    from tradai.entrypoint.freqtrade._modes._bias.bias import BiasEntrypoint as BiasEntrypoint
    from tradai.entrypoint.freqtrade._modes._live.live import LiveHandler as LiveHandler
    from tradai.entrypoint.freqtrade._modes.backtest import BacktestHandler as BacktestHandler
    from tradai.entrypoint.freqtrade._modes.download import download as download
    from tradai.entrypoint.freqtrade._modes.dry_run import DryRunHandler as DryRunHandler
    from tradai.entrypoint.freqtrade._modes.hyperopt import HyperoptHandler as HyperoptHandler
    from tradai.entrypoint.freqtrade._modes.planned_run import (
        PlannedRun as PlannedRun,
        plan_run as plan_run,
    )
    from tradai.entrypoint.freqtrade._modes.train import TrainHandler as TrainHandler
    from tradai.entrypoint.freqtrade._new_folder.example import new_strategy as new_strategy
    from tradai.entrypoint.freqtrade._new_folder.move import (
        StrategyMove as StrategyMove,
        move_strategy as move_strategy,
    )
    from tradai.entrypoint.freqtrade._new_folder.moved_key import (
        KeyStatus as KeyStatus,
        MovedKey as MovedKey,
    )
    from tradai.entrypoint.freqtrade._pages.recorded_parts import recorded_parts as recorded_parts
    from tradai.entrypoint.freqtrade._preparation.planned_session import (
        PlannedSession as PlannedSession,
        plan_session as plan_session,
    )
    from tradai.entrypoint.freqtrade._results.best_patch import recorded_patch as recorded_patch
    from tradai.entrypoint.freqtrade._results.collected import (
        unfinished_epochs as unfinished_epochs,
    )
    from tradai.entrypoint.freqtrade._results.epochs import (
        Epoch as Epoch,
        read_epochs as read_epochs,
    )
    from tradai.entrypoint.freqtrade._strategy.files import (
        SourceFiles as SourceFiles,
        list_source as list_source,
    )
    from tradai.entrypoint.freqtrade._strategy.parameters import (
        DeclaredParameter as DeclaredParameter,
    )

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "_candles.dataset": "data_folder",
            "_candles.shared_staging": "SharedStaging",
            "_capture.capture": "capture_markets",
            "_datasets.checking": "DataCheck check_series",
            "_datasets.conversion": "Conversion convert_series",
            "_datasets.conversion_plan": "Resampling",
            "_datasets.dataset_files": "copy_dataset_files",
            "_datasets.findings": "Effect Finding",
            "_datasets.listing": "DataListing ListedSeries list_series",
            "_exchange.exchange": "MarketRules",
            "_exchange.market_fees": "MarketFees",
            "_exchange.market_server": "MarketServer",
            "_exchange.markets": "MarketsSnapshot",
            "_exchange.markets_file": "add_rules",
            "_exchange.rules_beside": "check_rules_beside",
            "_exchange.rules_reading": "MARKETS_NAME",
            "_modes.backtest": "BacktestHandler",
            "_modes.download": "download",
            "_modes.dry_run": "DryRunHandler",
            "_modes.hyperopt": "HyperoptHandler",
            "_modes._bias.bias": "BiasEntrypoint",
            "_modes._live.live": "LiveHandler",
            "_modes.planned_run": "PlannedRun plan_run",
            "_pages.recorded_parts": "recorded_parts",
            "_preparation.planned_session": "PlannedSession plan_session",
            "_modes.train": "TrainHandler",
            "_new_folder.example": "new_strategy",
            "_new_folder.move": "StrategyMove move_strategy",
            "_new_folder.moved_key": "KeyStatus MovedKey",
            "_results.best_patch": "recorded_patch",
            "_results.collected": "unfinished_epochs",
            "_results.epochs": "Epoch read_epochs",
            "_strategy.files": "SourceFiles list_source",
            "_strategy.parameters": "DeclaredParameter",
        },
    )
