"""Files of candles and trades, by their names."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, final

from tradai.core import Timeframe, series_name

FORMATS: Final = ("json", "json.gz", "feather", "parquet")
SPOT: Final = "spot"
TRADES: Final = "trades"
PARTITIONS: Final = "partitions"
# Kinds of candles beside those of the spot market, as their files are named.
OTHER_KINDS: Final = (
    "futures",
    "mark",
    "index",
    "premiumIndex",
    "funding_rate",
    "open_interest",
)
FUNDING_RATE: Final = "funding_rate"
MARK: Final = "mark"
# Kinds that a run reads.
READ_KINDS: Final = (SPOT, "futures", MARK, FUNDING_RATE)
FUTURES_FOLDER: Final = "futures"

# Columns of a kind that has no candles, in their order.
_OWN_COLUMNS: Final = {
    "funding_rate": ("funding_rate",),
    "open_interest": ("open_interest_amount", "open_interest_value"),
    TRADES: ("price", "amount"),
}
_CANDLE_COLUMNS: Final = ("open", "high", "low", "close", "volume")
_NAME: Final = re.compile(
    # There are coins with Chinese names.
    r"(?P<pair>[\w-]+_[\w-]+)-"
    rf"(?:{TRADES}|(?P<timeframe>[1-9][0-9]{{0,5}}(?:[smhdwM]|Mo))"
    rf"(?:-(?P<kind>{'|'.join(OTHER_KINDS)}))?)"
    r"\.(?P<format>json|json\.gz|feather|parquet)"
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A file of one series, named as Freqtrade names it, or its folder of partitions.

    Attributes:
        path: Its path.
        pair: Pair, with the settlement currency for futures: ``BTC/USDT:USDT``.
        timeframe: Timeframe; None for trades.
        kind: ``spot``, ``trades``, or a kind of futures data such as ``mark``.
        file_format: ``json``, ``json.gz``, ``feather``, ``parquet`` or ``partitions``.
    """

    path: Path
    pair: str
    timeframe: Timeframe | None
    kind: str
    file_format: str

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """Return the file at `path`; None when its name is not that of a series."""
        match = _NAME.fullmatch(path.name)
        if match is None:
            return None
        pair = match["pair"].replace("_", "/", 1).replace("_", ":", 1)
        if match["timeframe"] is None:
            return cls(
                path=path, pair=pair, timeframe=None, kind=TRADES, file_format=match["format"]
            )
        timeframe = Timeframe(match["timeframe"].replace("Mo", "M"))
        kind = match["kind"] or SPOT
        return cls(
            path=path, pair=pair, timeframe=timeframe, kind=kind, file_format=match["format"]
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns of numbers, without the time."""
        return _OWN_COLUMNS.get(self.kind, _CANDLE_COLUMNS)

    @property
    def has_candles(self) -> bool:
        """Whether it has open, high, low, close and volume."""
        return self.columns is _CANDLE_COLUMNS

    @property
    def series(self) -> str:
        """Name of the series, such as ``BTC/USDT 5m`` or ``BTC/USDT:USDT 8h funding_rate``."""
        words = (self.pair, self.timeframe or "", "" if self.kind == SPOT else self.kind)
        return " ".join(filter(None, words))

    def beside(self, folder: Path, *, timeframe: Timeframe, file_format: str) -> Path:
        """Return the path of the candles of this series in `folder`."""
        pair = self.pair.replace(":", "_")
        suffix = "" if self.kind in {SPOT, TRADES} else f"-{self.kind}"
        is_futures = self.path.parent.name == FUTURES_FOLDER
        place = folder / FUTURES_FOLDER if is_futures else folder
        return place / f"{series_name(pair, timeframe)}{suffix}.{file_format}"
