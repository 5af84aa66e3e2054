"""Runs and resamples by which a backtest is tested, one after the other."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

from tradai.core import StrategyConfig
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint._robust.bootstrap import Bootstrap
from tradai.entrypoint._robust.costs import added_costs
from tradai.entrypoint._robust.findings import FEWEST_TRADES
from tradai.entrypoint._robust.result import Robustness
from tradai.entrypoint._robust.shake import ShakenGroup, shaken_sets
from tradai.entrypoint._robust.trades import ClosedTrades
from tradai.entrypoint._robust.windows import WalkWish
from tradai.entrypoint._sweep.comparison import Comparison
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.sweep import Sweep, SweepRun
from tradai.entrypoint._sweep.variants import Variant
from tradai.entrypoint._sweep.walk_forward import Window

# Shaken sets that a walk-forward chooses among, beside the configuration.
_CANDIDATES: Final = 4


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Shaking:
    """Choices of the shaken runs.

    Attributes:
        share: Largest change of a number, as a share of it.
        sets: Number of sets.
        seed: Seed of the random numbers, those of the resamples too.
    """

    share: float
    sets: int
    seed: int


@final
@dataclass(kw_only=True)
class Study:
    """Tests of one configuration.

    Attributes:
        sweep: Makes the runs.
        config: The configuration.
        groups: Its numbers to shake.
        unshaken: Numeric hyper-parameters that only the strategy class has.
        walk: The wish for a walk-forward.
        shaking: Choices of the shaken runs.
        runs: Folder of the runs.
        on_outcome: Called with each outcome, and with the number of runs that are done; of how many
            is known once the backtest has its trades.
    """

    sweep: Sweep
    config: StrategyConfig
    groups: tuple[ShakenGroup, ...]
    unshaken: tuple[str, ...]
    walk: WalkWish
    shaking: Shaking
    runs: Path
    on_outcome: Callable[[RunOutcome, str], object]
    _done: int = field(default=0, init=False)
    _planned: int | None = field(default=None, init=False)

    def run(self) -> Robustness:
        """Make the backtest and all further runs, and resample its trades.

        Raises:
            RunInterruptedError: A signal came; the jobs are stopped.
            StorageError: The trades of the backtest cannot be read.
        """
        (base,) = self._outcomes([{}])
        trades = self._trades(base)
        result = Robustness(
            base=base,
            trades=len(trades.profits),
            balance=float(self.config.execution.starting_balance),
            shaking_share=self.shaking.share,
            unshaken=self.unshaken,
        )
        return result if result.problem else self._tested(result, trades)

    def _tested(self, result: Robustness, trades: ClosedTrades) -> Robustness:
        shaking = self.shaking
        sets = shaken_sets(self.groups, share=shaking.share, count=shaking.sets, seed=shaking.seed)
        choice = self.walk.choice(result.trades)
        comparison = self._walk(sets, choice.windows) if sets and choice.windows else None
        self._planned = 1 + len(sets) + (comparison.planned if comparison else 0)
        tested = result.tested(
            shaken=self._outcomes(sets),
            costs=added_costs(trades),
            bootstrap=Bootstrap.of(trades.profits, seed=shaking.seed),
        )
        if not sets:
            return tested.without_walk("no number was shaken, so there is nothing to choose from.")
        if comparison is None:
            return tested.without_walk(choice.reason)
        comparison.run()
        made = comparison.result("", ())
        return tested.walked(made.windows, made.outcomes)

    def _walk(self, sets: Sequence[dict[str, str]], windows: Sequence[Window]) -> Comparison:
        return Comparison(
            self.sweep,
            _variants([{}, *sets[:_CANDIDATES]]),
            windows,
            figure="profit_percent",
            fewest_trades=FEWEST_TRADES,
            on_outcome=lambda outcome, _: self._count(outcome),
        )

    def _trades(self, base: RunOutcome) -> ClosedTrades:
        if not base.is_success:
            return ClosedTrades(profits=())
        return ClosedTrades.read(self.runs / base.run_id)

    def _outcomes(self, sets: Iterable[dict[str, str]]) -> list[RunOutcome]:
        runs = [SweepRun(variant=variant) for variant in _variants(sets)]
        outcomes = []
        with closing(self.sweep.outcomes(runs)) as made:
            for outcome in made:
                outcomes.append(outcome)
                self._count(outcome)
        return sorted(outcomes, key=lambda outcome: outcome.variant.number)

    def _count(self, outcome: RunOutcome) -> None:
        self._done += 1
        done, planned = counted(self._done, "run"), self._planned
        self.on_outcome(outcome, f"{self._done} of {planned} runs" if planned else f"{done} done")


def _variants(sets: Iterable[dict[str, str]]) -> list[Variant]:
    return [Variant(number=number, values=values) for number, values in enumerate(sets, 1)]
