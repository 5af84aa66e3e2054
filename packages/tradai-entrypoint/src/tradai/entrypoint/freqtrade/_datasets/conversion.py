"""Convert the series of a folder to another format, and make longer candles."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, final

from tradai.core import Timeframe, file_errors
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint.freqtrade._datasets.data_file import (
    FUNDING_RATE,
    MARK,
    TRADES,
    DataFile,
)
from tradai.entrypoint.freqtrade._datasets.folder import files_in, open_folder
from tradai.entrypoint.freqtrade._datasets.raw_series import RawSeries, read_raw
from tradai.entrypoint.freqtrade._datasets.resampling import (
    Resampled,
    candles_of_trades,
    check_longer,
    longer_candles,
)
from tradai.entrypoint.freqtrade._datasets.writing import write_series

# Kinds that a run reads in one timeframe, whatever that of the strategy.
_OWN_TIMEFRAME: Final = (MARK, FUNDING_RATE)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """A file that was written.

    Attributes:
        source: The file that was read.
        target: The file that was written.
        read: Number of rows that were read.
        written: Number of rows that were written.
        undated: Rows without a time, left out.
        moved: Rows that were older than the one before, sorted in.
        repeated: Rows with the time of a later one, left out.
        partial: Candles at the ends, left out because rows of them are missing.
        thin: Candles that were made of fewer rows than fit.
        removed: Files of the same series in another format, which were removed.
    """

    source: Path
    target: Path
    read: int
    written: int
    undated: int
    moved: int
    repeated: int
    partial: int
    thin: int
    removed: tuple[Path, ...] = ()


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
        """Return whether `file` is written beside the candles as it is, so that a run has it."""
        return self.source is not None and file.kind in _OWN_TIMEFRAME

    def __str__(self) -> str:
        """Name the rows that are read."""
        return TRADES if self.source is None else f"candles of {self.source}"


def convert_series(
    data: str,
    folder: Path,
    *,
    file_format: str,
    resampling: Resampling | None = None,
    force: bool = False,
    on_written: Callable[[Conversion], object] = lambda _: None,
) -> tuple[Conversion, ...]:
    """Write the series of the folder `data` into `folder`, each file whole or not at all.

    A file that cannot be converted keeps no other from it.

    Args:
        data: Path or URI of the folder to read.
        folder: Folder to write; created if missing.
        file_format: ``json``, ``json.gz``, ``feather`` or ``parquet``.
        resampling: Candles to make; None writes every series but trades as it is. Mark candles and
            funding rates are written as they are, since a run has one timeframe for them.
        force: Whether to replace series that are there, also those in another format.
        on_written: Called with each file that was written.

    Raises:
        NotFoundError: There is no such folder on this machine, or no such series in it.
        ValidationError: A file is damaged or has no rows, a series to write is there, two files of
            one series would be written to one, or the candles to make are not longer.
        StorageError: The disk refused.
    """
    if resampling is not None and resampling.source is not None:
        check_longer(resampling.source, resampling.target)
    plan = dict(_planned(data, folder, file_format, resampling))
    others = _others(plan, folder)
    _check_replaced(plan, others, force=force)
    done: list[Conversion] = []
    problems: list[ValidationError] = []
    for path, file in plan.items():
        try:
            written = _convert(file, path, file_format, resampling)
        except ValidationError as exc:
            problems.append(exc)
        else:
            # In place, the file that was read may be one of them.
            done.append(replace(written, removed=_remove(others.get(path, []))))
            on_written(done[-1])
    if problems:
        raise _unconverted(problems, written=len(done))
    return tuple(done)


def _others(plan: Mapping[Path, DataFile], folder: Path) -> dict[Path, list[DataFile]]:
    """Return the files in `folder` that have a series to write in another format.

    They are by the file to write.
    """
    written = {DataFile.of(path): path for path in plan}
    paths = {file.series: path for file, path in written.items() if file is not None}
    others: dict[Path, list[DataFile]] = {}
    for file in files_in(folder):
        path = paths.get(file.series)
        if path is not None and file.path != path:
            others.setdefault(path, []).append(file)
    return others


def _remove(files: Sequence[DataFile]) -> tuple[Path, ...]:
    for file in files:
        with file_errors("remove", file.path):
            file.path.unlink()
    return tuple(file.path for file in files)


def _planned(
    data: str, folder: Path, file_format: str, resampling: Resampling | None
) -> Iterator[tuple[Path, DataFile]]:
    """Yield each file to write with the one to read for it."""
    files = open_folder(data).files
    if not any(file.timeframe if resampling is None else resampling.makes(file) for file in files):
        wanted = "series but trades" if resampling is None else str(resampling)
        message = f"there are no {wanted} in {data}: `data list` shows the series that there are"
        raise NotFoundError(message, kind="series", key=data)
    seen: dict[Path, DataFile] = {}
    for file in files:
        timeframe = _timeframe(file, resampling)
        if timeframe is None:
            continue
        path = file.beside(folder, timeframe=timeframe, file_format=file_format)
        if path in seen:
            message = f"{file.path} and {seen[path].path} are one series: remove the stale file"
            raise ValidationError(message, field=str(file.path), expected="one file for a series")
        seen[path] = file
        is_in_place = resampling is not None and resampling.keeps(file) and path == file.path
        if not is_in_place:
            yield path, file


def _timeframe(file: DataFile, resampling: Resampling | None) -> Timeframe | None:
    """Return the timeframe in which `file` is written; None for one that is not."""
    if resampling is None or resampling.keeps(file):
        return file.timeframe
    return resampling.target if resampling.makes(file) else None


def _check_replaced(
    plan: Mapping[Path, DataFile], others: Mapping[Path, Sequence[DataFile]], *, force: bool
) -> None:
    """Check that nothing is replaced without `force`, and a folder of partitions never.

    Raises:
        ValidationError: Something would be.
    """
    folders = [file for files in others.values() for file in files if file.path.is_dir()]
    if folders:
        message = (
            f"{folders[0].path} is a folder of partitions with the same series: remove it, or name "
            "another folder; nothing was written"
        )
        raise ValidationError(message, field=str(folders[0].path), expected="no such series")
    found = [f"{path} would be replaced" for path in plan if path.exists()] + [
        f"{files[0].path} is the same series as {path.name}" for path, files in others.items()
    ]
    if found and not force:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        message = (
            f"{found[0]}{more}: name another folder, or replace it with --force; nothing was "
            "written"
        )
        raise ValidationError(message, field="target", expected="no such series")


def _unconverted(problems: Sequence[ValidationError], *, written: int) -> ValidationError:
    """Return the error for all `problems`."""
    sentences = [str(problem) for problem in problems]
    if written:
        verb = "was" if written == 1 else "were"
        sentences.append(f"{counted(written, 'file')} {verb} written")
    first = problems[0]
    return ValidationError("; ".join(sentences), field=first.field, expected=first.expected)


def _convert(
    file: DataFile, path: Path, file_format: str, resampling: Resampling | None
) -> Conversion:
    raw = read_raw(file)
    if not len(raw.opened):
        message = f"{file.path} has no rows: remove it, or get it from the exchange again"
        raise ValidationError(message, field=str(file.path), expected="at least one row")
    rows, moved, repeated = _in_order(raw, keep_all=file.kind == TRADES)
    if resampling is None or resampling.keeps(file):
        made = Resampled(rows)
    else:
        made = _resampled(rows, file, resampling)
    write_series(made.series, path, file_format)
    return Conversion(
        source=file.path,
        target=path,
        read=len(raw.opened) + raw.undated,
        written=len(made.series.opened),
        undated=raw.undated,
        moved=moved,
        repeated=repeated,
        partial=made.partial,
        thin=made.thin,
    )


def _in_order(raw: RawSeries, *, keep_all: bool) -> tuple[RawSeries, int, int]:
    """Return the rows in order of time, and how many were moved and left out.

    Of rows with one time the last is kept; trades may share one, and all are kept.
    """
    import numpy as np

    moved = int((raw.opened[1:] < raw.opened[:-1]).sum())
    order = raw.opened.argsort(kind="stable")
    opened = raw.opened[order]
    if not keep_all and len(opened):
        is_last = np.append(opened[1:] != opened[:-1], np.True_)
        order, opened = order[is_last], opened[is_last]
    cells = {name: column[order] for name, column in raw.cells.items()}
    return RawSeries(opened, cells), moved, len(raw.opened) - len(opened)


def _resampled(rows: RawSeries, file: DataFile, resampling: Resampling) -> Resampled:
    import numpy as np

    if not all(np.isfinite(cells).all() for cells in rows.cells.values()):
        message = (
            f"a value in {file.path} is not a number, so no candles are made of it: `data check` "
            "shows the rows"
        )
        raise ValidationError(message, field=str(file.path), expected="finite numbers")
    if resampling.source is None:
        return candles_of_trades(rows, resampling.target)
    made = longer_candles(rows, resampling.source, resampling.target)
    if not len(made.series.opened):
        message = (
            f"no whole candle of {resampling.target} can be made of {file.path}: candles of "
            f"{resampling.source} are missing in each; add them, or choose a shorter timeframe"
        )
        raise ValidationError(message, field=str(file.path), expected="a whole longer candle")
    return made
