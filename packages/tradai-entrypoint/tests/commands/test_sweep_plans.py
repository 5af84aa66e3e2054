"""Candles that a command stages for its runs are its own, and its page says what they share."""

import argparse
import io
from pathlib import Path

import pytest

from tradai.core import TradingMode
from tradai.entrypoint import Progress
from tradai.entrypoint._commands.sweep_plans import ShownRuns, base_facts, own_staging
from tradai.entrypoint._process.settings import EntrypointSettings
from tradai.entrypoint._runs.request import RunRequest
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.variants import Variant


def test_a_command_that_ends_leaves_the_candles_of_another_one(tmp_path: Path) -> None:
    first = own_staging(argparse.Namespace(argv=["compare", "a.yaml"]), tmp_path)
    other = own_staging(argparse.Namespace(argv=["compare", "b.yaml"]), tmp_path)
    again = own_staging(argparse.Namespace(argv=["compare", "b.yaml"]), tmp_path)
    for staging in (first, other):
        staging.root.mkdir(parents=True, exist_ok=True)

    first.remove()

    assert other.root.is_dir()
    assert again.root == other.root
    assert list(tmp_path.iterdir()) == [other.root]


def test_a_pipe_gets_a_line_for_each_outcome() -> None:
    piped, variant = io.StringIO(), Variant(number=1, values={"run.fee": "0"})
    outcome = RunOutcome(variant=variant, run_id="a", exit_code=0, verdict="done", figures={})

    ShownRuns(Progress(stream=piped)).add(outcome, "1 of 2 runs")

    assert piped.getvalue() == f"1 of 2 runs: {outcome.sentence()}\n"


@pytest.mark.parametrize("name", ["file", "loop"])
def test_a_folder_that_takes_no_progress_ends_no_run(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    outcome = RunOutcome(variant=Variant(number=1, values={}), exit_code=0, verdict="", figures={})

    shown = ShownRuns(Progress(stream=io.StringIO()), tmp_path / name / "trend-573cef2e")
    shown.add(outcome, "1 of 2 runs")

    assert shown.sentence("trend").startswith("trend is unfinished: 1 of 2 runs; ")


def test_a_pipe_gets_the_reason_of_a_failure_once_from_a_command_that_gives_it_at_its_end() -> None:
    piped, variant = io.StringIO(), Variant(number=1, values={"config": "a.yaml"})
    outcome = RunOutcome(variant=variant, exit_code=65, verdict="no candles", figures={})

    ShownRuns(Progress(stream=piped), text_of=RunOutcome.brief).add(outcome, "1 of 2 runs")

    assert piped.getvalue() == f"1 of 2 runs: {variant.label}: failed (exit 65)\n"
    assert outcome.sentence() == f"{variant.label}: no candles (exit 65)"


def facts_of(path: Path, *overrides: str, varied: tuple[str, ...] = ()) -> dict[str, str]:
    path.write_text(
        "name: demo\nversion: 1.0.0\ntimeframe: 15m\npairs: [BTC/USDT, ETH/USDT]\n",
        encoding="utf-8",
    )
    settings = EntrypointSettings(mode=TradingMode.BACKTEST, config=str(path))
    request = RunRequest(overrides=overrides)
    return {each.label: each.value for each in base_facts(settings, request, varied)}


def test_the_page_of_a_sweep_says_what_its_runs_have_in_common(tmp_path: Path) -> None:
    path = tmp_path / "strategy.yaml"

    assert facts_of(path, "run.timerange=20250101-20250201") == {
        "Configuration": str(path),
        "Strategy": "demo 1.0.0",
        "Time range": "20250101-20250201",
        "Timeframe": "15m",
        "Pairs": "BTC/USDT, ETH/USDT",
    }


def test_a_varied_key_is_not_said_to_be_common(tmp_path: Path) -> None:
    facts = facts_of(tmp_path / "strategy.yaml", varied=("pairs",))

    assert facts["Pairs"] == "varied"
    assert facts["Time range"] == "all candles"
