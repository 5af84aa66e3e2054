"""Files that a conversion reads and writes, and those that stand in its way."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from tradai.core import Timeframe
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint.freqtrade._candles.data_file import (
    FORMATS,
    FUNDING_RATE,
    MARK,
    TRADES,
    DataFile,
)
from tradai.entrypoint.freqtrade._datasets.folder import files_in, open_folder

# Kinds that a run reads in one timeframe, whatever that of the strategy.
_OWN_TIMEFRAME: Final = (MARK, FUNDING_RATE)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """The rows that are read, and the candles that are made of them.

    Attributes:
        source: Timeframe of the candles that are read; None for trades.
        target: Timeframe of the candles that are made.
    """

    source: Timeframe | None
    target: Timeframe

    def makes(self, file: DataFile) -> bool:
        """Return whether candles are made of `file`."""
        if self.source is None:
            return file.kind == TRADES
        is_own = file.kind in _OWN_TIMEFRAME
        return file.has_candles and file.timeframe == self.source and not is_own

    def keeps(self, file: DataFile) -> bool:
        """Return whether `file` is written beside the candles as it is, so that a run has it.

        One that is there already stays.
        """
        return self.source is not None and file.kind in _OWN_TIMEFRAME

    def __str__(self) -> str:
        """Name the rows that are read."""
        return TRADES if self.source is None else f"candles of {self.source}"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """A file to write.

    Attributes:
        source: The file to read for it.
        target: The file to write.
        others: Files in the target folder that have its series in another format.
    """

    source: DataFile
    target: Path
    others: tuple[DataFile, ...]


def planned_files(
    data: str, folder: Path, *, file_format: str, resampling: Resampling | None
) -> tuple[PlannedFile, ...]:
    """Return the files to write into `folder` for the series of `data`.

    Raises:
        NotFoundError: There is no folder `data` on this machine, or no such series in it.
        ValidationError: The format is unknown, or two files of one series would be written to one.
        StorageError: The disk refused to list a folder.
    """
    if file_format not in FORMATS:
        expected = ", ".join(FORMATS)
        message = f"{file_format!r} is no format of candles: expected {expected}"
        raise ValidationError(message, field="file_format", expected=expected)
    sources = dict(_sources(data, folder, file_format, resampling))
    others = _others(sources, folder)
    return tuple(
        PlannedFile(source=source, target=target, others=tuple(others.get(target, ())))
        for target, source in sources.items()
    )


def check_replaced(plan: Sequence[PlannedFile], *, force: bool) -> None:
    """Check that nothing is replaced without `force`, and a folder of partitions never.

    Raises:
        ValidationError: Something would be.
    """
    folders = [file for each in plan for file in each.others if file.path.is_dir()]
    if folders:
        message = (
            f"{folders[0].path} is a folder of partitions with the same series: remove it, or name "
            "another folder; nothing was written"
        )
        raise ValidationError(message, field=str(folders[0].path), expected="no such series")
    found = [reason for each in plan for reason in _reasons(each)]
    if found and not force:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        message = (
            f"{found[0]}{more}: name another folder, or replace it with --force; nothing was "
            "written"
        )
        raise ValidationError(message, field="target", expected="no such series")


def _reasons(planned: PlannedFile) -> Iterator[str]:
    if planned.target.exists():
        yield f"{planned.target} would be replaced"
    for other in planned.others:
        yield f"{other.path} is the same series as {planned.target.name}"


def _sources(
    data: str, folder: Path, file_format: str, resampling: Resampling | None
) -> Iterator[tuple[Path, DataFile]]:
    """Yield each file to write with the one to read for it."""
    files = open_folder(data).files
    if not any(file.timeframe if resampling is None else resampling.makes(file) for file in files):
        wanted = "series but trades" if resampling is None else str(resampling)
        message = f"there are no {wanted} in {data}: `data list` shows the series that there are"
        raise NotFoundError(message, kind="series", key=data)
    seen: dict[Path, DataFile] = {}
    twice: list[tuple[DataFile, DataFile]] = []
    for file in files:
        timeframe = _timeframe(file, resampling)
        if timeframe is None:
            continue
        path = file.beside(folder, timeframe=timeframe, file_format=file_format)
        if path in seen:
            twice.append((file, seen[path]))
            continue
        seen[path] = file
        is_there = resampling is not None and resampling.keeps(file) and path.exists()
        if not is_there:
            yield path, file
    if twice:
        raise _stored_twice(twice)


def _stored_twice(pairs: Sequence[tuple[DataFile, DataFile]]) -> ValidationError:
    """Return the error that both files of each of `pairs` are one series."""
    file, other = pairs[0]
    more, stale = "", "file"
    if len(pairs) > 1:
        more, stale = f", and {counted(len(pairs) - 1, 'more file')} of this kind", "files"
    message = f"{file.path} and {other.path} are one series{more}: remove the stale {stale}"
    return ValidationError(message, field=str(file.path), expected="one file for a series")


def _timeframe(file: DataFile, resampling: Resampling | None) -> Timeframe | None:
    """Return the timeframe in which `file` is written; None for one that is not."""
    if resampling is None or resampling.keeps(file):
        return file.timeframe
    return resampling.target if resampling.makes(file) else None


def _others(sources: Mapping[Path, DataFile], folder: Path) -> dict[Path, list[DataFile]]:
    """Return the files in `folder` that have a series to write in another format.

    They are by the file to write.
    """
    written = {DataFile.of(path): path for path in sources}
    paths = {file.series: path for file, path in written.items() if file is not None}
    others: dict[Path, list[DataFile]] = {}
    for file in files_in(folder):
        path = paths.get(file.series)
        if path is not None and file.path != path:
            others.setdefault(path, []).append(file)
    return others
