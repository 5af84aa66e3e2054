"""Repositories of candles on pandas; needs ``tradai-core[frames]``."""

import io
import re
from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, final

import numpy as np
import pandas as pd

from tradai.core._disk import file_path, refusals
from tradai.core._repositories import Coverage, DataRepository
from tradai.core._stores import FileStore
from tradai.core._timeframe import Timeframe
from tradai.core._types import pair_parts
from tradai.core.exceptions import NotFoundError, StorageError, ValidationError

__all__ = ["Gap", "InMemoryDataRepository", "ParquetDataRepository", "gaps"]

_COLUMNS: Final = ["open", "high", "low", "close", "volume"]
_FORMATS: Final = ("parquet", "feather")
_FILE: Final = re.compile(
    r"([A-Z0-9]{1,20})_([A-Z0-9]{1,20})-([1-9][0-9]{0,5}(?:[smhdw]|Mo))\.(?:parquet|feather)"
)
# What pyarrow and pandas raise over damaged bytes, down to lengths that no memory can hold.
_DAMAGE: Final = (
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    TypeError,
    ValueError,
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Candles that are not there: `missing` of them, opening in ``start <= t < end``."""

    start: datetime
    end: datetime
    missing: int


def gaps(frame: pd.DataFrame, timeframe: str) -> list[Gap]:
    """Return where candles are missing between the first and the last one of `frame`.

    Raises:
        ValidationError: `timeframe` has no fixed length (months).
    """
    step = pd.Timedelta(seconds=Timeframe(timeframe).seconds)
    opened = pd.DatetimeIndex(frame.index)
    wide = np.flatnonzero(opened[1:] - opened[:-1] > step)
    return [_gap(opened[place], opened[place + 1], step) for place in wide.tolist()]


class _FrameRepository(DataRepository):
    """What repositories of whole frames have in common: checks and ranges."""

    def get_ohlcv(
        self,
        pair: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> pd.DataFrame:
        """Return the candles that open in ``start <= t < end``; see `DataRepository`."""
        _check_range(start, end)
        frame = self._load(*_series(pair, timeframe))
        if frame is None:
            key = f"{pair} {timeframe}"
            message = f"there are no candles of {key}{self._place()}; download them first"
            raise NotFoundError(message, kind="series", key=key)
        opened = pd.DatetimeIndex(frame.index)
        first = 0 if start is None else opened.searchsorted(pd.Timestamp(start))
        stop = len(opened) if end is None else opened.searchsorted(pd.Timestamp(end))
        return frame.iloc[first:stop].copy()

    def coverage(self, pair: str, timeframe: str) -> Coverage | None:
        """Say what the series holds; None when there is no such series or it is empty."""
        frame = self._load(*_series(pair, timeframe))
        if frame is None or frame.empty:
            return None
        opened = pd.DatetimeIndex(frame.index)
        first, last = opened[0].to_pydatetime(), opened[-1].to_pydatetime()
        return Coverage(first=first, last=last, count=len(opened))

    def save_ohlcv(self, pair: str, timeframe: str, frame: pd.DataFrame) -> None:
        """Keep `frame` as the whole series; see `DataRepository`."""
        series = _series(pair, timeframe)
        what = f"{pair} {timeframe}"
        if frame.empty:
            raise _unfit(what, "there are none")
        _check_types(frame, what)
        self._keep(*series, _checked(frame, what))

    @abstractmethod
    def _load(self, pair: str, timeframe: Timeframe) -> pd.DataFrame | None:
        """Return the whole series, checked."""

    @abstractmethod
    def _keep(self, pair: str, timeframe: Timeframe, frame: pd.DataFrame) -> None:
        """Replace the whole series."""

    @abstractmethod
    def _place(self) -> str:
        """Return where the series are, for messages."""


@final
class InMemoryDataRepository(_FrameRepository):
    """Candles in the memory of this process; for tests and trials."""

    def __init__(self) -> None:
        """Start empty."""
        self._frames: dict[tuple[str, Timeframe], pd.DataFrame] = {}

    def series(self) -> list[tuple[str, Timeframe]]:
        """Return pair and timeframe of every series, sorted."""
        return sorted(self._frames)

    def _load(self, pair: str, timeframe: Timeframe) -> pd.DataFrame | None:
        return self._frames.get((pair, timeframe))

    def _keep(self, pair: str, timeframe: Timeframe, frame: pd.DataFrame) -> None:
        self._frames[pair, timeframe] = frame

    def _place(self) -> str:
        return ""


@final
class ParquetDataRepository(_FrameRepository):
    """Candles in a flat folder laid out like Freqtrade's: ``BTC_USDT-5m.parquet``, one a series.

    Parquet and Feather files are read, and Freqtrade reads both. Parquet files written here carry
    checksums that are verified on reading; a Feather file has none, so a flipped bit in a price
    goes unnoticed. A series with a file of each format is refused, since either may be stale.
    """

    def __init__(
        self, root: str | Path, *, file_format: Literal["parquet", "feather"] = "parquet"
    ) -> None:
        """Keep candles in the folder `root`; it comes into being with the first series.

        Raises:
            ValidationError: `file_format` is neither.
        """
        if file_format not in _FORMATS:
            expected = "parquet or feather"
            message = f"file format {file_format!r} is not usable: expected {expected}"
            raise ValidationError(message, field="file_format", expected=expected)
        self._root = file_path(root).absolute()
        self._format = file_format
        self._store = FileStore(self._root)

    def series(self) -> list[tuple[str, Timeframe]]:
        """Return pair and timeframe of every series, sorted; other files are passed over."""
        if not self._root.is_dir():
            return []
        with refusals("list", self._root):
            names = [path.name for path in self._root.iterdir()]
        matches = (_FILE.fullmatch(name) for name in names)
        found = {(f"{m[1]}/{m[2]}", Timeframe(m[3].replace("Mo", "M"))) for m in matches if m}
        return sorted(found)

    def _load(self, pair: str, timeframe: Timeframe) -> pd.DataFrame | None:
        paths = [path for path in self._paths(pair, timeframe).values() if path.exists()]
        if len(paths) > 1:
            names = " and ".join(str(path) for path in paths)
            what, problem = f"{pair} {timeframe}", f"they are in {names}; remove the stale one"
            raise _unfit(what, problem)
        return _checked(self._read(paths[0]), str(paths[0])) if paths else None

    def _keep(self, pair: str, timeframe: Timeframe, frame: pd.DataFrame) -> None:
        paths = self._paths(pair, timeframe)
        target = paths.pop(self._format)
        self._store.write(target.as_uri(), _encoded(frame, self._format))
        for stale in paths.values():
            self._store.delete(stale.as_uri())

    def _read(self, path: Path) -> pd.DataFrame:
        data = self._store.read(path.as_uri()).data
        try:
            return _decoded(data, path.suffix)
        except _DAMAGE as exc:
            message = f"cannot read candles from {path}: {exc}; download the file again"
            raise StorageError(message, operation="read") from exc

    def _paths(self, pair: str, timeframe: Timeframe) -> dict[str, Path]:
        stem = f"{pair.replace('/', '_')}-{timeframe.replace('M', 'Mo')}"
        return {suffix: self._root / f"{stem}.{suffix}" for suffix in _FORMATS}

    def _place(self) -> str:
        return f" in {self._root}"


def _encoded(frame: pd.DataFrame, file_format: str) -> bytes:
    buffer = io.BytesIO()
    if file_format == "feather":
        frame.reset_index().to_feather(buffer)
    else:
        frame.reset_index().to_parquet(buffer, index=False, write_page_checksum=True)
    return buffer.getvalue()


def _decoded(data: bytes, suffix: str) -> pd.DataFrame:
    buffer = io.BytesIO(data)
    if suffix == ".feather":
        table = pd.read_feather(buffer)
    else:
        table = pd.read_parquet(buffer, page_checksum_verification=True)
    return table.set_index("date")[_COLUMNS].astype("float64")


def _checked(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """Return the candles of `frame`, copied, in the form that `DataRepository` promises."""
    opened = frame.index
    if not isinstance(opened, pd.DatetimeIndex) or str(opened.tz) != "UTC":
        raise _unfit(what, "the dates are not in UTC")
    if not (opened.is_monotonic_increasing and opened.is_unique) or opened.hasnans:
        raise _unfit(what, "the dates do not rise strictly")
    whole = opened.tz_convert("UTC").as_unit("ms").rename("date")
    if not (whole == opened).all():
        raise _unfit(what, "the dates are not whole milliseconds")
    if not np.isfinite(frame.to_numpy()).all():
        raise _unfit(what, "a value is not finite")
    return frame.set_axis(whole)[_COLUMNS]


def _check_types(frame: pd.DataFrame, what: str) -> None:
    if sorted(frame.columns) != sorted(_COLUMNS) or frame.index.name != "date":
        problem = f"the index is not named date, or the columns are not {', '.join(_COLUMNS)}"
        raise _unfit(what, problem)
    if (frame.dtypes != "float64").any():
        raise _unfit(what, "a column is not of float64")


def _series(pair: str, timeframe: str) -> tuple[str, Timeframe]:
    pair_parts(pair)
    if ":" in pair:
        expected = "a spot pair such as BTC/USDT"
        message = f"pair {pair!r} is not usable here: expected {expected}"
        raise ValidationError(message, field="pair", expected=expected)
    return pair, Timeframe(timeframe)


def _check_range(start: datetime | None, end: datetime | None) -> None:
    expected = "aware instants, the start not after the end"
    naive = any(at is not None and at.utcoffset() is None for at in (start, end))
    if naive or (start is not None and end is not None and start > end):
        message = f"the range is not usable: expected {expected}"
        raise ValidationError(message, expected=expected)


def _gap(before: pd.Timestamp, after: pd.Timestamp, step: pd.Timedelta) -> Gap:
    start, end = (before + step).to_pydatetime(), after.to_pydatetime()
    return Gap(start=start, end=end, missing=-((before - after) // step) - 1)


def _unfit(what: str, problem: str) -> ValidationError:
    expected = "rising UTC dates and finite float64 open, high, low, close, volume"
    message = f"the candles of {what} are not usable: {problem}; expected {expected}"
    return ValidationError(message, field="frame", expected=expected)
