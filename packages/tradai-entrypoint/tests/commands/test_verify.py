"""`run --verify N` runs N times, and says whether the strategy is deterministic."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tradai.core import TradingMode
from tradai.entrypoint import ExitCode, Interrupts, RunManifest, StrategyEntrypoint, Verdict
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._report.model import Figure, RunReportParts

DONE, MISMATCH = ExitCode.DONE, ExitCode.MISMATCH

Verify = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def verify(
    tmp_path: Path,
    config_file: Path,
    registered: type[StrategyEntrypoint],
    capsys: pytest.CaptureFixture[str],
) -> Verify:
    """Run a handler that ends in the given ways, one after the other, with ``--verify``."""

    def start(
        *ends: ExitCode, times: int, digest: str = "trades", is_quiet: bool = True
    ) -> tuple[int, dict[str, Any]]:
        left: Iterator[ExitCode] = iter(ends)

        class Handler:
            def __init__(self, entrypoint: StrategyEntrypoint) -> None:
                self.context = entrypoint.context

            def run(self) -> int:
                self.context.record_digest(digest, "0" * 64)
                figures = (Figure("the figure of a handler", "1"),)
                self.context.report = RunReportParts(figures=figures)
                end = next(left)
                return self.context.conclude(Verdict(exit_code=end, sentence=f"ended {end.name}"))

        registered.register_handler(TradingMode.BACKTEST)(Handler)
        words = ("run", str(config_file), "--mode", "backtest", "--verify", str(times))
        runs = ("--runs", str(tmp_path / "runs"), "--run-id", "first")
        flags = ("--json",) if is_quiet else ()
        code = run_command([*words, *runs, *flags], interrupts=Interrupts())
        assert next(left, None) is None
        said = capsys.readouterr()
        return code, json.loads(said.out) if is_quiet else {"lines": said.err.splitlines()}

    return start


def manifests(tmp_path: Path) -> dict[str, RunManifest]:
    found = (RunManifest.read(folder) for folder in (tmp_path / "runs").iterdir())
    return {manifest.run_id: manifest for manifest in found}


def report(tmp_path: Path) -> str:
    return (tmp_path / "runs" / "first" / "report.html").read_text()


def test_runs_with_the_same_trades_are_deterministic(verify: Verify, tmp_path: Path) -> None:
    code, answer = verify(DONE, DONE, DONE, times=3)

    kept = manifests(tmp_path)
    first = kept.pop("first")
    assert code == first.exit_code == ExitCode.DONE
    assert answer["verdict"] == "ended DONE; deterministic: 3 runs made the same trades"
    assert answer["results"] == first.results == {"deterministic": True, "verified_runs": 3}
    assert [run.replay_of for run in kept.values()] == ["first", "first"]
    assert {run.trace_id for run in kept.values()} == {"first"}
    assert first.part_of is None
    assert {run.part_of for run in kept.values()} == {"verification"}
    assert "deterministic: 3 runs made the same trades" in report(tmp_path)


def test_a_pipe_gets_a_line_for_each_run(verify: Verify) -> None:
    _, said = verify(DONE, DONE, DONE, times=3, is_quiet=False)

    shown = [line for line in said["lines"] if " of 3 runs" in line]
    assert shown == [f"{number} of 3 runs: ended DONE" for number in (1, 2, 3)]


def test_runs_with_other_trades_are_not(verify: Verify, tmp_path: Path) -> None:
    code, answer = verify(DONE, DONE, MISMATCH, times=5)

    first = manifests(tmp_path)["first"]
    assert code == answer["exit_code"] == ExitCode.MISMATCH
    assert answer["verdict"] == first.verdict
    assert first.verdict == "not deterministic: of 3 runs the last one differs: ended MISMATCH"
    assert first.results == {"deterministic": False, "verified_runs": 3}
    assert first.exit_code == ExitCode.MISMATCH
    assert "not deterministic: of 3 runs the last one differs" in report(tmp_path)
    assert "the figure of a handler" in report(tmp_path)


@pytest.mark.parametrize("ends", [(ExitCode.CRASHED,), (DONE, ExitCode.INTERRUPTED)])
def test_a_run_that_fails_ends_the_verification(
    verify: Verify, tmp_path: Path, ends: tuple[ExitCode, ...]
) -> None:
    code, answer = verify(*ends, times=4)

    assert code == ends[-1]
    assert ("did not repeat it" in answer["verdict"]) is (len(ends) == 1)
    assert "deterministic" not in manifests(tmp_path)["first"].results


def test_runs_without_trades_cannot_be_verified(verify: Verify) -> None:
    code, answer = verify(DONE, times=2, digest="else")

    assert code == ExitCode.CONFIGURATION
    assert "no digest of trades" in answer["verdict"]


@pytest.mark.parametrize("mode", ["hyperopt", "dry-run"])
def test_a_mode_without_trades_to_compare_is_refused(
    tmp_path: Path, config_file: Path, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("run", str(config_file), "--mode", mode, "--verify", "2")
    runs = ("--runs", str(tmp_path / "runs"))

    code = run_command([*words, *runs], interrupts=Interrupts())

    assert code == ExitCode.CONFIGURATION
    assert "use it with --mode backtest or train" in capsys.readouterr().err


@pytest.mark.parametrize("times", ["1", "0", "-2", "many", "2.5", "\u0663"])
def test_a_number_below_two_is_a_wrong_command_line(times: str) -> None:
    with pytest.raises(SystemExit) as caught:
        run_command(["run", "--verify", times], interrupts=Interrupts())

    assert caught.value.code == ExitCode.USAGE
