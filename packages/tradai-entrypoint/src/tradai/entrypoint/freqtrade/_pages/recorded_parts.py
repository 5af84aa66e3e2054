"""Parts of the report of a recorded run, made again from the files in its folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tradai.core import StrategyConfig, TradingMode, utc_now
from tradai.core.exceptions import StorageError
from tradai.entrypoint._report.model import RunReportParts
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._store.names import CANDLES_NAME, EPOCHS_NAME
from tradai.entrypoint.freqtrade._candles.series import trades_futures
from tradai.entrypoint.freqtrade._pages.epochs_page import epochs_parts, few_trades_warning, rank
from tradai.entrypoint.freqtrade._pages.paper_page import paper_parts
from tradai.entrypoint.freqtrade._pages.training_page import training_parts
from tradai.entrypoint.freqtrade._results.collected import BACKTEST_NAME
from tradai.entrypoint.freqtrade._results.epochs import read_epochs
from tradai.entrypoint.freqtrade._results.report_parts import report_parts
from tradai.entrypoint.freqtrade._results.results import read_backtest
from tradai.entrypoint.freqtrade._results.sqlite_file import DATABASE_NAME, SqliteFile
from tradai.entrypoint.freqtrade._training.cautions import cautions
from tradai.entrypoint.freqtrade._training.record import TRAINING_NAME, TrainingRecord

if TYPE_CHECKING:
    from tradai.entrypoint.freqtrade._results.candle_table import CandleTable

_OPTION: Final = "--strategy"
# The file without which the page of a mode has no result.
_RESULTS: Final[Mapping[TradingMode, str]] = {
    TradingMode.BACKTEST: BACKTEST_NAME,
    TradingMode.TRAIN: BACKTEST_NAME,
    TradingMode.HYPEROPT: EPOCHS_NAME,
    TradingMode.DRY_RUN: DATABASE_NAME,
}


def recorded_parts(
    folder: Path, record: RunManifest, *, with_candles: bool = True, data: str | None = None
) -> RunReportParts | None:
    """Return the parts of the report of the run in `folder`; None for a run without a result.

    A caveat that an earlier version did not know is added to the notices of `record`.

    Args:
        folder: Folder of a run that has ended.
        record: Its manifest.
        with_candles: Whether the candles are read, which only the page of the run itself shows.
        data: Path or URI of candles of the time of a dry-run, for its slippage.

    Raises:
        StorageError: A result or a candle cannot be read, or a result that the manifest names is
            missing.
        ConfigurationError: No backend for `data` is installed.
    """
    _check_result(folder, record)
    match record.mode:
        case TradingMode.BACKTEST if (folder / BACKTEST_NAME).is_file():
            return _backtest(folder, record, with_candles=with_candles)
        case TradingMode.TRAIN:
            return _training(folder, record, with_candles=with_candles)
        case TradingMode.HYPEROPT if (folder / EPOCHS_NAME).is_file():
            return _hyperopt(folder, record)
        case TradingMode.DRY_RUN if (folder / DATABASE_NAME).is_file():
            database = SqliteFile(folder / DATABASE_NAME)
            at = record.ended_at or utc_now()
            return paper_parts(database, folder, record, at=at, data=data)
        case _:
            return None


def _check_result(folder: Path, record: RunManifest) -> None:
    name = _RESULTS.get(record.mode) if record.mode else None
    if name in record.artifacts and not (folder / name).is_file():
        message = (
            f"{folder / name} is missing, and the manifest of run {record.run_id!r} names it as a "
            "result: put the file back, or make the run again"
        )
        raise StorageError(message, operation="read")


def _hyperopt(folder: Path, record: RunManifest) -> RunReportParts | None:
    epochs = read_epochs(folder / EPOCHS_NAME)
    ranked = rank(epochs)
    warning = few_trades_warning(ranked[0]) if ranked else None
    if warning and warning not in record.notices:
        record.notices.append(warning)
    return epochs_parts(epochs)


def _training(folder: Path, record: RunManifest, *, with_candles: bool) -> RunReportParts | None:
    has_trades = (folder / BACKTEST_NAME).is_file()
    traded = _backtest(folder, record, with_candles=with_candles) if has_trades else None
    # Of what FreqAI left there is a record; its models are pickles, which are never loaded here.
    if not (folder / TRAINING_NAME).is_file():
        return traded
    training = TrainingRecord.read(folder / TRAINING_NAME)
    freqai = _config(record).freqai or {}
    new = [each for each in cautions(training, freqai) if each not in record.notices]
    record.notices += new
    return training_parts(training, traded)


def _backtest(folder: Path, record: RunManifest, *, with_candles: bool) -> RunReportParts:
    from tradai.entrypoint.freqtrade._results.equity import read_equity

    archive, class_name = folder / BACKTEST_NAME, _class_name(record)
    config = _config(record)
    result = read_backtest(archive, class_name, config.execution.starting_balance)
    # The value of a position in contracts is computed from them.
    is_needed = with_candles or trades_futures(config)
    candles = _candles(folder, str(config.timeframe)) if is_needed else ()
    equity = read_equity(archive, class_name, result, candles)
    return report_parts(result, equity=equity, candles=candles if with_candles else ())


def _candles(folder: Path, timeframe: str) -> "Sequence[CandleTable]":
    from tradai.entrypoint.freqtrade._results.candle_table import read_kept_candles

    path = folder / CANDLES_NAME
    return read_kept_candles(path, timeframe) if path.is_file() else ()


def _class_name(record: RunManifest) -> str:
    command = record.engine.get("command")
    if isinstance(command, list) and _OPTION in command[:-1]:
        return str(command[command.index(_OPTION) + 1])
    message = f"the manifest of run {record.run_id} does not name its strategy class"
    raise StorageError(message, operation="read")


def _config(record: RunManifest) -> StrategyConfig:
    try:
        return StrategyConfig.model_validate(record.config)
    # Its text has values, and some of them may be long.
    except ValueError as exc:
        message = (
            f"the configuration of run {record.run_id!r} is not usable in this version: make the "
            "report with the version that its manifest names"
        )
        raise StorageError(message, operation="read") from exc
