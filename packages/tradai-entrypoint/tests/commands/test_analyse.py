"""`analyse`, until its first run."""

from pathlib import Path

import pytest

from tradai.entrypoint import Interrupts
from tradai.entrypoint._cli import run_command

CONFIG = """
name: wave
version: 1.0.0
timeframe: 1h
pairs: [BTC/USDT]
stake_currency: USDT
strategy: {class: Wave, source: nowhere.py}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration without its strategy, which stands in the working folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "wave.yaml"
    path.write_text(CONFIG)
    return path


def test_the_runs_at_a_time_follow_from_cores_and_memory_and_are_said(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("analyse", str(config), "--robust", "--data", "candles")

    assert run_command(words, interrupts=Interrupts()) == 78

    assert "at a time (" in capsys.readouterr().err


@pytest.mark.parametrize("lengths", ["foo", "90d/30d"])
def test_a_walk_forward_that_is_refused_says_nothing_before(
    config: Path, capsys: pytest.CaptureFixture[str], lengths: str
) -> None:
    words = ("analyse", str(config), "--robust", "--walk-forward", lengths)

    assert run_command(words, interrupts=Interrupts()) == 78

    said = capsys.readouterr().err
    assert "--walk-forward" in said
    assert "at a time" not in said


def test_a_number_of_sets_below_zero_is_refused(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("analyse", str(config), "--robust", "--data", "candles", "--sets", "-3")

    with pytest.raises(SystemExit):
        run_command(words, interrupts=Interrupts())

    assert "--sets: '-3' is not a whole number of 0 or more" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--sets", "4"),
        ("--shake", "3"),
        ("--seed", "4"),
        ("--walk-forward", "none"),
        ("--limit", "1"),
        ("--analyses", "out"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_flag_of_the_other_analysis_is_a_usage_error(
    config: Path, capsys: pytest.CaptureFixture[str], flag: str, value: str, *, is_first: bool
) -> None:
    chosen = (flag, value, "--bias") if is_first else ("--bias", flag, value)

    with pytest.raises(SystemExit) as caught:
        run_command(("analyse", str(config), *chosen), interrupts=Interrupts())

    assert caught.value.code == 2
    sentence = f"{flag} is a flag of --robust, and --bias does not read it: take it out"
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--trades", "30", "--robust"), ("--robust", "--trades", "30")])
def test_a_flag_of_bias_is_a_usage_error_beside_robust(
    config: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run_command(("analyse", str(config), *words), interrupts=Interrupts())

    assert caught.value.code == 2
    sentence = "--trades is a flag of --bias, and --robust does not read it: take it out"
    assert sentence in capsys.readouterr().err


def test_fewer_trades_than_prove_anything_are_a_usage_error(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run_command(("analyse", str(config), "--bias", "--trades", "9"), interrupts=Interrupts())

    assert caught.value.code == 2
    assert "'9' is not a whole number of 10 or more" in capsys.readouterr().err
