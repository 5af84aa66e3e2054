"""A recorded run that is compared with others."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Self, final

from tradai.core import JsonValue
from tradai.core.exceptions import ValidationError
from tradai.entrypoint._history.run_figures import block_of
from tradai.entrypoint._history.summaries import is_killed
from tradai.entrypoint._report.config_rows import flatten
from tradai.entrypoint._report.formatting import time_range_text
from tradai.entrypoint._report.model import RunReportParts
from tradai.entrypoint._runs._bias.bias_checks import add_bias_notices
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint.freqtrade import recorded_parts

Point = tuple[float, float, float]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRun:
    """A run, its manifest and the parts of its report.

    Attributes:
        folder: Folder of the run.
        name: Name in tables and charts.
    """

    folder: Path
    name: str
    record: RunManifest
    parts: RunReportParts = field(default_factory=RunReportParts)

    @classmethod
    def read(cls, folder: Path, *, name: str | None = None) -> Self:
        """Read the run in `folder`, and give it `name`; None is its id.

        Raises:
            ValidationError: It has not ended.
            NotFoundError, StorageError: Its files cannot be read.
        """
        record = RunManifest.read(folder)
        if record.state != "ended":
            how = "was killed" if is_killed(folder) else "has not ended"
            message = f"run {record.run_id} {how}: compare runs that have a result"
            raise ValidationError(message, field="run", expected="a run that has ended")
        parts = recorded_parts(folder, record, with_candles=False) or RunReportParts()
        add_bias_notices(folder.parent, record)
        return cls(folder=folder, name=name or record.run_id, record=record, parts=parts)

    @property
    def is_named(self) -> bool:
        """Whether it has another name than its id."""
        return self.name != self.record.run_id

    @property
    def curve(self) -> list[Point]:
        """Seconds since 1970, profit on the start and drawdown, both as ratios."""
        account = [(each.at, each.equity, each.drawdown) for each in self.parts.equity]
        account = account or [(each.at, each.balance, each.drawdown) for each in self.parts.balance]
        if not account or not account[0][1]:
            return []
        start = account[0][1]
        return [(at.timestamp(), value / start - 1, 0.0 - fall) for at, value, fall in account]

    @property
    def has_equity(self) -> bool:
        """Whether the curve counts open positions."""
        return bool(self.parts.equity)

    @property
    def figures(self) -> dict[str, float]:
        """Numbers of the result, by name."""
        return dict(_numbers(self.record.results))

    @property
    def currency(self) -> str:
        """Currency of the stake; empty where the configuration does not name it."""
        return str(self.record.config.get("stake_currency") or "")

    @property
    def settings(self) -> dict[str, str]:
        """Values of the configuration and the run, by dotted name."""
        values: dict[str, JsonValue] = {
            **self.record.config,
            "run": self.record.run_parameters,
            "mode": self.record.mode.value if self.record.mode else None,
            "data": self.record.data.get("timerange"),
        }
        return {row.name: row.value for row in flatten(values, {})}

    @property
    def starting_balance(self) -> float:
        """The configured balance before the first trade; 0 without a configuration."""
        return float(block_of(self.record.config, "execution").get("starting_balance") or 0)

    @property
    def pairs(self) -> frozenset[str]:
        """The configured pairs."""
        pairs = self.record.config.get("pairs")
        return frozenset(map(str, pairs)) if isinstance(pairs, list) else frozenset()

    @property
    def period(self) -> str:
        """First and last candle, or else the time range that was asked for."""
        return self.covered or self.asked or time_range_text("-")

    @property
    def covered(self) -> str | None:
        """First and last candle of the result; None without a result that has them."""
        results = self.record.results
        if "first_candle" not in results:
            return None
        return f"{results['first_candle']} to {results.get('last_candle')}"

    @property
    def asked(self) -> str | None:
        """The time range that was asked for; None where all candles were."""
        timerange = self.record.data.get("timerange")
        return time_range_text(str(timerange)) if timerange else None


def _numbers(results: dict[str, JsonValue]) -> Iterator[tuple[str, float]]:
    for name, value in results.items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_number and isfinite(float(str(value))):
            yield name, float(str(value))
