"""Repositories: typed collections of one kind of thing, whatever keeps them."""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from tradai.core._timeframe import Timeframe

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Coverage", "DataRepository", "Repository"]

T = TypeVar("T")


class Repository(ABC, Generic[T]):
    """Things of one type under keys."""

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


class Coverage(NamedTuple):
    """What a series holds: opening times of its first and last candle, UTC, and how many."""

    first: datetime
    last: datetime
    # A field named like a method of every tuple, because that is what it is.
    count: int  # type: ignore[assignment]


class DataRepository(ABC):
    """Candles, one series for each pair and timeframe.

    A frame of candles has a `DatetimeIndex` named ``date``: opening times in UTC and whole
    milliseconds (``datetime64[ms, UTC]``), strictly rising. Its columns are ``open``, ``high``,
    ``low``, ``close`` and ``volume``: finite ``float64``.
    """

    @abstractmethod
    def get_ohlcv(
        self,
        pair: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> "pd.DataFrame":
        """Return the candles that open in ``start <= t < end``; the caller may change the frame.

        Args:
            pair: Such as ``BTC/USDT``.
            timeframe: Such as ``5m``.
            start: An aware instant; None means from the first candle on.
            end: An aware instant; None means to the last candle.

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
            ValidationError: `frame` is empty or not a frame of candles.
            StorageError: What keeps the series refused.
        """

    @abstractmethod
    def series(self) -> list[tuple[str, Timeframe]]:
        """Return pair and timeframe of every series, sorted."""
