"""Variants of a sweep, from a command line or a file."""

import json
from pathlib import Path

import pytest

from tradai.core import OverridesLayer
from tradai.core.exceptions import ConfigurationError, NotFoundError
from tradai.entrypoint._sweep.variants import Variant, listed, varied


def test_every_combination_is_a_variant_and_the_last_key_varies_fastest() -> None:
    variants = varied(["buy_params.fast=8,12", "execution.fee=0.001,0.002"])

    assert [variant.label for variant in variants] == [
        "fast=8, fee=0.001",
        "fast=8, fee=0.002",
        "fast=12, fee=0.001",
        "fast=12, fee=0.002",
    ]
    assert [variant.number for variant in variants] == [1, 2, 3, 4]
    assert variants[1].overrides == ("buy_params.fast=8", "execution.fee=0.002")


def test_commas_inside_of_brackets_belong_to_one_value() -> None:
    variants = varied(["pairs=[BTC/USDT,ETH/USDT],[XRP/USDT]", "freqai={a: [1,2], b: 3}"])

    assert [dict(variant.values) for variant in variants] == [
        {"pairs": "[BTC/USDT,ETH/USDT]", "freqai": "{a: [1,2], b: 3}"},
        {"pairs": "[XRP/USDT]", "freqai": "{a: [1,2], b: 3}"},
    ]


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (["fast"], "write --vary key=a,b,c"),
        (["=1,2"], "write --vary key=a,b,c"),
        (["a..b=1"], "write --vary key=a,b,c"),
        (["fast=1", "fast=2"], "fast is varied twice"),
        (["fast=1,1"], "needs values that differ"),
        (["fast=1,,2"], "needs values that differ and are not empty"),
        (["fast="], "not empty"),
    ],
)
def test_a_text_that_varies_nothing_is_refused(texts: list[str], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        varied(texts)


def test_a_file_lists_variants_with_dotted_or_nested_keys(tmp_path: Path) -> None:
    path = tmp_path / "variants.yaml"
    path.write_text(
        "- buy_params.fast: 12\n- buy_params: {fast: 24, slow: 96}\n"
        "  pairs: [BTC/USDT, ETH/USDT]\n  run: {timerange: 20250101-20250201}\n"
    )

    variants = listed(path)

    assert [variant.overrides for variant in variants] == [
        ("buy_params.fast=12",),
        (
            "buy_params.fast=24",
            "buy_params.slow=96",
            'pairs=["BTC/USDT", "ETH/USDT"]',
            "run.timerange=20250101-20250201",
        ),
    ]


@pytest.mark.parametrize("text", ["", "{}", "[]", "fast: 12", "- 12", "- {}", "- [a, b]"])
def test_a_file_without_variants_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "variants.yaml"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=r"variants.yaml.*(no variants|empty)"):
        listed(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"absent\.yaml"):
        listed(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    "text", ["- {a.b: 1, a: {b: 2}}", "- 'a=b': 1", "- '': 1", "- {a: {'': 1}}"]
)
def test_a_key_that_is_written_twice_or_cannot_be_one_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "variants.yaml"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=r"variants\.yaml has the key '.*' twice"):
        listed(path)


@pytest.mark.parametrize(
    "value", ["12", "1.0", "true", "null", "", "[a]", "{a: 1}", "a: b", "#c", "x\ny", " a ", "BTC"]
)
def test_a_text_in_a_file_stays_a_text(tmp_path: Path, value: str) -> None:
    path = tmp_path / "variants.yaml"
    path.write_text(f"- name: {json.dumps(value)}")

    (variant,) = listed(path)

    assert OverridesLayer(variant.overrides).load().values == {"name": value}


def test_a_step_of_a_table_is_labelled_with_the_name_of_the_table() -> None:
    values = {"execution.minimal_roi.0": "0.05", "buy_params.fast": "8"}

    assert Variant(number=1, values=values).label == "minimal_roi.0=0.05, fast=8"
