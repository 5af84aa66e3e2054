"""Comparison of the variants of a sweep, over one time range or over walk-forward windows."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from typing import final

from tradai.entrypoint._sweep.outcomes import RunOutcome, best
from tradai.entrypoint._sweep.result import SweepResult, WindowResult
from tradai.entrypoint._sweep.sweep import Sweep, SweepRun
from tradai.entrypoint._sweep.variants import Variant
from tradai.entrypoint._sweep.walk_forward import Window


@final
class Comparison:
    """All runs of a sweep, and their outcomes so far.

    Attributes:
        planned: Number of runs to make.
        outcomes: Outcomes so far, in the order in which they became known.
    """

    def __init__(
        self,
        sweep: Sweep,
        variants: Sequence[Variant],
        windows: Sequence[Window],
        *,
        figure: str,
        fewest_trades: int = 0,
        on_outcome: Callable[[RunOutcome, str], None],
    ) -> None:
        """Compare `variants` by `figure`; nothing is run yet.

        Args:
            sweep: Makes the runs.
            variants: Variants to compare.
            windows: Walk-forward windows; without any, the time range of the configuration counts.
            figure: Name of the figure.
            fewest_trades: Number of trades below which a run cannot be the best of a window.
            on_outcome: Called with each outcome, and with the number of runs that are done.
        """
        self.planned = len(variants) * max(1, len(windows)) + len(windows)
        self.outcomes: list[RunOutcome] = []
        self._sweep = sweep
        self._variants = variants
        self._windows = windows
        self._figure = figure
        self._fewest_trades = fewest_trades
        self._on_outcome = on_outcome
        self._tests: list[RunOutcome] = []

    @property
    def first(self) -> SweepRun:
        """The run of the first variant over the time range of the configuration."""
        return SweepRun(variant=self._variants[0])

    def run(self) -> None:
        """Run all variants; with windows, the best of each on the range after it, too.

        Raises:
            RunInterruptedError: A signal came; the jobs are stopped.
        """
        ranges = [str(window.training) for window in self._windows] or [""]
        self._make(
            (
                SweepRun(variant=variant, timerange=each)
                for each in ranges
                for variant in self._variants
            ),
            self.outcomes,
        )
        runs = (
            SweepRun(variant=outcome.variant, timerange=str(window.test))
            for window in self._windows
            if (outcome := self._best(window))
        )
        self._make(list(runs), self._tests)

    def result(self, name: str, command: tuple[str, ...]) -> SweepResult:
        """Return the result so far."""
        tests = {outcome.timerange: outcome for outcome in self._tests}
        windows = (
            WindowResult(window=each, training=self._best(each), test=tests.get(str(each.test)))
            for each in self._windows
        )
        return SweepResult(
            name=name,
            command=command,
            figure=self._figure,
            keys=tuple(dict.fromkeys(key for each in self._variants for key in each.values)),
            planned=self.planned,
            outcomes=(*self.outcomes, *self._tests),
            windows=tuple(windows),
            stopped=self._sweep.unfinished,
        )

    def _best(self, window: Window) -> RunOutcome | None:
        timerange = str(window.training)
        outcomes = (
            each
            for each in self.outcomes
            if each.timerange == timerange and each.trades >= self._fewest_trades
        )
        return best(outcomes, self._figure)

    def _make(self, runs: Iterable[SweepRun], outcomes: list[RunOutcome]) -> None:
        with closing(self._sweep.outcomes(runs)) as made:
            for outcome in made:
                outcomes.append(outcome)
                done = len(self.outcomes) + len(self._tests)
                self._on_outcome(outcome, f"{done} of {self.planned} runs")
