"""Modes and markets by their stable text."""

import copy

from tradai.core import MarketType, TradingMode


def test_modes_are_their_text() -> None:
    assert [mode.value for mode in TradingMode] == [
        "backtest",
        "hyperopt",
        "train",
        "dry-run",
        "live",
    ]
    assert f"{TradingMode.DRY_RUN}" == "dry-run"


def test_markets_are_their_text() -> None:
    assert [market.value for market in MarketType] == ["spot", "margin", "futures"]


def test_a_mode_stays_itself_when_copied() -> None:
    assert copy.deepcopy(TradingMode.LIVE) is TradingMode.LIVE


def test_the_modes_of_a_running_bot_hold_positions() -> None:
    holding = [mode for mode in TradingMode if mode.holds_positions]

    assert holding == [TradingMode.DRY_RUN, TradingMode.LIVE]
