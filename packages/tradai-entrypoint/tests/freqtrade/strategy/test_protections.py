"""Options of protections that the engine would replace by its defaults are found."""

from pathlib import Path

import pytest

from tradai.entrypoint.freqtrade._strategy.source import inspect_source

HEAD = "class Wave(IStrategy):\n"
GUARD = "{'method': 'StoplossGuard', 'trade_limitt': 4}"


def said(folder: Path, text: str) -> list[str]:
    (folder / "wave.py").write_text(text)
    return [str(option) for option in inspect_source(folder, "Wave").unused_options]


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}    protections = [{GUARD}]\n",
        f"{HEAD}    protections = [dict(method='StoplossGuard', trade_limitt=4)]\n",
        f"GUARDS = [{GUARD}]\n{HEAD}    protections = GUARDS\n",
        f"{HEAD}    @property\n    def protections(self): return [{GUARD}, *self.others]\n",
    ],
)
def test_a_misspelt_option_is_found_wherever_it_is_written(tmp_path: Path, text: str) -> None:
    (problem,) = said(tmp_path, text)

    assert "trade_limitt is not an option of StoplossGuard; did you mean 'trade_limit'?" in problem
    assert problem.startswith("wave.py:")


def test_an_option_in_a_helper_module_is_found(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "__init__.py").write_text("from .guards import GUARDS\n")
    (tmp_path / "rules" / "guards.py").write_text(
        "GUARDS = [{'method': 'MaxDrawdown', 'max_drawdown': 0.1}]\n"
    )

    (problem,) = said(tmp_path, f"from rules import GUARDS\n{HEAD}    protections = GUARDS\n")

    assert problem.startswith("rules/guards.py:1: max_drawdown is not an option of MaxDrawdown")
    assert "max_allowed_drawdown" in problem


def test_an_option_that_is_like_no_other_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    body = "    protections = [{'method': 'CooldownPeriod', 'zzz': 1}]\n"

    (problem,) = said(tmp_path, HEAD + body)

    assert "it has lookback_period, lookback_period_candles, method, stop_duration" in problem


def test_an_option_of_another_protection_is_said_to_have_no_effect(tmp_path: Path) -> None:
    body = "    protections = [{'method': 'LowProfitPairs', 'only_per_pair': False}]\n"

    (problem,) = said(tmp_path, HEAD + body)

    assert problem == (
        "wave.py:2: only_per_pair is an option of other protections, and has no effect on "
        "LowProfitPairs"
    )


def test_a_protection_that_the_engine_does_not_have_is_found(tmp_path: Path) -> None:
    body = "    protections = [{'method': 'StoplosGuard', 'stop_duration_candles': 4}]\n"

    (problem,) = said(tmp_path, HEAD + body)

    assert problem == (
        "wave.py:2: the engine has no protection StoplosGuard; did you mean 'StoplossGuard'?"
    )


@pytest.mark.parametrize(
    "body",
    [
        "protections = [{'method': 'CooldownPeriod', 'stop_duration_candles': 5}]",
        "protections = [{'method': METHOD, 'trade_limitt': 4}]",
        "protections = [{**SHARED, 'method': 'StoplossGuard'}]",
        "orders = {'method': 'market', 'amount': 4}  # not a StoplossGuard",
        "protections = [{'method': 'market'}]",
    ],
)
def test_other_mappings_have_no_unused_options(tmp_path: Path, body: str) -> None:
    assert said(tmp_path, f"{HEAD}    {body}\n") == []
