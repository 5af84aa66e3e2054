"""`compare`: its command line, and what it says of runs that failed."""

import json
import signal
from pathlib import Path

import pytest

from tradai.core import TradingMode
from tradai.entrypoint import Interrupts, Progress
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._commands.runs.compare import comparison_name, run_names
from tradai.entrypoint._process.settings import EntrypointSettings
from tradai.entrypoint._runs.request import RunRequest
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.variants import Variant

CONFIG = (
    "name: {}\nversion: 1.0.0\ntimeframe: 5m\npairs: [BTC/USDT]\n"
    "strategy: {{class: Demo, source: nowhere}}\nexecution: {{stake_amount: 100}}\n"
)


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


def test_runs_are_sent_to_the_command_that_compares_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("calm", "wild"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text("{}")

    code = run_command(
        ["compare", "calm", "wild", "--runs", str(tmp_path)], interrupts=Interrupts()
    )

    assert code == 78
    assert "`tradai-entrypoint report calm wild` compares runs" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--image", "--env", "--secret", "--time-limit"])
def test_choices_of_a_container_are_no_flags_of_a_comparison_on_this_machine(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run_command(["compare", "a.yaml", "b.yaml", flag, "60"], interrupts=Interrupts())

    assert f"unrecognized arguments: {flag}" in capsys.readouterr().err


@pytest.fixture
def without_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two configurations whose runs are refused."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        Path(f"{name}.yaml").write_text(CONFIG.format(name))


@pytest.mark.usefixtures("without_source")
def test_a_comparison_that_is_interrupted_gives_the_reason_of_each_failed_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Progress, "milestone", stop)

    with Interrupts() as interrupts:
        code = run_command(["compare", "a.yaml", "b.yaml", "--limit", "1"], interrupts=interrupts)

    said = capsys.readouterr().err
    assert code == 143
    assert [said.count(f"failed: config={name}.yaml: ") for name in ("a", "b")] == [1, 1]
    assert "the comparison is unfinished: 2 of 2 runs" in said
    (note,) = Path(".tradai/comparisons").glob("a-vs-b-*/unfinished.json")
    assert json.loads(note.read_text()) == {"done": "2 of 2 runs"}


@pytest.mark.usefixtures("without_source")
def test_the_reason_of_each_failed_run_is_given_once(capsys: pytest.CaptureFixture[str]) -> None:
    code = run_command(["compare", "a.yaml", "b.yaml"], interrupts=Interrupts())

    said = capsys.readouterr().err
    assert code == 78
    assert "2 of 2 runs: config=b.yaml: failed (exit 78)\n" in said
    assert said.count("is neither a folder nor a .py file") == 2
    assert said.count("failed: config=b.yaml: ") == 1
    assert not list(Path(".tradai/comparisons").glob("*-vs-*"))


@pytest.mark.parametrize(
    ("names", "beginning"),
    [
        ({"x": "calm", "y": "wild"}, "calm-vs-wild-"),
        ({"x": "calm", "y": "calm"}, "x-vs-y-"),
        ({"x": "calm", "y": None}, "calm-vs-y-"),
        ({"v": "a", "w": "b", "x": "c", "y": "d", "z": "e"}, "a-vs-b-vs-c-and-2-more-"),
    ],
)
def test_a_comparison_is_named_by_what_it_compares(
    tmp_path: Path, names: dict[str, str | None], beginning: str
) -> None:
    def name(**overrides: float) -> str:
        return comparison_name([(settings(each), request(overrides)) for each in names])

    def settings(file: str) -> EntrypointSettings:
        path = tmp_path / f"{file}.yaml"
        path.write_text(CONFIG.format(names[file]) if names[file] else "no configuration")
        return EntrypointSettings(config=str(path), mode=TradingMode.BACKTEST)

    def request(overrides: dict[str, float]) -> RunRequest:
        words = tuple(f"execution.{key}={value}" for key, value in overrides.items())
        return RunRequest(command=("compare",), overrides=words)

    assert name().removesuffix(name()[-8:]) == beginning
    assert name() == name() != name(fee=0.1)


def test_runs_are_named_by_their_configurations_which_may_share_a_result() -> None:
    # The runs themselves need an engine: see the real one in tests-integration.
    outcomes = [outcome("a.yaml", "one"), outcome("b.yaml", "two"), outcome("c.yaml", "one")]

    names = run_names(Path("runs"), outcomes)

    assert names == {Path("runs/one"): "a.yaml, c.yaml", Path("runs/two"): "b.yaml"}


def outcome(config: str, run_id: str) -> RunOutcome:
    variant = Variant(number=1, values={"config": config})
    return RunOutcome(variant=variant, run_id=run_id, exit_code=0, verdict="done", figures={})
