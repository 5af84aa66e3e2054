"""The partitions of a series, a file for each period, and the manifest that lists them."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, Literal, final

import numpy as np
import pydantic
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from tradai.core._local.atomic_files import atomic_file, file_errors
from tradai.core._local.regular_files import FileKind, read_regular_file
from tradai.core._ports.repositories import Coverage
from tradai.core._time.instants import from_epoch_ms
from tradai.core._time.timeframe import Timeframe
from tradai.core.exceptions import ValidationError
from tradai.core.frames._columns import CandleColumns

MANIFEST_NAME: Final = "manifest.json"

_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600

_Name = Annotated[str, Field(pattern=r"^[0-9]{4,6}(-[0-9]{2}){0,2}$")]


@final
class Partition(BaseModel):
    """One file of a series, and its extent.

    Attributes:
        name: Its period: a year, a month or a day.
        generation: The change of the series that wrote it.
        first_ms: Opening time of its first candle, in epoch milliseconds.
        last_ms: Opening time of its last candle.
        count: Number of candles.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: _Name
    generation: PositiveInt
    first_ms: int
    last_ms: int
    count: PositiveInt

    @property
    def file_name(self) -> str:
        """Name of its file; no two generations share one."""
        return f"{self.name}.g{self.generation}.parquet"


@final
class Manifest(BaseModel):
    """The files that are the series now, in order of time; `generation` counts its changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    layout: Literal[1] = 1
    generation: PositiveInt
    partitions: Annotated[tuple[Partition, ...], Field(min_length=1)]

    @classmethod
    def load(cls, folder: Path) -> "Manifest | None":
        """Read the manifest in `folder`; None when there is none.

        Raises:
            ValidationError: It is not a manifest.
            StorageError: It cannot be read.
        """
        path = folder / MANIFEST_NAME
        with file_errors("read", path):
            try:
                text = read_regular_file(path, FileKind.MANIFEST)
            except (FileNotFoundError, NotADirectoryError):
                return None
        try:
            return cls.model_validate_json(text)
        except pydantic.ValidationError as exc:
            expected = "a manifest of candles"
            message = f"{path} is not {expected}; restore it, or save the series again"
            raise ValidationError(message, field="frame", expected=expected) from exc

    def commit(self, folder: Path) -> None:
        """Replace the manifest in `folder`, which changes the series at once."""
        path = folder / MANIFEST_NAME
        with atomic_file(path) as file:
            file.write(self.model_dump_json(indent=1).encode())

    @property
    def coverage(self) -> Coverage:
        """Extent of the series."""
        first, last = self.partitions[0].first_ms, self.partitions[-1].last_ms
        count = sum(each.count for each in self.partitions)
        return Coverage(from_epoch_ms(first), from_epoch_ms(last), count)


def split_partitions(
    columns: CandleColumns, timeframe: Timeframe
) -> Iterator[tuple[str, CandleColumns]]:
    """Yield the name of each partition and its candles, in order of time.

    A partition is a day of UTC (``2025-01-31``) for candles of seconds, a month (``2025-01``) for
    candles shorter than an hour, a year (``2025``) for all others: 90,000 candles at the most.
    """
    names = columns.opened.astype("datetime64[ms]").astype(f"datetime64[{_unit(timeframe)}]")
    cuts = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist(), len(names)]
    for first, stop in pairwise(cuts):
        yield str(names[first]), columns.cut(slice(first, stop))


def _unit(timeframe: Timeframe) -> str:
    if timeframe.endswith("M") or timeframe.seconds >= _HOUR_S:
        return "Y"
    return "M" if timeframe.seconds >= _MINUTE_S else "D"
