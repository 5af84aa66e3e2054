"""Extents and gaps of the series in a candle folder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal, final

from tradai.core import Timeframe, from_epoch_ms
from tradai.core.exceptions import NotFoundError, StorageError, ValidationError
from tradai.entrypoint.freqtrade._candles.data_file import DataFile
from tradai.entrypoint.freqtrade._datasets.folder import open_folder
from tradai.entrypoint.freqtrade._datasets.gaps import missing_rows
from tradai.entrypoint.freqtrade._datasets.raw_series import read_raw

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSeries:
    """A series of a folder.

    Attributes:
        pair: Its pair.
        timeframe: Its timeframe; None for trades.
        kind: ``spot``, ``trades``, or a kind of futures data such as ``mark``.
        file_format: Format of its file, or ``partitions``.
        path: Its file or folder.
        rows: Number of candles, rates or trades.
        first: Time of the first one; None without any.
        last: Time of the last one; None without any.
        gaps: Number of gaps; None for trades.
        missing: Number of candles or rates missing in them; None for trades.
        twin: Whether another file of the series has the ``same`` rows or ``other`` ones; None
            without another one that can be read.
        problem: The reason why it cannot be read; None when it can.
    """

    pair: str
    timeframe: Timeframe | None
    kind: str
    file_format: str
    path: Path
    rows: int | None = None
    first: datetime | None = None
    last: datetime | None = None
    gaps: int | None = None
    missing: int | None = None
    twin: Literal["same", "other"] | None = None
    problem: str | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DataListing:
    """The series of a folder.

    Attributes:
        series: Every series, also those that cannot be read.
        passed_over: Sentence on the entries of the folder that are no series; None without any.
    """

    series: tuple[ListedSeries, ...]
    passed_over: str | None


def list_series(data: str) -> DataListing:
    """Return the series of the folder `data`.

    Raises:
        NotFoundError: There is no such folder on this machine, or no series in it.
        StorageError: The disk refused to list it.
    """
    folder = open_folder(data)
    twice = folder.stored_twice()
    found: dict[str, list[tuple[ListedSeries, str | None]]] = {}
    for file in folder.files:
        listed = _of_file(file, is_twin=file.series in twice)
        found.setdefault(file.series, []).append(listed)
    series = tuple(chain.from_iterable(map(_with_twins, found.values())))
    return DataListing(series=series, passed_over=folder.passed_over())


def _with_twins(group: Sequence[tuple[ListedSeries, str | None]]) -> Iterator[ListedSeries]:
    """Yield the files of one series, which know whether they have the same rows."""
    digests = [digest for _, digest in group if digest is not None]
    for listed, digest in group:
        if digest is None or len(digests) == 1:
            yield listed
        else:
            yield replace(listed, twin="same" if len(set(digests)) == 1 else "other")


def _of_file(file: DataFile, *, is_twin: bool) -> tuple[ListedSeries, str | None]:
    """Return the facts of a file, and the digest of its rows if the series has several files."""
    try:
        raw = read_raw(file)
    except (NotFoundError, StorageError, ValidationError) as exc:
        return _listed(file, None, problem=str(exc)), None
    return _listed(file, raw.opened), raw.digest() if is_twin else None


def _listed(
    file: DataFile, opened: "npt.NDArray[np.int64] | None", *, problem: str | None = None
) -> ListedSeries:
    is_empty = opened is None or not len(opened)
    found = (
        None
        if opened is None or file.timeframe is None
        else missing_rows(opened, file, file.timeframe)
    )
    return ListedSeries(
        pair=file.pair,
        timeframe=file.timeframe,
        kind=file.kind,
        file_format=file.file_format,
        path=file.path,
        rows=None if opened is None else len(opened),
        first=None if opened is None or is_empty else from_epoch_ms(int(opened.min())),
        last=None if opened is None or is_empty else from_epoch_ms(int(opened.max())),
        gaps=found and found.gaps,
        missing=found and found.missing,
        problem=problem,
    )
