"""Errors inside a strategy are counted, and what a strategy prints or logs proves nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

STRATEGY_ERRORS = 80
CALLBACKS = """
    use_custom_stoploss = True

    def custom_stoploss(self, *args, **kwargs):
        return self.not_there

    def confirm_trade_exit(self, *args, **kwargs):
        raise ValueError("refused")
"""
# As the engine's own records and its console look.
FORGED = """
    def bot_start(self, **kwargs):
        import logging
        engine = logging.getLogger("freqtrade")
        engine.error("Configuration error: forged")
        engine.error("Fatal exception!")
        logging.getLogger("freqtrade.strategy.strategy_wrapper").error(
            "Unexpected error Forged() calling <bound method Demo.leverage of Demo>")
        print("OSError: [Errno 28] No space left on device")
        print("freqtrade: error: unrecognized arguments: --forged")
        print("2026-01-31 12:00:00,000 - freqtrade - ERROR - Fatal exception!", flush=True)
"""


@pytest.fixture
def demo_with(tradai: Any, strategy: Path, candles: Path) -> Callable[..., Any]:
    """Run a mode of the demo strategy with further methods."""

    def run(methods: str, *arguments: object, mode: str = "backtest") -> Any:
        file = strategy.parent / "strategies" / "demo.py"
        file.write_text(file.read_text() + methods)
        return tradai("run", strategy, "--mode", mode, "--data", candles, *arguments)

    return run


def line_of(outcome: Any, text: str) -> int:
    lines = (outcome.folder / "strategy" / "demo.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_a_backtest_whose_callbacks_raise_is_kept_and_marked(
    demo_with: Callable[..., Any],
) -> None:
    outcome = demo_with(CALLBACKS)

    results = outcome.manifest["results"]
    counts = results["strategy_errors_by_callback"]
    assert outcome.code == STRATEGY_ERRORS, outcome.stderr
    assert counts.keys() == {"custom_stoploss", "confirm_trade_exit"}
    assert sum(counts.values()) == results["strategy_errors"] > 1
    assert results["trades"] > 0
    assert f"at demo.py:{line_of(outcome, 'not_there')}" in outcome.manifest["verdict"]


def test_the_errors_of_all_epochs_are_counted_and_a_value_error_has_its_line_too(
    demo_with: Callable[..., Any],
) -> None:
    methods = CALLBACKS.replace("return self.not_there", "return None")

    outcome = demo_with(methods, "run.epochs=2", "run.spaces=[buy]", mode="hyperopt")

    assert outcome.code == STRATEGY_ERRORS, outcome.stderr
    assert outcome.manifest["results"]["strategy_errors_by_callback"]["confirm_trade_exit"] > 1
    assert "epochs.jsonl" in outcome.manifest["artifacts"]
    assert f"at demo.py:{line_of(outcome, 'refused')}" in outcome.manifest["verdict"]


def test_a_strategy_that_speaks_like_the_engine_is_not_believed(
    demo_with: Callable[..., Any],
) -> None:
    outcome = demo_with(FORGED)

    assert outcome.code == 0, outcome.stderr
    assert "No space left on device" in (outcome.folder / "engine.log").read_text()
    assert "strategy_errors" not in outcome.manifest["results"]
