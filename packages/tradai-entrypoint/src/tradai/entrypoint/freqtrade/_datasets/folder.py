"""The series of a candle folder: single files, and folders of partitions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Final, final

from tradai.core import Timeframe, file_errors, series_name
from tradai.core.exceptions import NotFoundError
from tradai.entrypoint.freqtrade._candles.data_file import (
    FUTURES_FOLDER,
    PARTITIONS,
    SPOT,
    DataFile,
)
from tradai.entrypoint.freqtrade._candles.dataset import data_folder
from tradai.entrypoint.freqtrade._datasets.dataset_files import DATASET_FILES

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
        entries: All that is in the folder and in that of futures.
    """

    path: Path
    files: tuple[DataFile, ...]
    entries: tuple[Path, ...]

    def stored_twice(self) -> Mapping[str, Sequence[DataFile]]:
        """Return the files of each series that has several, by its name."""
        groups: dict[str, list[DataFile]] = {}
        for file in self.files:
            groups.setdefault(file.series, []).append(file)
        return {series: files for series, files in groups.items() if len(files) > 1}

    def passed_over(self) -> str | None:
        """Return a sentence on the entries that are no series; None without any."""
        read = {file.path for file in self.files}
        entries = [each for each in self.entries if each not in read and not self._is_known(each)]
        if not entries:
            return None
        are = "1 entry is" if len(entries) == 1 else f"{len(entries):,} entries are"
        return f"{are} not read: {_names(entries, self.path)}; known are {_KNOWN}"

    def _is_known(self, entry: Path) -> bool:
        is_futures = entry == self.path / FUTURES_FOLDER and entry.is_dir()
        return is_futures or entry.name in DATASET_FILES or entry.name.startswith(".")


def open_folder(data: str) -> CandleFolder:
    """Return the series in the folder `data`.

    Args:
        data: Path or URI of the folder.

    Raises:
        NotFoundError: There is no such folder on this machine, or no series in it.
        StorageError: The disk refused.
    """
    path = data_folder(data)
    if path is not None and path.is_file():
        message = f"{path} is a file, not a folder of candles: name the folder {path.parent}"
        raise NotFoundError(message, kind="data folder", key=str(path))
    if path is None or not path.is_dir():
        message = f"there is no folder {path or data} on this machine: bring one with `data pull`"
        raise NotFoundError(message, kind="data folder", key=str(path or data))
    with file_errors("list", path):
        entries = tuple(_entries(path))
        files = _series_in(path, entries)
        unknown = None if files else _unknown_layout(path)
    if unknown:
        raise unknown
    return CandleFolder(path=path, files=files, entries=entries)


def files_in(folder: Path) -> tuple[DataFile, ...]:
    """Return the series in `folder`, sorted; none when it does not exist.

    Raises:
        StorageError: The disk refused.
    """
    if not folder.is_dir():
        return ()
    with file_errors("list", folder):
        return _series_in(folder, _entries(folder))


def _entries(folder: Path) -> Iterator[Path]:
    for place in (folder, folder / FUTURES_FOLDER):
        if place.is_dir():
            yield from sorted(place.iterdir())


def _series_in(folder: Path, entries: Iterable[Path]) -> tuple[DataFile, ...]:
    return tuple(sorted(chain(_files(entries), _partitioned(folder)), key=_order))


def _files(entries: Iterable[Path]) -> Iterator[DataFile]:
    return filter(None, map(DataFile.of, entries))


def _partitioned(folder: Path) -> Iterator[DataFile]:
    from tradai.core.frames import ParquetDataRepository

    for pair, timeframe in ParquetDataRepository(folder).series():
        path = folder / series_name(pair, timeframe)
        yield DataFile(path=path, pair=pair, timeframe=timeframe, kind=SPOT, file_format=PARTITIONS)


def _order(file: DataFile) -> tuple[str, bool, Timeframe | str, str, str, Path]:
    is_candles = file.timeframe is not None
    timeframe = file.timeframe or ""
    return file.pair, is_candles, timeframe, file.kind, file.file_format, file.path


def _folders_below(folder: Path) -> Iterator[Path]:
    """Yield folders with candles, as deep as Freqtrade has them: ``data/EXCHANGE/futures``."""
    for depth in ("*", "*/*", "*/*/*"):
        yield from (
            each
            for each in sorted(folder.glob(depth))
            if each.is_dir() and any(_files(_entries(each)))
        )


def _unknown_layout(folder: Path) -> NotFoundError:
    entries = sorted(folder.iterdir())
    below = list(islice(_folders_below(folder), 1))
    found = f"it has {_names(entries, folder)}" if entries else "it is empty"
    hint = f"; {below[0]} has some: name that folder" if below else f"; known are {_KNOWN}"
    message = f"no candles were found in {folder}: {found}{hint}"
    return NotFoundError(message, kind="candles", key=str(folder))


def _names(entries: Sequence[Path], folder: Path) -> str:
    """Return the first names of `entries`, as seen from `folder`, and how many more there are."""
    names = (f"{each.relative_to(folder)}{'/' * each.is_dir()}" for each in entries[:_SHOWN])
    more = f" and {len(entries) - _SHOWN:,} more" if len(entries) > _SHOWN else ""
    return f"{', '.join(names)}{more}"
