from pathlib import Path

import pytest

from tradai.core import MemoryStore, YamlLayer
from tradai.core.exceptions import NotFoundError


def test_a_yaml_layer_knows_the_line_of_every_value(tmp_path: Path) -> None:
    file = tmp_path / "trend.yaml"
    file.write_text("name: trend\npairs:\n  - BTC/USDT\n  - ETH/USDT\n")

    data = YamlLayer(str(file)).load()

    assert data.values == {"name": "trend", "pairs": ["BTC/USDT", "ETH/USDT"]}
    assert {key: str(origin) for key, origin in data.origins.items()} == {
        "name": f"{file}:1",
        "pairs": f"{file}:2",
        "pairs.0": f"{file}:3",
        "pairs.1": f"{file}:4",
    }
    assert data.origins["pairs.0"].column == 5


def test_a_repeated_value_comes_from_the_line_of_the_alias(tmp_path: Path) -> None:
    file = tmp_path / "trend.yaml"
    file.write_text("a: &x {b: [1]}\nc: *x\n")

    origins = YamlLayer(str(file)).load().origins

    assert {key: one.line for key, one in origins.items() if key.startswith("c")} == {
        "c": 2,
        "c.b": 2,
        "c.b.0": 2,
    }


def test_a_yaml_layer_reads_through_the_store_it_is_given() -> None:
    store = MemoryStore()
    store.write("memory:trend.yaml", b"name: trend")

    assert YamlLayer("memory:trend.yaml", store=store).load().values == {"name": "trend"}


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no such file"):
        YamlLayer(str(tmp_path / "none.yaml")).load()


def test_a_folder_of_a_strategy_names_the_file_in_it(tmp_path: Path) -> None:
    file = tmp_path / "strategy.yaml"
    file.write_text("name: trend")

    with pytest.raises(NotFoundError, match=f"it is a folder; name the file in it, {file}$"):
        YamlLayer(str(tmp_path)).load()

    file.unlink()

    with pytest.raises(NotFoundError, match="it is a folder, not a file"):
        YamlLayer(str(tmp_path)).load()


def test_a_file_uri_and_its_path_are_the_same_layer(tmp_path: Path) -> None:
    file = tmp_path / "trend.yaml"
    file.write_text("name: trend")

    assert YamlLayer(file.as_uri()).load().values == YamlLayer(str(file)).load().values
