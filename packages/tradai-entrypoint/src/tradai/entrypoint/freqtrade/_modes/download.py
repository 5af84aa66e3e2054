"""Download candles from the exchange through the engine into a data folder."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence, Set as AbstractSet
from contextlib import contextmanager, suppress
from pathlib import Path

from tradai.core import (
    FileKind,
    JsonValue,
    OpenTimeRange,
    StrategyConfig,
    TimeRange,
    canonical_json,
    file_errors,
    open_regular_file,
)
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint.freqtrade._candles.dataset import candle_files
from tradai.entrypoint.freqtrade._candles.download_passes import (
    DownloadPass,
    Stored,
    download_passes,
    lost_ends,
    outside_of,
)
from tradai.entrypoint.freqtrade._candles.series import contract_series, trades_futures
from tradai.entrypoint.freqtrade._candles.staged_data import NeededSeries
from tradai.entrypoint.freqtrade._candles.stored_range import StoredRange, missing_rows_in
from tradai.entrypoint.freqtrade._engine.exits import EngineExit
from tradai.entrypoint.freqtrade._engine.install import EngineInstall, engine_environment
from tradai.entrypoint.freqtrade._engine.process import EngineProcess
from tradai.entrypoint.freqtrade._engine.records import RecordPipe
from tradai.entrypoint.freqtrade._evidence.engine_verdict import judge
from tradai.entrypoint.freqtrade._evidence.evidence import EngineEvidence
from tradai.entrypoint.freqtrade._exchange.exchange import Exchange, check_exchange_url
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import (
    DEFAULT_EXCHANGE,
    FUTURES_EXCHANGE,
    exchange_named,
)
from tradai.entrypoint.freqtrade._preparation.engine_config import market_keys
from tradai.entrypoint.freqtrade._preparation.plan import USER_DATA, check_market


# The collaborators are passed in, and the command names what to fetch.
def download(  # noqa: PLR0913
    config: StrategyConfig,
    folder: Path,
    *,
    timerange: TimeRange | OpenTimeRange,
    exchange_url: str | None,
    interrupts: Interrupts,
    environ: Mapping[str, str],
    engine: EngineInstall | None = None,
) -> Verdict:
    """Download the candles of `config`'s pairs into `folder`, as feather files.

    Of contracts, also the mark candles and the funding rates.

    Args:
        config: Strategy configuration with exchange, pairs and timeframe.
        folder: Data folder; created if missing.
        timerange: Range of candles to download; without a stop, to the last one there is.
        exchange_url: A loopback exchange; None is the exchange itself.
        interrupts: Signals that end the download.
        environ: Environment from which the engine's is made.
        engine: Engine to run; by default the one in our own interpreter.

    Raises:
        ConfigurationError: The engine is not installed, the exchange is not known or cannot have
            the pairs or the timeframe, or the range has no start.
        ValidationError: `exchange_url` is neither https nor on a loopback address, or what is in
            the place of a file of candles is not a regular file.
        StorageError: The folder cannot be made.
    """
    _check_wanted(config, timerange, exchange_url)
    # A link that leads to itself is refused when the folder is made.
    folder = Path(os.path.realpath(folder))
    files = [folder / candle_files(series)[1] for series in _series(config)]
    installed = engine or EngineInstall.beside_us()
    with _made_folders({folder, *(file.parent for file in files)}):
        with file_errors("make the folder", folder):
            folder.mkdir(parents=True, exist_ok=True)
        _check_present(files)
        before = _stored(config, folder)
        passes = download_passes(before, timerange)
        for each in passes:
            command = installed.command(
                "download-data", *_arguments(folder, each, config.timeframe)
            )
            evidence = EngineEvidence()
            evidence.asks_exchange = True
            given = _config(config, each.pairs, exchange_url)
            ended = _run_engine(command, given, evidence, interrupts=interrupts, environ=environ)
            is_whole = each is not passes[-1] or all(file.exists() for file in files)
            verdict = judge(ended, evidence, result_present=is_whole)
            if not verdict.is_success:
                return _failed(verdict, config, lost_ends(before, _stored(config, folder)))
    return _verdict(config, folder, timerange, before, is_downloaded=bool(passes))


def _verdict(
    config: StrategyConfig,
    folder: Path,
    timerange: TimeRange | OpenTimeRange,
    before: Stored,
    *,
    is_downloaded: bool,
) -> Verdict:
    stored = _stored(config, folder)
    lacking, lost = _lacking(config, folder, timerange), lost_ends(before, stored)
    if outside := outside_of(stored, timerange):
        has_others = len(outside) < len(stored)
        others = "; the files of the other pairs are complete" if has_others else ""
        sentence = (
            f"{folder} has no candle of {timerange} after the download: {', '.join(outside)}; "
            "remove these pairs, or name a range in which they were traded"
            f"{lacking + lost or others}"
        )
        return Verdict(exit_code=ExitCode.DATA, sentence=sentence)
    if is_downloaded:
        sentence = f"downloaded {_extent(config)} into {folder}"
    elif lacking:
        sentence = (
            f"nothing was downloaded: {folder} has {_extent(config)} at both ends of the range"
        )
    else:
        sentence = f"nothing was downloaded: {folder} has {_extent(config)} for the whole range"
    return Verdict(exit_code=ExitCode.DONE, sentence=f"{sentence}{lacking}{lost}")


def _lacking(config: StrategyConfig, folder: Path, timerange: TimeRange | OpenTimeRange) -> str:
    """Return a clause on the rows that the files lack between their ends; empty without any."""
    paths = {folder / candle_files(series)[1]: series for series in _series(config)}
    missing = {path: missing_rows_in(path, each, timerange) for path, each in paths.items()}
    named = ", ".join(f"{path.name} ({count:,})" for path, count in missing.items() if count)
    if not named:
        return ""
    return (
        f"; rows are missing between the ends of {named}: a download goes on at the ends only, so "
        "remove the file and download again to get those that the exchange has"
    )


def _check_wanted(
    config: StrategyConfig, timerange: TimeRange | OpenTimeRange, exchange_url: str | None
) -> None:
    if timerange.start is None:
        message = f"--timerange {timerange} has no start: a download must begin somewhere"
        raise ConfigurationError(message, key="--timerange")
    exchange = exchange_named(config.exchange)
    _check_proven(exchange)
    check_market(config, exchange)
    if exchange_url is not None:
        check_exchange_url(exchange_url)


def _stored(config: StrategyConfig, folder: Path) -> Stored:
    stored: dict[str, list[StoredRange | None]] = {pair: [] for pair in config.pairs}
    for series in _series(config):
        path = folder / candle_files(series)[1]
        stored[series.pair].append(StoredRange.of(path, series))
    return stored


def _failed(verdict: Verdict, config: StrategyConfig, lost: str) -> Verdict:
    is_away = verdict.exit_code is ExitCode.UNAVAILABLE
    place = f"the exchange {config.exchange} was not reachable: " if is_away else ""
    return Verdict(exit_code=verdict.exit_code, sentence=f"{place}{verdict.sentence}{lost}")


@contextmanager
def _made_folders(folders: AbstractSet[Path]) -> Iterator[None]:
    """Remove those of `folders` and their parents that the block has made and left empty."""
    absent = {each for folder in folders for each in (folder, *folder.parents) if not each.exists()}
    try:
        yield
    finally:
        for folder in sorted(absent, reverse=True):
            # It was not made, or it has files.
            with suppress(OSError):
                folder.rmdir()


def _check_proven(exchange: Exchange) -> None:
    if exchange.engine_name != DEFAULT_EXCHANGE:
        message = (
            f"exchange is {exchange.name}: `data download` is proven for {DEFAULT_EXCHANGE} and "
            f"{FUTURES_EXCHANGE} only; bring the candles with Freqtrade's own download-data, and "
            "capture the market rules"
        )
        raise ConfigurationError(message, key="exchange")


def _run_engine(
    command: Sequence[str],
    config: Mapping[str, JsonValue],
    evidence: EngineEvidence,
    *,
    interrupts: Interrupts,
    environ: Mapping[str, str],
) -> EngineExit:
    """Run the engine in a folder of its own, which goes when it has ended."""
    with tempfile.TemporaryDirectory(prefix="tradai-download-") as name:
        scratch = Path(name)
        (scratch / USER_DATA).mkdir()
        with (
            RecordPipe(scratch, strategy=scratch) as records,
            EngineProcess(
                command,
                stdin=canonical_json({**config, **records.sections()}),
                environ=engine_environment(environ, home=scratch, temporary=scratch),
                folder=scratch,
                log_file=scratch / "engine.log",
                on_line=evidence.feed_printed,
                records=records,
                on_record=evidence.feed,
            ) as running,
        ):
            return running.wait(interrupts)


def _check_present(files: Sequence[Path]) -> None:
    """Check the files that there are, because the engine reads them before it adds to them."""
    for file in files:
        if file.exists():
            with file_errors("read", file):
                open_regular_file(file, FileKind.CANDLES).close()


def _arguments(folder: Path, given: DownloadPass, timeframe: str) -> list[str]:
    return [
        *("--config", "-", "--no-color", "--userdir", USER_DATA, "--datadir", str(folder)),
        *("--timerange", str(given.timerange), "--timeframes", timeframe),
        *("--data-format-ohlcv", "feather", *(("--prepend",) if given.is_older else ())),
    ]


def _config(
    config: StrategyConfig, pairs: Sequence[str], exchange_url: str | None
) -> dict[str, JsonValue]:
    return {
        "stake_currency": config.stake_currency,
        "dry_run": True,
        **market_keys(config),
        "exchange": {
            "name": exchange_named(config.exchange).engine_name,
            "pair_whitelist": list(pairs),
            # The engine's download of archives would go to another host than the exchange.
            "only_from_ccxt": True,
            "enable_ws": False,
            "ccxt_config": exchange_named(config.exchange).ccxt_config(exchange_url),
        },
    }


def _series(config: StrategyConfig) -> Iterator[NeededSeries]:
    """Yield the series that the engine downloads."""
    for pair in config.pairs:
        yield NeededSeries(
            pair=pair,
            timeframe=str(config.timeframe),
            warmup=0,
            is_traded=True,
            kind="futures" if trades_futures(config) else "spot",
        )
    yield from contract_series(config)


def _extent(config: StrategyConfig) -> str:
    more = ", their mark candles and funding rates" if trades_futures(config) else ""
    return f"{counted(len(config.pairs), 'pair')} at {config.timeframe}{more}"
