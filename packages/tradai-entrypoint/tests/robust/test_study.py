"""The order of the tests of a backtest, and the runs of its walk-forward."""

import json
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradai.core import StrategyConfig, TimeRange
from tradai.entrypoint._robust.result import Robustness
from tradai.entrypoint._robust.shake import ShakenGroup
from tradai.entrypoint._robust.study import Shaking, Study
from tradai.entrypoint._robust.windows import WalkWish
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.sweep import Sweep, SweepRun

RANGE = TimeRange.parse("20250101-20250701")
ORDER = {"amount": 1, "safe_price": 100, "ft_is_entry": True, "order_filled_timestamp": 1}
# Number of the last variant that a walk-forward chooses among.
LAST = 5
STOP = ShakenGroup(values={"execution.stoploss": Decimal("-0.1")})


class Runs:
    """Stands for a sweep: a run profits by its number of values, and each is noted.

    The last shaken set of a training range has `last_trades`, each other run has 40.
    """

    def __init__(self, *, last_trades: int = 40, exit_code: int = 0) -> None:
        self.made: list[SweepRun] = []
        self._exit_code = exit_code
        self._last_trades = last_trades

    def outcomes(self, runs: Iterable[SweepRun]) -> Iterator[RunOutcome]:
        for run in runs:
            self.made.append(run)
            yield RunOutcome(
                variant=run.variant,
                timerange=run.timerange,
                run_id="base",
                exit_code=self._exit_code,
                verdict="done",
                figures={
                    "profit_percent": 5.0 + run.variant.number,
                    "trades": self._last_trades if run.variant.number == LAST else 40,
                },
            )

    @property
    def unfinished(self) -> int:
        return 0


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder of runs with the trades of the backtest: 60, of which each profits."""
    (tmp_path / "base").mkdir()
    columns = {
        "close_timestamp": range(60),
        "profit_abs": [1.0] * 60,
        "fee_open": [0.001] * 60,
        "fee_close": [0.001] * 60,
        "orders": [json.dumps([ORDER])] * 60,
    }
    pq.write_table(pa.table(columns), tmp_path / "base" / "trades.parquet")
    return tmp_path


def studied(
    sweep: Runs,
    runs: Path,
    *,
    groups: tuple[ShakenGroup, ...] = (STOP,),
    walk: str = "auto",
    said: Callable[[RunOutcome, str], object] | None = None,
) -> Robustness:
    return Study(
        sweep=cast("Sweep", sweep),
        config=StrategyConfig(name="demo", version="1.0.0", timeframe="15m"),
        groups=groups,
        unshaken=(),
        walk=WalkWish.parse(walk, RANGE),
        shaking=Shaking(share=0.05, sets=8, seed=1),
        runs=runs,
        on_outcome=said or (lambda *_: None),
    ).run()


def test_a_walk_forward_chooses_among_the_configuration_and_four_shaken_sets(runs: Path) -> None:
    sweep = Runs()

    result = studied(sweep, runs)

    ranges = [run for run in sweep.made if run.timerange]
    assert len(ranges) == 3 * 5 + 3
    assert [dict(run.variant.values) for run in ranges[:5]] == [
        {},
        *(dict(each.variant.values) for each in result.shaken[:4]),
    ]
    # The fifth is the best.
    assert [run.variant.number for run in ranges[15:]] == [5, 5, 5]
    assert [each.timerange for each in result.walks[15:]] == [
        str(each.window.test) for each in result.windows
    ]
    assert len(result.outcomes) == len(sweep.made)


def test_a_number_that_stays_as_it_is_does_not_count_as_shaken(runs: Path) -> None:
    values = {"execution.minimal_roi.0": Decimal("0.05"), "execution.minimal_roi.60": Decimal(0)}

    (note, *_) = studied(Runs(), runs, groups=(ShakenGroup(values=values),)).notes

    assert note.startswith("Shaken are execution.minimal_roi.0. ")


@pytest.mark.parametrize(("trades", "chosen"), [(30, LAST), (29, LAST - 1)])
def test_a_set_with_few_trades_in_training_is_not_chosen(
    runs: Path, trades: int, chosen: int
) -> None:
    sweep = Runs(last_trades=trades)

    result = studied(sweep, runs)

    assert [each.training and each.training.variant.number for each in result.windows] == [
        chosen
    ] * 3


def test_each_run_is_said_with_the_number_of_those_that_are_done_and_planned(runs: Path) -> None:
    said: list[tuple[RunOutcome, str]] = []

    result = studied(Runs(), runs, said=lambda outcome, done: said.append((outcome, done)))

    assert [outcome for outcome, _ in said] == list(result.outcomes)
    assert said[0][1] == "1 run done"
    assert said[0][0].sentence() == "configuration: done"
    assert said[1][1] == "2 of 27 runs"
    assert said[-1][1] == f"{len(result.outcomes)} of 27 runs"


def test_a_backtest_without_a_result_is_not_tested_and_its_trades_are_not_read(
    tmp_path: Path,
) -> None:
    sweep = Runs(exit_code=65)

    result = studied(sweep, tmp_path)

    assert len(sweep.made) == 1
    assert "The backtest has no result" in str(result.problem)
    assert result.exit_code == 65


def test_higher_costs_are_charged_on_the_same_trades_without_a_further_run(runs: Path) -> None:
    sweep = Runs()

    said: list[str] = []
    result = studied(sweep, runs, walk="none", said=lambda _, done: said.append(done))

    assert len(sweep.made) == 1 + len(result.shaken)
    assert said[-1] == f"{len(sweep.made)} of 9 runs"
    assert {key for run in sweep.made for key in run.variant.values} == {"execution.stoploss"}
    assert result.costs["slippage added"] == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("groups", "walk", "reason"),
    [((), "auto", "no number was shaken"), ((STOP,), "none", "--walk-forward none was given")],
)
def test_without_a_walk_forward_no_run_has_a_range_of_its_own(
    runs: Path, groups: tuple[ShakenGroup, ...], walk: str, reason: str
) -> None:
    sweep = Runs()

    result = studied(sweep, runs, groups=groups, walk=walk)

    assert not [run for run in sweep.made if run.timerange]
    assert result.windows == ()
    assert reason in result.no_walk
