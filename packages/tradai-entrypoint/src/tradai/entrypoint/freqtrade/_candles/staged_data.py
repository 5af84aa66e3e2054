"""Request and answer of the process that stages candles; both are sent as JSON.

Both sides import this module, so its imports are few: pydantic would take the process that stages
candles as long as reading a month of them. What it sends is from our own code on either side.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self, final

from tradai.core import JsonValue, OpenTimeRange, Timeframe, TimeRange, parse_time_range
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint.freqtrade._candles.gap_moves import is_far

LONGEST_FUNDING_INTERVAL: Final = timedelta(hours=8)
_LONGEST_MONTH: Final = timedelta(days=31)


def candle_length(timeframe: Timeframe) -> timedelta:
    """Return the length of a candle; of months, which differ, the longest there can be."""
    if timeframe.endswith("M"):
        return int(timeframe[:-1]) * _LONGEST_MONTH
    return timedelta(seconds=timeframe.seconds)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class NeededSeries:
    """Candles of one pair and timeframe that a run will read.

    Attributes:
        warmup: Candles needed before the range that is traded on.
        is_traded: Whether the strategy trades on them, rather than only reads them.
        kind: The engine's name of the kind of candles: ``spot``, or of a perpetual contract
            ``futures``, ``mark`` or ``funding_rate``.
        is_detail: Whether ``parameters.timeframe_detail`` asks for them.
    """

    pair: str
    timeframe: str
    warmup: int
    is_traded: bool
    kind: str = "spot"
    is_detail: bool = False

    @property
    def name(self) -> str:
        """The series in one word, such as ``BTC/USDT@5m`` or ``BTC/USDT:USDT@1h-mark``."""
        return f"{self.pair}@{self.label}"

    @property
    def label(self) -> str:
        """Timeframe and, for the data of a contract, the kind, such as ``1h-mark``."""
        return self.timeframe if self.kind == "spot" else f"{self.timeframe}-{self.kind}"

    @property
    def candle(self) -> timedelta:
        """Length of a candle; of a funding rate, the longest time between two of them."""
        if self.kind == "funding_rate":
            return LONGEST_FUNDING_INTERVAL
        return candle_length(Timeframe(self.timeframe))

    @property
    def noun(self) -> str:
        """Name of one of its rows."""
        return "funding rate" if self.kind == "funding_rate" else "candle"

    @property
    def late_effect(self) -> str:
        """Effect on a run of rows that are missing before the first one."""
        if self.kind == "funding_rate":
            fee = "no funding fee, or that of engine.futures_funding_rate"
            return f"before it the engine charges {fee}"
        if self.kind == "mark":
            return "before it the engine charges no funding fee"
        return "the strategy starts later or less warmed up"

    @property
    def early_effect(self) -> str:
        """Effect on a run of rows that are missing after the last one; empty when it is plain."""
        if self.kind in {"funding_rate", "mark"}:
            return ": after it the engine charges no funding fee"
        return ""

    @property
    def gap_effect(self) -> str:
        """Effect on a run of rows that are missing in between."""
        if self.kind == "funding_rate":
            return "the engine charges no funding fee there"
        return "the engine fills them with flat candles"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StagingRequest:
    """Candles to stage for the engine.

    Attributes:
        data: URI or folder that they are read from.
        shown: Name of `data` in messages: the URI that its files were fetched from.
        folder: Folder that they are written to; created if missing.
        series: Series to read.
        timerange: Range to trade on, whose open end is that of the candles; None is all of them.
    """

    data: str
    folder: Path
    series: tuple[NeededSeries, ...]
    timerange: TimeRange | OpenTimeRange | None
    shown: str = ""

    def to_json(self) -> bytes:
        """Return the request as JSON."""
        return json.dumps(self, default=_plain).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read what `to_json` returned.

        Raises:
            ValueError: `text` is not such a request.
            LookupError: A part of it is missing.
            TypeError: It has other parts.
        """
        values = json.loads(text)
        timerange = values["timerange"]
        return cls(
            data=values["data"],
            shown=values["shown"],
            folder=Path(values["folder"]),
            series=tuple(NeededSeries(**each) for each in values["series"]),
            timerange=timerange and parse_time_range(timerange),
        )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StagedGap:
    """`missing` candles that are not there: those that open in ``start <= t < stop``.

    Attributes:
        move: The opening price after it over the closing price before it.
    """

    start: datetime
    stop: datetime
    missing: int
    move: float = 1.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StagedSeries:
    """A series that was staged.

    Attributes:
        rows: Number of candles.
        first: Open time of the first one.
        last: Open time of the last one.
        gaps: Where candles are missing, in order of time.
        jumps: Prices that no market makes, as phrases in order of time.
        digest: SHA-256 over the values; the file format does not matter.
        lowest: The lowest price; 0 when it is not known.
    """

    pair: str
    timeframe: str
    rows: int
    first: datetime
    last: datetime
    gaps: tuple[StagedGap, ...]
    jumps: tuple[str, ...]
    digest: str
    lowest: float = 0.0

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> Self:
        """Return the series that JSON describes by `values`."""
        instants = {name: datetime.fromisoformat(values[name]) for name in ("first", "last")}
        gaps = (
            StagedGap(
                start=datetime.fromisoformat(gap["start"]),
                stop=datetime.fromisoformat(gap["stop"]),
                missing=gap["missing"],
                move=gap["move"],
            )
            for gap in values["gaps"]
        )
        jumps = tuple(values["jumps"])
        return cls(**values | instants | {"gaps": tuple(gaps), "jumps": jumps})

    @property
    def missing(self) -> int:
        """Number of candles missing between the first and the last one."""
        return sum(gap.missing for gap in self.gaps)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StagedData:
    """All candles that were staged for one run.

    Attributes:
        timerange: The range to trade on.
        series: Every requested series, in the order of the request.
        digest: SHA-256 over the values of all series; their order does not matter.
    """

    timerange: TimeRange
    series: tuple[StagedSeries, ...]
    digest: str

    def to_json(self) -> bytes:
        """Return the answer as JSON."""
        return json.dumps(self, default=_plain).encode()

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> Self:
        """Return the answer that JSON describes by `values`."""
        return cls(
            timerange=TimeRange.parse(values["timerange"]),
            series=tuple(map(StagedSeries.from_values, values["series"])),
            digest=values["digest"],
        )

    def traded_until(self, needed: Sequence[NeededSeries]) -> datetime:
        """Return when the last candle closes of the traded series whose candles end first.

        Candles that end earlier than those of other pairs make a result as old as they are.
        """
        pairs = zip(self.series, needed, strict=True)
        ends = [staged.last + wanted.candle for staged, wanted in pairs if wanted.is_traded]
        return min([*ends, self.timerange.stop])

    def notices(self, needed: Sequence[NeededSeries]) -> tuple[str, ...]:
        """Return a sentence for each way in which the candles fall short of what was `needed`.

        Series that fall short in the same way share one.
        """
        names: dict[str, list[str]] = {}
        for staged, wanted in zip(self.series, needed, strict=True):
            for shortfall in self._shortfalls(staged, wanted):
                names.setdefault(shortfall, []).append(wanted.name)
        return tuple(f"{_each_of(names[shortfall])} {shortfall}" for shortfall in names)

    def _shortfalls(self, staged: StagedSeries, wanted: NeededSeries) -> Iterator[str]:
        start = self.timerange.start - wanted.warmup * wanted.candle
        late = (staged.first - start) // wanted.candle
        early = (self.timerange.stop - staged.last) // wanted.candle - 1
        if late > 0:
            first, missing = f"{staged.first:%Y-%m-%d %H:%M}", counted(late, wanted.noun)
            yield (
                f"starts at {first}, {missing} after {start:%Y-%m-%d %H:%M}: {wanted.late_effect}"
            )
        if early > 0:
            last, missing = f"{staged.last:%Y-%m-%d %H:%M}", counted(early, wanted.noun)
            yield f"ends at {last}, {missing} early{wanted.early_effect}"
        if staged.gaps:
            longest = max(staged.gaps, key=lambda gap: gap.missing)
            yield (
                f"lacks {counted(staged.missing, wanted.noun)} in "
                f"{counted(len(staged.gaps), 'gap')}, "
                f"the longest {longest.missing} from {longest.start:%Y-%m-%d %H:%M}: "
                f"{wanted.gap_effect}{_leap(staged.gaps)}"
            )
        if staged.jumps:
            yield (
                f"has jumps that no market makes, {len(staged.jumps)} in all, the "
                f"first: {staged.jumps[0]}; check where the candles are from"
            )


def _each_of(names: Sequence[str]) -> str:
    """Return `names` as the subject of a sentence in the singular."""
    *others, last = names
    return f"each of {', '.join(others)} and {last}" if others else last


def _leap(gaps: Sequence[StagedGap]) -> str:
    """Return the end of a sentence on the first gap over which the price leaps; empty for none."""
    far = next((gap for gap in gaps if is_far(gap.move)), None)
    if far is None:
        return ""
    return (
        f"; after the gap from {far.start:%Y-%m-%d %H:%M} the price is {far.move:.3g} times the "
        "one before, which a position gains or loses"
    )


def _plain(value: object) -> JsonValue | dict[str, Any]:
    """Return `value` for JSON."""
    if is_dataclass(value) and not isinstance(value, (TimeRange, OpenTimeRange)):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return value.isoformat() if isinstance(value, datetime) else str(value)
