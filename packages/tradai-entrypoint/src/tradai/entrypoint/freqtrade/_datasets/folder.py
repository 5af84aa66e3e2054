"""The series of a candle folder: single files, and folders of partitions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Final, final

from tradai.core import Timeframe, file_errors, series_name
from tradai.core.exceptions import NotFoundError
from tradai.entrypoint.freqtrade._candles.dataset import data_folder
from tradai.entrypoint.freqtrade._datasets.data_file import (
    FUTURES_FOLDER,
    PARTITIONS,
    SPOT,
    DataFile,
)

_SHOWN: Final = 5
_KNOWN: Final = (
    "files such as BTC_USDT-5m.feather (json, json.gz, feather, parquet), "
    f"{FUTURES_FOLDER}/BTC_USDT_USDT-1h-futures.feather and BTC_USDT-trades.feather, and folders "
    "such as BTC_USDT-5m with manifest.json"
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CandleFolder:
    """The series in a folder.

    Attributes:
        path: The folder.
        files: The series, sorted by pair, timeframe and kind.
    """

    path: Path
    files: tuple[DataFile, ...]

    def stored_twice(self) -> Mapping[str, Sequence[DataFile]]:
        """Return the files of each series that has several, by its name."""
        groups: dict[str, list[DataFile]] = {}
        for file in self.files:
            groups.setdefault(file.series, []).append(file)
        return {series: files for series, files in groups.items() if len(files) > 1}


def open_folder(data: str) -> CandleFolder:
    """Return the series in the folder `data`.

    Args:
        data: Path or URI of the folder.

    Raises:
        NotFoundError: There is no such folder on this machine, or no series in it.
        StorageError: The disk refused.
    """
    path = data_folder(data)
    if path is None or not path.is_dir():
        message = f"there is no folder {path or data} on this machine: bring one with `data pull`"
        raise NotFoundError(message, kind="data folder", key=str(path or data))
    files = files_in(path)
    if not files:
        raise _unknown_layout(path)
    return CandleFolder(path=path, files=files)


def files_in(folder: Path) -> tuple[DataFile, ...]:
    """Return the series in `folder`, sorted; none when it does not exist.

    Raises:
        StorageError: The disk refused.
    """
    if not folder.is_dir():
        return ()
    with file_errors("list", folder):
        return tuple(sorted(chain(_files(folder), _partitioned(folder)), key=_order))


def _files(folder: Path) -> Iterator[DataFile]:
    for place in (folder, folder / FUTURES_FOLDER):
        if place.is_dir():
            yield from filter(None, map(DataFile.of, place.iterdir()))


def _partitioned(folder: Path) -> Iterator[DataFile]:
    from tradai.core.frames import ParquetDataRepository

    for pair, timeframe in ParquetDataRepository(folder).series():
        path = folder / series_name(pair, timeframe)
        yield DataFile(path=path, pair=pair, timeframe=timeframe, kind=SPOT, file_format=PARTITIONS)


def _order(file: DataFile) -> tuple[str, bool, Timeframe | str, str, str]:
    is_candles = file.timeframe is not None
    return file.pair, is_candles, file.timeframe or "", file.kind, file.file_format


def _folders_below(folder: Path) -> Iterator[Path]:
    """Yield folders with candles, as deep as Freqtrade has them: ``data/EXCHANGE/futures``."""
    for depth in ("*", "*/*", "*/*/*"):
        yield from (
            each for each in sorted(folder.glob(depth)) if each.is_dir() and any(_files(each))
        )


def _unknown_layout(folder: Path) -> NotFoundError:
    entries = sorted(folder.iterdir())
    below = list(islice(_folders_below(folder), 1))
    names = ", ".join(f"{each.name}/" if each.is_dir() else each.name for each in entries[:_SHOWN])
    more = f" and {len(entries) - _SHOWN} more" if len(entries) > _SHOWN else ""
    found = f"it has {names}{more}" if entries else "it is empty"
    hint = f"; {below[0]} has some: name that folder" if below else f"; known are {_KNOWN}"
    message = f"no candles were found in {folder}: {found}{hint}"
    return NotFoundError(message, kind="candles", key=str(folder))
