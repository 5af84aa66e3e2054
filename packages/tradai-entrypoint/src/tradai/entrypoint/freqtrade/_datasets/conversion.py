"""Convert the series of a folder to another format, and make longer candles."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from tradai.core import Timeframe, file_errors, from_epoch_ms
from tradai.core.exceptions import ValidationError
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint.freqtrade._candles.data_file import DataFile
from tradai.entrypoint.freqtrade._datasets.conversion_plan import (
    PlannedFile,
    Resampling,
    check_replaced,
    planned_files,
)
from tradai.entrypoint.freqtrade._datasets.dataset_files import check_origin
from tradai.entrypoint.freqtrade._datasets.gaps import off_grid
from tradai.entrypoint.freqtrade._datasets.raw_series import RawSeries, read_raw
from tradai.entrypoint.freqtrade._datasets.resampling import (
    Resampled,
    candles_of_trades,
    check_longer,
    longer_candles,
)
from tradai.entrypoint.freqtrade._datasets.writing import sole_writer, write_series


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
        repeated: Rows with the time of a later one, and trades that are there twice, left out.
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
        ValidationError: The format is unknown, a file is damaged or has no rows, a series to write
            is there, two files of one series would be written to one, the candles to make are
            not longer, or synthetic ones would be among candles of a market.
        FolderInUseError: Another conversion writes into `folder`.
        StorageError: The disk refused.
    """
    if resampling is not None and resampling.source is not None:
        check_longer(resampling.source, resampling.target)

    def plan() -> tuple[PlannedFile, ...]:
        files = planned_files(data, folder, file_format=file_format, resampling=resampling)
        check_replaced(files, force=force)
        return files

    check_origin(data, folder)
    # A folder is made only for files to write; another conversion may have written since.
    plan()
    done: list[Conversion] = []
    problems: list[ValidationError] = []
    with sole_writer(folder):
        for each in plan():
            try:
                done.append(_convert(each, file_format, resampling))
            except ValidationError as exc:
                problems.append(exc)
            else:
                on_written(done[-1])
    if problems:
        raise _unconverted(problems, written=len(done))
    return tuple(done)


def _unconverted(problems: Sequence[ValidationError], *, written: int) -> ValidationError:
    """Return the error for all `problems`."""
    sentences = [str(problem) for problem in problems]
    if written:
        verb = "was" if written == 1 else "were"
        sentences.append(f"{counted(written, 'file')} {verb} written")
    first = problems[0]
    return ValidationError("; ".join(sentences), field=first.field, expected=first.expected)


def _convert(planned: PlannedFile, file_format: str, resampling: Resampling | None) -> Conversion:
    file = planned.source
    raw = read_raw(file)
    if not len(raw.opened):
        message = f"{file.path} has no rows: remove it, or get it from the exchange again"
        raise ValidationError(message, field=str(file.path), expected="at least one row")
    rows, moved, repeated = _in_order(raw)
    if resampling is None or resampling.keeps(file):
        made = Resampled(rows)
    else:
        made = _resampled(rows, file, resampling)
    write_series(made.series, planned.target, file_format)
    # In place, the file that was read may be one of them.
    _remove(planned.others)
    return Conversion(
        source=file.path,
        target=planned.target,
        read=len(raw.opened) + raw.undated,
        written=len(made.series.opened),
        undated=raw.undated,
        moved=moved,
        repeated=repeated,
        partial=made.partial,
        thin=made.thin,
        removed=tuple(other.path for other in planned.others),
    )


def _remove(files: Sequence[DataFile]) -> None:
    for file in files:
        with file_errors("remove", file.path):
            file.path.unlink()


def _in_order(raw: RawSeries) -> tuple[RawSeries, int, int]:
    """Return the rows in order of time, and how many were moved and left out.

    Of rows with one time the last is kept; trades may share one, and of equal trades one is kept.
    """
    import numpy as np

    moved = int((raw.opened[1:] < raw.opened[:-1]).sum())
    order = raw.opened.argsort(kind="stable")
    opened = raw.opened[order]
    if raw.again is not None:
        is_kept = ~raw.again[order]
    else:
        is_kept = np.append(opened[1:] != opened[:-1], np.True_)
    order, opened = order[is_kept], opened[is_kept]
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
    _check_grid(rows, file, resampling.source)
    made = longer_candles(rows, resampling.source, resampling.target)
    if not len(made.series.opened):
        message = (
            f"no whole candle of {resampling.target} can be made of {file.path}: candles of "
            f"{resampling.source} are missing in each; add them, or choose a shorter timeframe"
        )
        raise ValidationError(message, field=str(file.path), expected="a whole longer candle")
    return made


def _check_grid(rows: RawSeries, file: DataFile, timeframe: Timeframe) -> None:
    """Require candles of `timeframe`: others would count twice in a longer one."""
    off = off_grid(rows.opened, timeframe)
    if off.any():
        first = from_epoch_ms(int(rows.opened[off.argmax()]))
        message = (
            f"{counted(int(off.sum()), 'row')} of {file.path} are off the grid of {timeframe}, the "
            f"first at {first:%Y-%m-%d %H:%M:%S}, so no longer candles are made of it: give the "
            "file the timeframe of its rows in its name, or get it from the exchange again"
        )
        raise ValidationError(message, field=str(file.path), expected=f"rows of {timeframe}")
