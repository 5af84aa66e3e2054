"""`analyse --robust`, until its first run."""

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


def test_a_number_of_sets_below_zero_is_refused(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("analyse", str(config), "--robust", "--data", "candles", "--sets", "-3")

    with pytest.raises(SystemExit):
        run_command(words, interrupts=Interrupts())

    assert "--sets: '-3' is not a whole number of 0 or more" in capsys.readouterr().err
