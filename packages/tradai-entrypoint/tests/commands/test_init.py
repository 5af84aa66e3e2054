"""The command `init` prints the fate of each key, and the commands to go on with."""

import json
import re
from pathlib import Path

import pytest

from tradai.entrypoint import Interrupts
from tradai.entrypoint._cli import run_command
from tradai.entrypoint.freqtrade._new_folder.config_json import read_object

CONFIG = """{
    // a comment
    "stake_currency": "USDT", "stake_amount": 100, "max_open_trades": 2, "timeframe": "5m",
    "exchange": {"name": "binance", "key": "", "pair_whitelist": ["BTC/USDT"]},
    "pairlists": [{"method": "VolumePairList"}],
}"""
STRATEGY = """from freqtrade.strategy import IStrategy

class Mine(IStrategy):
    protections = [{"method": "CooldownPeriod"}]
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a configuration and the folder of strategies of Freqtrade."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "user_data" / "strategies").mkdir(parents=True)
    (tmp_path / "user_data" / "strategies" / "mine.py").write_text(STRATEGY)
    (tmp_path / "config.json").write_text(CONFIG)
    return tmp_path


def call(*words: str) -> int:
    return run_command(["init", *words], interrupts=Interrupts())


def test_a_move_prints_each_key_and_the_next_commands(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call("--from-freqtrade", "config.json", "--strategy", "Mine")

    out = capsys.readouterr().out
    assert code == 0
    assert "note: the end of a range: Freqtrade" in out
    assert "run Mine/strategy.yaml --mode backtest --data DIR parameters.enable_protections" in out
    assert (files / "Mine" / "strategy.yaml").exists()


def test_keys_to_look_at_have_a_row_and_the_others_a_name(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = read_object(files / "config.json")
    config |= {"dry_run": True, "initial_state": "running"}
    config["telegram"] = {"enabled": True, "token": "invented", "chat_id": "7"}
    (files / "config.json").write_text(json.dumps(config))

    call("--from-freqtrade", "config.json", "--strategy", "Mine")

    lines = capsys.readouterr().out.splitlines()
    end = next(at for at, line in enumerate(lines) if line.startswith("mapped, "))
    assert [tuple(re.split("  +", line)[:2]) for line in lines[1:end]] == [
        ("pairlists", "not supported"),
        ("telegram.token", "secret"),
        ("telegram.chat_id", "secret"),
        ("dry_run", "mapped"),
    ]
    assert lines[end : end + 2] == [
        (
            "mapped, 7 keys: stake_currency, stake_amount, max_open_trades, timeframe, "
            "exchange.name, exchange.pair_whitelist, telegram.enabled"
        ),
        "not needed, 2 keys: exchange.key, initial_state",
    ]


def test_a_move_in_json_has_every_key(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = call("new", "--json", "--from-freqtrade", "config.json", "--strategy", "Mine")

    answer = json.loads(capsys.readouterr().out)
    assert (code, answer["folder"]) == (0, "new")
    assert (files / answer["folder"] / "README.md").exists()
    assert {each["key"] for each in answer["keys"]} == {
        *("stake_currency", "stake_amount", "max_open_trades", "timeframe", "pairlists"),
        *("exchange.name", "exchange.key", "exchange.pair_whitelist"),
    }
    assert answer["overrides"] == ["parameters.enable_protections=false"]


def test_a_second_move_is_refused(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call("new")
    before = (files / "new" / "strategy.yaml").read_text()

    code = call("new")

    assert code == 78
    assert "not overwritten" in capsys.readouterr().err
    assert (files / "new" / "strategy.yaml").read_text() == before


def test_the_timeframe_of_a_new_strategy_is_asked_for_by_a_flag(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("new", "--timeframe", "15m") == 0

    refused = call("other", "--timeframe", "1h", "--from-freqtrade", "config.json")

    assert "timeframe: 15m" in (files / "new" / "strategy.yaml").read_text()
    assert refused == 78
    assert "--timeframe is of a new strategy" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--strategy", "--timeframe"])
def test_an_empty_value_of_a_new_strategy_is_refused(
    files: Path, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        call("new", f"{flag}=")

    assert f"argument {flag}: it is empty" in capsys.readouterr().err
    assert not (files / "new").exists()


def test_a_flag_of_a_move_alone_is_refused(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = call("new", "--params", "mine.json")

    assert code == 78
    assert "add --from-freqtrade" in capsys.readouterr().err
    assert not (files / "new").exists()


def test_the_next_commands_name_the_candles_that_freqtrade_has(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "user_data" / "data" / "binance").mkdir(parents=True)

    call("--from-freqtrade", "config.json", "--strategy", "Mine")

    next_commands = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("next:")
    ]
    assert len(next_commands) == 2
    assert all("--data user_data/data/binance" in line for line in next_commands)
