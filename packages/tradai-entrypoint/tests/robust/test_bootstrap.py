"""Laws of the resampled trades, and the cases of higher costs."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from tradai.entrypoint._robust.bootstrap import Bootstrap
from tradai.entrypoint._robust.costs import SLIPPAGE, added_costs
from tradai.entrypoint._robust.trades import ClosedTrades

PROFITS = st.lists(st.floats(-1_000, 1_000), min_size=1, max_size=60)


@given(PROFITS, st.integers(0, 100))
def test_a_resample_has_as_many_trades_and_only_those_of_the_backtest(
    profits: list[float], seed: int
) -> None:
    made = Bootstrap.of(profits, seed=seed, resamples=20)

    assert len(made.profits) == len(made.drawdowns) == 20
    lowest, highest = len(profits) * min(profits), len(profits) * max(profits)
    assert lowest - 1e-6 <= made.profits[0] <= made.profits[-1] <= highest + 1e-6
    assert made.low_profit <= made.median_profit
    assert made.drawdowns[0] >= 0
    assert made == Bootstrap.of(profits, seed=seed, resamples=20)


@given(st.floats(-100, 100), st.integers(1, 60))
def test_equal_trades_leave_no_doubt(profit: float, count: int) -> None:
    made = Bootstrap.of([profit] * count, seed=1, resamples=10)

    assert made.profits == pytest.approx([profit * count] * 10)
    assert made.share_with_profit == (profit > 0)
    assert made.high_drawdown == pytest.approx(max(0.0, -profit * count))


def test_trades_that_followed_each_other_stay_together() -> None:
    count = 1_000

    made = Bootstrap.of([1.0, -1.0] * (count // 2), seed=1, resamples=200)

    # Of independent draws the standard deviation is the root of 1,000; alternation inside of
    # blocks leaves about a tenth of them, one for each block.
    spread = (sum(each**2 for each in made.profits) / 200) ** 0.5
    assert made.block == pytest.approx(10.0)
    assert spread < 0.5 * count**0.5


def test_the_mean_of_the_resamples_is_the_profit_of_the_backtest() -> None:
    profits = [float(number % 7) - 2 for number in range(100)]

    made = Bootstrap.of(profits, seed=1)

    assert sum(made.profits) / len(made.profits) == pytest.approx(sum(profits), rel=0.05)


AMOUNTS = st.floats(0, 1_000_000)


@given(AMOUNTS, AMOUNTS)
def test_each_case_of_costs_is_at_least_as_dear_as_those_it_contains(
    turnover: float, fees: float
) -> None:
    cases = added_costs(ClosedTrades(profits=(), turnover=turnover, fees=fees))

    assert all(0 <= cost <= cases["fee and slippage doubled"] for cost in cases.values())


@given(st.decimals(1, 100_000, places=2), st.decimals(0, Decimal("0.01"), places=4))
def test_slippage_costs_what_a_worse_price_costs(price: Decimal, fee: Decimal) -> None:
    paid = price * (1 + fee)
    worse = price * (1 + SLIPPAGE) * (1 + fee)
    trades = ClosedTrades(profits=(), turnover=float(price), fees=float(price * fee))

    # Apart from the fee on the difference.
    added = float(worse - paid - price * SLIPPAGE * fee)
    assert added_costs(trades)["slippage added"] == pytest.approx(added)
