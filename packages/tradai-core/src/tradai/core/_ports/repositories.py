"""Repositories: collections of values of one type under keys, and of candles by series."""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, final

from tradai.core._time.timeframe import Timeframe
from tradai.core.exceptions import NotFoundError, ValidationError

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")


class Repository(ABC, Generic[T]):
    """Values of one type under keys: names joined by slashes, such as ``binance/2025``.

    Every method raises `ValidationError` for a key with an empty name or one that is ``.`` or
    ``..`` (a prefix may be any text), and `ExternalServiceError` when the storage refuses.
    """

    @abstractmethod
    def get(self, key: str) -> T:
        """Return the value under `key`.

        Raises:
            NotFoundError: The key has no value.
        """

    @abstractmethod
    def put(self, key: str, value: T) -> None:
        """Keep `value` under `key`, in place of an earlier one."""

    @abstractmethod
    def list(self, prefix: str = "") -> list[str]:
        """Return the keys that start with `prefix`, sorted."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove the value under `key`; a missing one is ignored."""


@final
class InMemoryRepository(Repository[T]):
    """Values in the memory of this process; for tests and trials. Threads may share it."""

    def __init__(self) -> None:
        """Start empty."""
        self._values: dict[str, T] = {}

    def get(self, key: str) -> T:
        """Return the value under `key`; see `Repository`."""
        check_key(key)
        try:
            return self._values[key]
        except KeyError:
            message = f"there is nothing under {key!r}; put it there first"
            raise NotFoundError(message, kind="thing", key=key) from None

    def put(self, key: str, value: T) -> None:
        """Keep `value` under `key`, in place of an earlier one."""
        check_key(key)
        self._values[key] = value

    def list(self, prefix: str = "") -> list[str]:
        """Return the keys that start with `prefix`, sorted."""
        # A copy, because other threads may put and delete values.
        return sorted(key for key in tuple(self._values) if key.startswith(prefix))

    def delete(self, key: str) -> None:
        """Remove the value under `key`; a missing one is ignored."""
        check_key(key)
        self._values.pop(key, None)


def check_key(key: str) -> None:
    """Raise `ValidationError` unless `key` is valid for a `Repository`."""
    if not {"", ".", ".."}.isdisjoint(key.split("/")):
        expected = "names joined by slashes, none of them empty, . or .."
        message = f"key {key!r} is not usable: expected {expected}"
        raise ValidationError(message, field="key", expected=expected)


class Coverage(NamedTuple):
    """Extent of a series: opening times of its first and last candle in UTC, and their number."""

    first: datetime
    last: datetime
    # Tuples have a method of this name; the field is the number of candles.
    count: int  # type: ignore[assignment]


class DataRepository(ABC):
    """Closed candles, one series for each pair and timeframe.

    A frame of candles has a `DatetimeIndex` named ``date``: opening times in UTC and whole
    milliseconds (``datetime64[ms, UTC]``), strictly rising. Its columns are ``open``, ``high``,
    ``low``, ``close`` and ``volume``: finite ``float64``. A frame without candles has the same
    index and columns.

    Candles are possible ones: open and close lie between low and high, none is negative, and each
    opens on the grid of its timeframe.

    A candle is kept only once it has closed: one saved while it was open would later pass for a
    closed one, with prices that were not known then. A candle closes when the next one opens;
    months are months of the calendar.
    """

    @abstractmethod
    def get_ohlcv(
        self,
        pair: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        closed_by: datetime | None = None,
    ) -> "pd.DataFrame":
        """Return the closed candles that open in ``start <= t < end``.

        The frame belongs to the caller.

        Args:
            pair: Such as ``BTC/USDT``.
            timeframe: Such as ``5m``.
            start: An aware instant; None means from the first candle on.
            end: An aware instant; None means to the last candle.
            closed_by: Leave out candles that had not closed by this aware instant, and so were not
                known then. None means by now; an instant in the future counts as now.

        Raises:
            NotFoundError: The series does not exist. A range without candles gives an empty frame.
            ValidationError: An instant is naive, the range is reversed, or the stored data is not a
                frame of candles.
            StorageError: The storage cannot be read.
        """

    @abstractmethod
    def coverage(self, pair: str, timeframe: str) -> Coverage | None:
        """Return the extent of the series; None when it does not exist or is empty."""

    @abstractmethod
    def save_ohlcv(self, pair: str, timeframe: str, frame: "pd.DataFrame") -> None:
        """Keep `frame` as the whole series; an earlier one is replaced at once or not at all.

        Raises:
            ValidationError: `frame` is empty, not a frame of candles, or has a candle that is
                still open or that cannot be.
            StorageError: The storage refused.
        """

    @abstractmethod
    def upsert_ohlcv(self, pair: str, timeframe: str, frame: "pd.DataFrame") -> None:
        """Add the candles of `frame` to the series, in place of those that open when they do.

        Later candles are appended, holes are filled, all others stay as they are; a missing
        series is created. Doing it twice is the same as once, and it is done whole or not at all.

        Raises:
            ValidationError: As for `save_ohlcv`.
            StorageError: The storage refused.
        """

    @abstractmethod
    def series(self) -> list[tuple[str, Timeframe]]:
        """Return pair and timeframe of every series, sorted."""


def series_name(pair: str, timeframe: str) -> str:
    """Return the name of a series of candles on disk, as Freqtrade names its files.

    A month is ``Mo``, since some file systems ignore case.

    >>> series_name("BTC/USDT", "5m")
    'BTC_USDT-5m'
    """
    return f"{pair.replace('/', '_')}-{timeframe.replace('M', 'Mo')}"
