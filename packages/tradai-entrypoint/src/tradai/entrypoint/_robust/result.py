"""Result of the tests of a backtest: findings, runs, resamples, and their files."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self, final

from tradai.core import JsonValue
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._report.figures import FigureFormat, label_in_text
from tradai.entrypoint._report.report_files import REPORT_NAME, write_together
from tradai.entrypoint._robust.bootstrap import Bootstrap
from tradai.entrypoint._robust.costs import SLIPPAGE
from tradai.entrypoint._robust.findings import (
    FEWEST_TRADES,
    RULE,
    Finding,
    bootstrap_finding,
    cost_finding,
    problem_with,
    profit_of,
    shake_finding,
    walk_forward_finding,
)
from tradai.entrypoint._robust.walk_result import candidate, walk_json
from tradai.entrypoint._sweep.common_notices import notices_of
from tradai.entrypoint._sweep.outcomes import RunOutcome, drawdown_figure, figure_format
from tradai.entrypoint._sweep.result import WindowResult
from tradai.entrypoint._sweep.runs_parquet import rows_parquet, runs_parquet

SCHEMA: Final = 1
_KNOWN: Final = "Numbers that only the strategy class has, and not the configuration, are not"
_WALK: Final = (
    "A walk-forward chooses among the configuration and the first shaken sets, by profit. Where "
    "the configuration itself was chosen on this time range, no window is out-of-sample for it."
)
_COSTS: Final = (
    "Higher costs are charged on the orders of the backtest, and change no trade. "
    f"Slippage is an assumption: {100 * SLIPPAGE:.2f} % of the price per order. "
    "Not modelled are limit orders that a worse price leaves unfilled, and stops that it reaches."
)
_RESAMPLES: Final = (
    "A resample joins blocks of trades that followed each other, each trade with its profit in "
    "stake currency. It assumes that later trades are like those of this time range, and that no "
    "stake depends on an earlier profit."
)


@final
@dataclass(frozen=True, kw_only=True)
class Robustness:
    """All that the tests of a backtest found.

    Attributes:
        base: Outcome of the backtest of the configuration.
        trades: Number of its trades.
        balance: Its starting balance.
        shaking_share: Largest change of a shaken number, as a share of it.
        shaken: Outcomes of the runs with shaken numbers.
        costs: Costs that each case adds to its trades, in stake currency, by its name.
        bootstrap: The resampled trades; None when they were not resampled.
        unshaken: Numeric hyper-parameters that only the strategy class has.
        windows: Windows of the walk-forward; empty when it was left out.
        walks: Outcomes of the runs over its ranges.
        no_walk: The reason for which it was left out.
    """

    base: RunOutcome
    trades: int
    balance: float
    shaking_share: float
    shaken: tuple[RunOutcome, ...] = ()
    costs: Mapping[str, float] = field(default_factory=dict)
    bootstrap: Bootstrap | None = None
    unshaken: tuple[str, ...] = ()
    windows: tuple[WindowResult, ...] = ()
    walks: tuple[RunOutcome, ...] = ()
    no_walk: str = ""

    def tested(
        self, *, shaken: Sequence[RunOutcome], costs: Mapping[str, float], bootstrap: Bootstrap
    ) -> Self:
        """Return the result with the outcomes of the tests."""
        return replace(self, shaken=tuple(shaken), costs=costs, bootstrap=bootstrap)

    def walked(self, windows: Sequence[WindowResult], runs: Sequence[RunOutcome]) -> Self:
        """Return the result with the windows of a walk-forward, and the runs over its ranges."""
        return replace(self, windows=tuple(windows), walks=tuple(runs))

    def without_walk(self, reason: str) -> Self:
        """Return the result with the `reason` for which the walk-forward was left out."""
        return replace(self, no_walk=reason)

    @property
    def problem(self) -> str | None:
        """The reason for which there are no tests; None without one."""
        if not self.base.is_success:
            return f"The backtest has no result: {self.base.verdict}."
        return problem_with(self.trades, profit_of(self.base))

    @property
    def whole_runs(self) -> tuple[RunOutcome, ...]:
        """Outcomes of the runs over the whole range, the backtest of the configuration first."""
        return (self.base, *self.shaken)

    @property
    def outcomes(self) -> tuple[RunOutcome, ...]:
        """Outcomes of all runs, those of a walk-forward last."""
        return (*self.whole_runs, *self.walks)

    @property
    def failed(self) -> list[RunOutcome]:
        """Outcomes without a result."""
        return [outcome for outcome in self.outcomes if not outcome.is_success]

    @property
    def exit_code(self) -> int:
        """That of the first outcome without a result, if any; DATA with too few trades to say."""
        if self.failed:
            return self.failed[0].exit_code
        return ExitCode.DATA if self.trades < FEWEST_TRADES else ExitCode.DONE

    @property
    def findings(self) -> tuple[Finding, ...]:
        """A sentence on each test; none when there are no tests."""
        return () if self.problem else tuple(self._findings())

    def _findings(self) -> Iterator[Finding]:
        base = profit_of(self.base) or 0.0
        yield shake_finding(base, self.shaken, share=self.shaking_share)
        for case, cost in self.costs.items():
            yield cost_finding(base, cost / self.balance, case=case)
        if self.bootstrap:
            yield bootstrap_finding(base, self.bootstrap, balance=self.balance)
        yield walk_forward_finding(self.windows, reason=self.no_walk)

    @property
    def notices(self) -> tuple[str, ...]:
        """Notices that all runs with a result have, such as that the candles are synthetic."""
        return notices_of(self.outcomes)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on the assumptions of the tests; none when there are no tests."""
        if self.problem:
            return ()
        # A number that stays as it is in all sets, such as a zero, is in none of them.
        keys = ", ".join(_keys(self.shaken))
        shaken = f"Shaken are {keys}." if keys else "No number was shaken."
        left = f": {', '.join(self.unshaken)}" if self.unshaken else ""
        walk = (_WALK,) if self.windows else ()
        failed = (
            f"{candidate(each)} over {each.timerange} has no result: {each.verdict}."
            for each in self.walks
            if not each.is_success
        )
        return f"{shaken} {_KNOWN}{left}.", RULE, _COSTS, _RESAMPLES, *walk, *failed

    @property
    def columns(self) -> tuple[str, ...]:
        """Heads of the table of `whole_runs`."""
        return ("run", *map(label_in_text, self._shown), "changes")

    @property
    def _shown(self) -> tuple[str, ...]:
        """Figures of the table; the files have all of them."""
        return "trades", "profit_percent", drawdown_figure(self.whole_runs)

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield a row for each run under `columns`, in the order of `whole_runs`."""
        shown, texts = self._shown, figure_format(self.whole_runs)
        yield _row("configuration", self.base, shown, texts)
        for number, outcome in enumerate(self.shaken, 1):
            yield _row(f"shaken {number}", outcome, shown, texts)

    def to_json(self) -> dict[str, JsonValue]:
        """Return the result as JSON."""
        return {
            "schema_version": SCHEMA,
            "problem": self.problem,
            "findings": [{"test": each.test, "sentence": each.sentence} for each in self.findings],
            "notices": list(self.notices),
            "notes": list(self.notes),
            "base": self.base.to_json(),
            "shaken": [each.to_json() for each in self.shaken],
            "costs": {case: self._cost_json(cost) for case, cost in self.costs.items()},
            "bootstrap": self.bootstrap and _bootstrap_json(self.bootstrap, self.balance),
            "walk_forward": walk_json(self.windows, self.no_walk),
            "walks": [{"timerange": each.timerange, **each.to_json()} for each in self.walks],
        }

    def _cost_json(self, cost: float) -> dict[str, JsonValue]:
        percent = 100 * cost / self.balance
        profit = self.base.figure("profit_percent") or 0.0
        return {"cost_percent": percent, "profit_percent": profit - percent}

    def write(self, folder: Path, page: str) -> None:
        """Write ``robustness.json``, two Parquet files and ``report.html`` into `folder`.

        Raises:
            StorageError: The disk refused.
        """
        document = json.dumps(self.to_json(), indent=2) + "\n"
        kinds = {"profit_percent": "float64", "drawdown_percent": "float64"}
        files = {
            "robustness.json": document.encode(),
            "runs.parquet": runs_parquet(self.outcomes, _keys(self.outcomes)),
            "resamples.parquet": rows_parquet(kinds, list(self._resamples())),
            REPORT_NAME: page.encode(),
        }
        write_together(folder, files)

    def _resamples(self) -> Iterator[dict[str, JsonValue]]:
        """Yield the sorted profits, and beside them the sorted drawdowns."""
        if self.bootstrap:
            for profit, fall in zip(self.bootstrap.profits, self.bootstrap.drawdowns, strict=True):
                scale = 100 / self.balance
                yield {"profit_percent": scale * profit, "drawdown_percent": scale * fall}


def _keys(outcomes: Iterable[RunOutcome]) -> tuple[str, ...]:
    """Return the dotted keys in which the runs differ, in the order of the runs."""
    return tuple(dict.fromkeys(key for each in outcomes for key in each.variant.values))


def _row(
    name: str, outcome: RunOutcome, shown: Sequence[str], texts: FigureFormat
) -> tuple[str, ...]:
    figures = (texts.text(each, outcome.figures.get(each)) for each in shown)
    return name, *figures, outcome.variant.label or "-"


def _bootstrap_json(bootstrap: Bootstrap, balance: float) -> dict[str, JsonValue]:
    return {
        "resamples": len(bootstrap.profits),
        "mean_block": bootstrap.block,
        "share_with_profit": bootstrap.share_with_profit,
        "profit_percent_low": 100 * bootstrap.low_profit / balance,
        "profit_percent_median": 100 * bootstrap.median_profit / balance,
        "drawdown_percent_high": 100 * bootstrap.high_drawdown / balance,
    }
