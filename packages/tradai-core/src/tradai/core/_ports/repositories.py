"""Repositories: typed collections of one kind of thing, whatever keeps them."""

import threading
from abc import ABC, abstractmethod
from datetime import datetime
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, final

from tradai.core._time.timeframe import Timeframe
from tradai.core.exceptions import NotFoundError, ValidationError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Coverage", "DataRepository", "InMemoryRepository", "Repository", "check_key"]

T = TypeVar("T")


class Repository(ABC, Generic[T]):
    """Things of one type under keys: names joined by slashes, such as ``binance/2025``.

    Every method raises `ValidationError` for a key with an empty name or one that is ``.`` or
    ``..`` (a prefix may be any text), and `ExternalServiceError` when what keeps the things
    refuses.
    """

    @abstractmethod
    def get(self, key: str) -> T:
        """Return what is kept under `key`.

        Raises:
            NotFoundError: Nothing is.
        """

    @abstractmethod
    def put(self, key: str, value: T) -> None:
        """Keep `value` under `key`, in place of what was there."""

    @abstractmethod
    def list(self, prefix: str = "") -> list[str]:
        """Return the keys that start with `prefix`, sorted."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Forget what is kept under `key`; nothing there is no error."""


@final
class InMemoryRepository(Repository[T]):
    """Things in the memory of this process; for tests and trials. Threads may share it."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._things: dict[str, T] = {}

    def get(self, key: str) -> T:
        """Return what is kept under `key`; see `Repository`."""
        check_key(key)
        with self._lock:
            if key in self._things:
                return self._things[key]
        message = f"there is nothing under {key!r}; put it there first"
        raise NotFoundError(message, kind="thing", key=key)

    def put(self, key: str, value: T) -> None:
        """Keep `value` under `key`, in place of what was there."""
        check_key(key)
        with self._lock:
            self._things[key] = value

    def list(self, prefix: str = "") -> list[str]:
        """Return the keys that start with `prefix`, sorted."""
        with self._lock:
            return sorted(key for key in self._things if key.startswith(prefix))

    def delete(self, key: str) -> None:
        """Forget what is kept under `key`; nothing there is no error."""
        check_key(key)
        with self._lock:
            self._things.pop(key, None)


def check_key(key: str) -> None:
    """Refuse what is no key of a `Repository` with a `ValidationError`."""
    if not {"", ".", ".."}.isdisjoint(key.split("/")):
        expected = "names joined by slashes, none of them empty, . or .."
        message = f"key {key!r} is not usable: expected {expected}"
        raise ValidationError(message, field="key", expected=expected)


class Coverage(NamedTuple):
    """What a series holds: opening times of its first and last candle, UTC, and how many."""

    first: datetime
    last: datetime
    # A field named like a method of every tuple, because that is what it is.
    count: int  # type: ignore[assignment]


class DataRepository(ABC):
    """Closed candles, one series for each pair and timeframe.

    A frame of candles has a `DatetimeIndex` named ``date``: opening times in UTC and whole
    milliseconds (``datetime64[ms, UTC]``), strictly rising. Its columns are ``open``, ``high``,
    ``low``, ``close`` and ``volume``: finite ``float64``. A frame without candles has the same
    index and columns.

    A candle is kept only once it has closed: one saved while it was open would later pass for a
    closed one, with prices that nobody could have known. A candle closes when the next one opens;
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
        """Return the closed candles that open in ``start <= t < end``; the frame is the caller's.

        Args:
            pair: Such as ``BTC/USDT``.
            timeframe: Such as ``5m``.
            start: An aware instant; None means from the first candle on.
            end: An aware instant; None means to the last candle.
            closed_by: Leave out candles that had not closed by this aware instant: what was known
                then. None means by now; an instant in the future counts as now.

        Raises:
            NotFoundError: There is no such series. A range without candles gives an empty frame.
            ValidationError: An instant is naive, the range is not one, or what is kept is not a
                frame of candles.
            StorageError: What keeps the series cannot be read.
        """

    @abstractmethod
    def coverage(self, pair: str, timeframe: str) -> Coverage | None:
        """Say what the series holds; None when there is no such series or it is empty."""

    @abstractmethod
    def save_ohlcv(self, pair: str, timeframe: str, frame: "pd.DataFrame") -> None:
        """Keep `frame` as the whole series; an earlier one is replaced at once or not at all.

        Raises:
            ValidationError: `frame` is empty, not a frame of candles, or has a candle that is
                still open.
            StorageError: What keeps the series refused.
        """

    @abstractmethod
    def upsert_ohlcv(self, pair: str, timeframe: str, frame: "pd.DataFrame") -> None:
        """Add the candles of `frame` to the series, in place of those that open when they do.

        Later candles are appended, holes are filled, all others stay as they are. A series that
        is not there begins. Doing it twice is the same as once, and it is done whole or not at
        all.

        Raises:
            ValidationError: As for `save_ohlcv`.
            StorageError: What keeps the series refused.
        """

    @abstractmethod
    def series(self) -> list[tuple[str, Timeframe]]:
        """Return pair and timeframe of every series, sorted."""
