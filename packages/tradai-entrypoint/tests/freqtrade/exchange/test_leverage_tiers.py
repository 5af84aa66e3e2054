"""Leverage tiers are read for the pairs that are traded, and refused where they cannot be."""

import json
from pathlib import Path
from typing import Any

import pytest

from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.entrypoint.freqtrade._exchange.leverage_tiers import load_tiers

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


def tier(floor: float, cap: float, rate: float, leverage: float, cum: object) -> dict[str, Any]:
    return {
        "tier": 1,
        "symbol": BTC,
        "minNotional": floor,
        "maxNotional": cap,
        "maintenanceMarginRate": rate,
        "maxLeverage": leverage,
        "info": {"cum": cum, "bracket": 1},
    }


TIERS = [tier(0, 1000, 0.01, 50, 0), tier(1000, 5000, 0.02, 20, 10)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leverage_tiers.json"


def write(path: Path, values: object) -> None:
    path.write_text(json.dumps(values))


def test_the_engine_reads_the_tiers_of_the_traded_pairs_alone(path: Path) -> None:
    write(path, {BTC: TIERS, ETH: "not looked at"})

    read = json.loads(load_tiers(path, [BTC]).to_json())

    facts = ("minNotional", "maxNotional", "maintenanceMarginRate", "maxLeverage")
    assert list(read) == [BTC]
    assert [[each[fact] for fact in facts] for each in read[BTC]] == [
        [0, 1000, 0.01, 50],
        [1000, 5000, 0.02, 20],
    ]
    assert [each["info"]["cum"] for each in read[BTC]] == [0, 10]


def test_the_digest_is_over_what_decides_trades(path: Path) -> None:
    write(path, {BTC: TIERS})
    first = load_tiers(path, [BTC]).digest
    # As the exchange sends it: in its own words a number is a text.
    write(path, {ETH: TIERS, BTC: [{**TIERS[0], "tier": 7}, tier(1000, 5000, 0.02, 20, "10.0")]})
    other_words = load_tiers(path, [BTC]).digest
    write(path, {BTC: [TIERS[0], tier(1000, 5000, 0.02, 19, 10)]})

    assert other_words == first
    assert load_tiers(path, [BTC]).digest != first


@pytest.mark.parametrize(
    "text", ["[]", "nothing", '{"BTC', "null", pytest.param("[" * 100_000, id="deep")]
)
def test_a_file_of_something_else_is_refused(path: Path, text: str) -> None:
    path.write_text(text)

    with pytest.raises(ValidationError, match="a list of tiers by pair, as ccxt's"):
        load_tiers(path, [BTC])


def test_every_pair_without_tiers_is_named(path: Path) -> None:
    write(path, {BTC: TIERS, ETH: []})

    with pytest.raises(NotFoundError, match=f"{ETH}, XRP/USDT:USDT") as caught:
        load_tiers(path, ["XRP/USDT:USDT", BTC, ETH])
    assert caught.value.key == ETH


def test_a_pair_that_is_there_twice_is_refused_by_its_name(path: Path) -> None:
    path.write_text(f'{{"{BTC}": {json.dumps(TIERS)}, "{BTC}": {json.dumps(TIERS)}}}')

    with pytest.raises(ValidationError, match=f"has {BTC} twice: leave one"):
        load_tiers(path, [BTC])


@pytest.mark.parametrize(
    ("tiers", "problem"),
    [
        ({}, "their list"),
        ([None], "tier 1"),
        ([{**TIERS[0], "maxLeverage": "high"}], "maxLeverage of tier 1 must be a valid number"),
        ([TIERS[0], {**TIERS[1], "info": {}}], "info.cum of tier 2"),
        ([{**TIERS[0], "maintenanceMarginRate": 1}], "maintenanceMarginRate of tier 1"),
        ([{**TIERS[0], "maxNotional": float("inf")}], "maxNotional of tier 1"),
        (TIERS[1:], "minNotional of tier 1 is 1000, and must be 0"),
        ([TIERS[0], tier(1001, 5000, 0.02, 20, 10)], "minNotional of tier 2 is 1001, and must be"),
        ([TIERS[0], tier(1000, 1000, 0.02, 20, 10)], "maxNotional of tier 2 is not above"),
        ([TIERS[0], tier(1000, 5000, 0.001, 20, 0)], "tier 2 has a lower maintenanceMarginRate"),
        ([TIERS[0], tier(1000, 5000, 0.02, 60, 10)], "or a higher maxLeverage"),
        ([TIERS[0], tier(1000, 5000, 0.02, 20, 30)], "info.cum of tier 2 is 30, and must be 10"),
    ],
)
def test_tiers_that_cannot_be_are_refused_by_pair_and_tier(
    path: Path, tiers: object, problem: str
) -> None:
    write(path, {BTC: tiers} if tiers else {BTC: {"tier": 1}})

    with pytest.raises(ValidationError) as caught:
        load_tiers(path, [BTC])
    assert f"the leverage tiers of {BTC} in {path} are not usable: " in str(caught.value)
    assert problem in str(caught.value)
    assert caught.value.field == BTC
