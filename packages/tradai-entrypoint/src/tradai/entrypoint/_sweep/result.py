"""Result of a sweep: its table, its Parquet file, its JSON and its page."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, final

from tradai.core import JsonValue
from tradai.entrypoint._report.figures import FigureFormat, label_in_text
from tradai.entrypoint._report.report_files import REPORT_NAME, write_together
from tradai.entrypoint._sweep.common_notices import notices_of
from tradai.entrypoint._sweep.outcomes import (
    RunOutcome,
    drawdown_figure,
    figure_format,
    ranked,
)
from tradai.entrypoint._sweep.runs_parquet import runs_parquet
from tradai.entrypoint._sweep.walk_forward import Window

SCHEMA: Final = 1
_PROFIT: Final = "profit_percent"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class WindowResult:
    """The outcome of one walk-forward window.

    Attributes:
        window: The window.
        training: Outcome of the variant that was best on the training range; None when none
            succeeded, with as many trades as were asked for.
        test: Outcome of that variant on the test range; None when it was not run.
    """

    window: Window
    training: RunOutcome | None
    test: RunOutcome | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """All that a sweep found.

    Attributes:
        name: Name of the sweep.
        command: The command line.
        figure: Figure by which the variants are compared.
        keys: The varied keys.
        planned: Number of runs that were to be made.
        outcomes: Outcomes of all runs that ended.
        windows: Walk-forward windows; empty without them.
        stopped: Number of runs that were stopped when the sweep was interrupted.
    """

    name: str
    command: tuple[str, ...]
    figure: str
    keys: tuple[str, ...]
    planned: int
    outcomes: tuple[RunOutcome, ...]
    windows: tuple[WindowResult, ...] = ()
    stopped: int = 0

    @property
    def ranked(self) -> list[RunOutcome]:
        """The outcomes, by time range, and in each the best first."""
        return sorted(ranked(self.outcomes, self.figure), key=lambda outcome: outcome.timerange)

    @property
    def failed(self) -> list[RunOutcome]:
        """The outcomes without a result, in the order of their variants."""
        failed = (outcome for outcome in self.outcomes if not outcome.is_success)
        return sorted(failed, key=lambda outcome: outcome.variant.number)

    @property
    def notices(self) -> tuple[str, ...]:
        """Notices that all runs with a result have, such as that the candles are synthetic."""
        return notices_of(self.outcomes)

    @property
    def format(self) -> FigureFormat:
        """The format of its figures."""
        return figure_format(self.outcomes)

    @property
    def columns(self) -> tuple[str, ...]:
        """Heads of the table: varied keys, figures, run."""
        names = (key.rpartition(".")[2] for key in self.keys)
        window = ("time range",) if self.windows else ()
        return (*names, *window, *map(label_in_text, self._shown), "run")

    def row(self, outcome: RunOutcome) -> tuple[str, ...]:
        """Return the cells of `outcome` under `columns`."""
        window = (outcome.timerange,) if self.windows else ()
        shown = self.format
        return (
            *(outcome.variant.values.get(key, "-") for key in self.keys),
            *window,
            *(shown.text(name, outcome.figures.get(name)) for name in self._shown),
            outcome.run_id,
        )

    @property
    def _shown(self) -> tuple[str, ...]:
        """Figures of the table, the one to compare by among them; the files have all."""
        fall = drawdown_figure(self.outcomes)
        usual = ("trades", _PROFIT, fall, "sharpe", "profit_factor")
        return usual if self.figure in usual else (*usual, self.figure)

    def sentence(self) -> str:
        """Return the result in a sentence."""
        done = len(self.outcomes) - len(self.failed)
        reused = sum(outcome.is_reused for outcome in self.outcomes)
        text = f"sweep {self.name}: {done} of {self.planned} runs have a result"
        text += f", {reused} of them from earlier runs" if reused else ""
        text += f", {len(self.failed)} failed" if self.failed else ""
        text += f", {self.stopped} were stopped" if self.stopped else ""
        left = self.planned - len(self.outcomes) - self.stopped
        return text + (f", {left} were not run" if left else "")

    def to_json(self) -> dict[str, JsonValue]:
        """Return the result as JSON."""
        return {
            "schema_version": SCHEMA,
            "name": self.name,
            "command": list(self.command),
            "by": self.figure,
            "keys": list(self.keys),
            "planned": self.planned,
            "notices": list(self.notices),
            "runs": [_run_json(outcome) for outcome in self.ranked],
            "windows": [_window_json(each) for each in self.windows],
        }

    def write(
        self, folder: Path, page: str, more: Mapping[str, JsonValue] = MappingProxyType({})
    ) -> None:
        """Write ``sweep.json`` with `more`, ``runs.parquet`` and ``report.html`` into `folder`.

        Raises:
            StorageError: The disk refused.
        """
        document = json.dumps({**self.to_json(), **more}, indent=2) + "\n"
        files = {
            "sweep.json": document.encode(),
            "runs.parquet": runs_parquet(self.ranked, self.keys),
            REPORT_NAME: page.encode(),
        }
        write_together(folder, files)


def window_rows(result: SweepResult) -> Iterator[tuple[str, ...]]:
    """Yield a row for each window: ranges, best variant, its figure on both, its test's profit."""
    more, shown = _more_figures(result.figure), result.format
    for each in result.windows:
        yield (
            str(each.window.training),
            str(each.window.test),
            each.training.variant.label if each.training else "-",
            _figure(each.training, result.figure, shown),
            _figure(each.test, result.figure, shown),
            *(_figure(each.test, name, shown) for name in more),
        )


def window_columns(figure: str) -> tuple[str, ...]:
    """Return the heads of `window_rows`."""
    name = label_in_text(figure)
    return (
        "training",
        "test",
        "best variant",
        f"{name}, training",
        f"{name}, test",
        *(f"{label_in_text(each)}, test" for each in _more_figures(figure)),
    )


def _more_figures(figure: str) -> tuple[str, ...]:
    """Return the figures that a window shows beside the one that chose its variant."""
    return () if figure == _PROFIT else (_PROFIT,)


def _figure(outcome: RunOutcome | None, name: str, shown: FigureFormat) -> str:
    return shown.text(name, outcome.figure(name) if outcome else None)


def _run_json(outcome: RunOutcome) -> dict[str, JsonValue]:
    place = {"variant": outcome.variant.number, "timerange": outcome.timerange or None}
    return {**place, **outcome.to_json()}


def _window_json(each: WindowResult) -> dict[str, JsonValue]:
    return {
        "training": str(each.window.training),
        "test": str(each.window.test),
        "best_variant": each.training.variant.number if each.training else None,
        "training_run": each.training.run_id if each.training else None,
        "test_run": each.test.run_id if each.test else None,
    }
