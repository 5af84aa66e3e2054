"""`compare`, until its first run."""

from pathlib import Path

import pytest

from tradai.entrypoint import Interrupts
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._commands.runs.compare import run_names
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.variants import Variant


@pytest.mark.parametrize(
    "words",
    [
        "a.yaml",
        "a.yaml a.yaml",
        "a.yaml execution.fee=0",
        "a.yaml --data candles --json a.yaml --limit 1 execution.fee=0",
    ],
)
def test_one_configuration_alone_is_not_compared(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_command(["compare", *words.split()], interrupts=Interrupts())

    assert code == 78
    assert "compare needs two or more configurations, and got a.yaml alone" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("flag", ["--image", "--env", "--secret", "--time-limit"])
def test_choices_of_a_container_are_no_flags_of_a_comparison_on_this_machine(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run_command(["compare", "a.yaml", "b.yaml", flag, "60"], interrupts=Interrupts())

    assert f"unrecognized arguments: {flag}" in capsys.readouterr().err


def test_the_reason_of_each_failed_run_is_given_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        Path(f"{name}.yaml").write_text(
            f"name: {name}\nversion: 1.0.0\ntimeframe: 5m\npairs: [BTC/USDT]\n"
            "strategy: {class: Demo, source: nowhere}\nexecution: {stake_amount: 100}\n"
        )

    code = run_command(["compare", "a.yaml", "b.yaml"], interrupts=Interrupts())

    said = capsys.readouterr().err
    assert code == 78
    assert "2 of 2 runs: config=b.yaml: failed (exit 78)\n" in said
    assert said.count("is neither a folder nor a .py file") == 2
    assert said.count("failed: config=b.yaml: ") == 1


def test_runs_are_named_by_their_configurations_which_may_share_a_result() -> None:
    # The runs themselves need an engine: see the real one in tests-integration.
    outcomes = [outcome("a.yaml", "one"), outcome("b.yaml", "two"), outcome("c.yaml", "one")]

    names = run_names(Path("runs"), outcomes)

    assert names == {Path("runs/one"): "a.yaml, c.yaml", Path("runs/two"): "b.yaml"}


def outcome(config: str, run_id: str) -> RunOutcome:
    variant = Variant(number=1, values={"config": config})
    return RunOutcome(variant=variant, run_id=run_id, exit_code=0, verdict="done", figures={})
