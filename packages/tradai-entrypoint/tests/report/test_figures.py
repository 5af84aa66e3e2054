"""Each figure of a run has its label, its decimals, its sign and its unit."""

import pytest

from tradai.entrypoint._report.figures import FigureFormat

# The pages of runs and comparisons show these, which have no public name.

DOLLARS = FigureFormat(currency="USDT", decimals=2)
COINS = FigureFormat(currency="BTC", decimals=8)
MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("name", "label", "text", "delta"),
    [
        ("trades", "Trades", "1,235", f"{MINUS}1,235"),
        ("profit_USDT", "Profit", "+1,234.57 USDT", f"{MINUS}1,234.57"),
        ("profit_percent", "Profit on the start", "+1,234.57 %", f"{MINUS}1,234.57"),
        ("starting_balance", "Starting balance", "1,234.57 USDT", f"{MINUS}1,234.57"),
        ("final_balance", "Final balance", "1,234.57 USDT", f"{MINUS}1,234.57"),
        ("cagr_percent", "Growth per year", "1,234.6 %", f"{MINUS}1,234.6"),
        ("profit_factor", "Profit factor", "1,234.57", f"{MINUS}1,234.57"),
        ("expectancy", "Expectancy", "1,234.5678 USDT", f"{MINUS}1,234.5678"),
        ("sharpe", "Sharpe (engine)", "1,234.57", f"{MINUS}1,234.57"),
        ("sortino", "Sortino (engine)", "1,234.57", f"{MINUS}1,234.57"),
        # A larger fall is further below zero.
        (
            *("max_drawdown_percent", "Largest drawdown, closed trades only"),
            *(f"{MINUS}1,234.57 %", "+1,234.57"),
        ),
        (
            *("equity_drawdown_percent", "Largest drawdown"),
            *(f"{MINUS}1,234.57 %", "+1,234.57"),
        ),
        # A figure that is not of a backtest.
        ("best_loss", "Best loss", "1,234.56784", f"{MINUS}1,234.56784"),
    ],
)
def test_a_figure_is_shown_as_in_the_report(name: str, label: str, text: str, delta: str) -> None:
    assert DOLLARS.label(name) == label
    assert DOLLARS.value(name, 1234.56784) == text
    assert DOLLARS.delta(name, -1234.56784) == delta


@pytest.mark.parametrize("name", ["profit_BTC", "final_balance", "expectancy"])
def test_parts_of_a_coin_have_eight_decimals(name: str) -> None:
    assert COINS.value(name, 0.00012345).lstrip("+") == "0.00012345 BTC"


def test_nothing_has_no_sign_and_what_is_not_known_is_a_dash() -> None:
    assert DOLLARS.value("profit_USDT", 0.0) == "0.00 USDT"
    assert DOLLARS.value("equity_drawdown_percent", 0.0) == "none"
    assert DOLLARS.delta("best_loss", 0.0) == "0"
    assert DOLLARS.delta("best_loss", 0.5) == "+0.5"
    assert DOLLARS.value("sharpe", None) == "\N{EN DASH}"
    # The profit of another currency than that of the run is any number.
    assert DOLLARS.value("profit_BTC", -0.25) == f"{MINUS}0.25"
