"""Freqtrade's configuration files are laid over one another as it does."""

import json
from pathlib import Path

import pytest

from tradai.core.exceptions import ConfigurationError, NotFoundError
from tradai.entrypoint.freqtrade._new_folder.config_files import load_files


def written(file: Path, **config: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(config))
    return file


def test_later_files_go_over_earlier_ones_key_by_key(tmp_path: Path) -> None:
    first = written(tmp_path / "a.json", exchange={"name": "binance", "key": "x"}, fee=0.1)
    second = written(tmp_path / "b.json", exchange={"key": None}, pairlists=[1], fee=0.2)

    config = load_files([first, second])

    assert config == {
        "exchange": {"name": "binance", "key": None},
        "fee": 0.2,
        "pairlists": [1],
    }


def test_a_file_goes_over_those_that_it_names_beside_it(tmp_path: Path) -> None:
    written(tmp_path / "sub" / "low.json", fee=0.1, stake_amount=1, add_config_files=["base.json"])
    written(tmp_path / "sub" / "base.json", fee=0.3, stake_currency="EUR")
    top = written(tmp_path / "top.json", stake_amount=2, add_config_files=["sub/low.json"])

    config = load_files([top])

    assert (config["fee"], config["stake_amount"], config["stake_currency"]) == (0.1, 2, "EUR")


def test_files_that_name_one_another_in_a_loop_are_refused(tmp_path: Path) -> None:
    loop = written(tmp_path / "a.json", add_config_files=["a.json"])

    with pytest.raises(ConfigurationError, match="in a loop"):
        load_files([loop])


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    top = written(tmp_path / "top.json", add_config_files=["gone.json"])

    with pytest.raises(NotFoundError, match=r"gone\.json"):
        load_files([top])


def test_a_block_over_a_plain_value_is_refused(tmp_path: Path) -> None:
    first = written(tmp_path / "a.json", telegram=1)
    second = written(tmp_path / "b.json", telegram={"enabled": False})

    with pytest.raises(ConfigurationError, match="telegram is a block in"):
        load_files([first, second])
