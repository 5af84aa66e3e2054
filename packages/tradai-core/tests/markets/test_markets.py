import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pydantic
import pytest

from tradai.core import (
    FileStore,
    InMemoryRepository,
    Market,
    MarketHistory,
    MarketSnapshot,
    MarketType,
    ModelRepository,
    Pair,
)
from tradai.core.exceptions import NotFoundError, ValidationError

TICK_SIZE, DECIMAL_PLACES = 4, 2
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)


def entry(**changes: object) -> dict[str, Any]:
    """Return a market as ccxt describes it."""
    return {
        "id": "BTCUSDT",
        "symbol": "BTC/USDT",
        "base": "BTC",
        "quote": "USDT",
        "settle": None,
        "type": "spot",
        "spot": True,
        "active": True,
        "contractSize": None,
        "precision": {"amount": 1e-05, "price": 0.01, "base": 1e-08},
        "limits": {
            "amount": {"min": 1e-05, "max": 9000.0},
            "cost": {"min": 5.0, "max": 9000000.0},
            "price": {"min": 0.01, "max": 1000000.0},
        },
        "info": {"symbol": "BTCUSDT"},
        **changes,
    }


def market(**changes: object) -> Market:
    return Market.from_ccxt(entry(**changes), precision_mode=TICK_SIZE)


def snapshot(taken_at: datetime = NOON, *markets: Market) -> MarketSnapshot:
    return MarketSnapshot(exchange="binance", taken_at=taken_at, markets=markets or (market(),))


def test_a_spot_market_is_read_exactly() -> None:
    assert market() == Market(
        pair=Pair("BTC/USDT"),
        market_type=MarketType.SPOT,
        base="BTC",
        quote="USDT",
        status="active",
        tick=Decimal("0.01"),
        step=Decimal("0.00001"),
        min_amount=Decimal("0.00001"),
        min_notional=Decimal(5),
    )


def test_a_perpetual_has_a_contract_size() -> None:
    found = market(symbol="BTC/USDT:USDT", type="swap", settle="USDT", contractSize=0.001)

    assert found.market_type is MarketType.FUTURES
    assert found.contract_size == Decimal("0.001")


@pytest.mark.parametrize(
    ("active", "status"), [(True, "active"), (False, "inactive"), (None, "unknown")]
)
def test_the_status_is_what_the_exchange_says(active: object, status: str) -> None:
    assert market(active=active).status == status


def test_limits_that_are_not_given_are_none() -> None:
    found = market(limits={"amount": {"min": None}})

    assert found.min_amount is None
    assert found.min_notional is None


@pytest.mark.parametrize(("part", "field"), [("amount", "min_amount"), ("cost", "min_notional")])
def test_the_smallest_order_is_not_below_zero(part: str, field: str) -> None:
    assert getattr(market(limits={part: {"min": 0}}), field) == 0
    with pytest.raises(ValidationError, match=f"{field}: must be greater than or equal to 0"):
        market(limits={part: {"min": -5}})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"precision": {"price": None, "amount": 1e-05}}, "tick"),
        ({"precision": {"price": 0, "amount": 1e-05}}, "tick"),
        ({"precision": {"price": 0.01, "amount": float("nan")}}, "step"),
        ({"precision": None}, "tick"),
        ({"type": "option"}, "market_type"),
        ({"symbol": "BTC/USDT:USDT-250627"}, "pair"),
        ({"symbol": None}, "pair"),
        ({"active": "yes"}, "status"),
        ({"contractSize": -1}, "contract_size"),
    ],
)
def test_an_entry_that_is_not_a_market_is_refused(changes: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError, match=f"the market .* is not usable: {field}") as caught:
        market(**changes)

    assert caught.value.field == field
    assert "Input should" not in str(caught.value)


def test_a_rule_that_is_missing_says_what_it_must_be() -> None:
    with pytest.raises(ValidationError, match=r"'BTC/USDT' is not usable: tick: must be "):
        market(precision={"price": None, "amount": 1e-05})


def test_a_precision_that_is_not_a_step_is_refused() -> None:
    with pytest.raises(ValidationError, match="TICK_SIZE"):
        Market.from_ccxt(entry(), precision_mode=DECIMAL_PLACES)


def test_a_market_cannot_be_changed() -> None:
    found = market()

    with pytest.raises(pydantic.ValidationError, match="frozen"):
        found.tick = Decimal(1)
    assert hash(market()) == hash(market())


def test_a_snapshot_survives_json_to_the_last_digit() -> None:
    tiny = market(precision={"price": "0.000000000001", "amount": 1e-08})

    text = snapshot(NOON, tiny).model_dump_json()

    assert MarketSnapshot.model_validate_json(text) == snapshot(NOON, tiny)
    assert json.loads(text)["markets"][0]["step"] == "0.00000001"


def test_the_digest_is_of_the_rules_alone() -> None:
    other = market(symbol="ETH/USDT", base="ETH")
    later = NOON + timedelta(days=1)

    assert snapshot(NOON, market(), other).digest == snapshot(later, other, market()).digest
    assert snapshot(NOON, market()).digest != snapshot(NOON, other).digest
    changed = market(precision={"price": 0.1, "amount": 1e-05})
    assert snapshot(NOON, market()).digest != snapshot(NOON, changed).digest


def test_a_pair_twice_is_refused() -> None:
    with pytest.raises(pydantic.ValidationError, match="a pair is there twice"):
        snapshot(NOON, market(), market())


def test_a_snapshot_without_a_time_zone_is_refused() -> None:
    with pytest.raises(pydantic.ValidationError, match="timezone"):
        snapshot(NOON.replace(tzinfo=None))


def test_a_market_is_found_by_its_pair() -> None:
    assert snapshot().market("BTC/USDT") == market()
    with pytest.raises(NotFoundError, match=r"ETH/USDT of binance is not in .* of 2025"):
        snapshot().market("ETH/USDT")


def test_pairs_that_are_missing_or_not_traded_are_all_named() -> None:
    halted = market(symbol="ETH/USDT", base="ETH", active=False)
    silent = market(symbol="SOL/USDT", base="SOL", active=None)
    taken = snapshot(NOON, market(), halted, silent)

    taken.require(["BTC/USDT"])
    with pytest.raises(NotFoundError) as caught:
        taken.require(["SOL/USDT", "BTC/USDT", "ETH/USDT", "ADA/USDT"])

    assert "ADA/USDT (not listed), ETH/USDT (inactive), SOL/USDT (unknown)" in str(caught.value)
    assert caught.value.key == "ADA/USDT"


@pytest.fixture(params=["memory", "files"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> MarketHistory:
    if request.param == "memory":
        return MarketHistory(InMemoryRepository())
    return MarketHistory(ModelRepository(MarketSnapshot, FileStore(), tmp_path.as_uri()))


def test_history_returns_the_snapshot_of_a_time(history: MarketHistory) -> None:
    days = [NOON + timedelta(days=number) for number in range(3)]
    kept = [snapshot(day) for day in days]
    for one in (kept[1], kept[2], kept[0]):
        history.put(one)

    assert history.latest("binance") == kept[2]
    assert history.as_of("binance", days[1]) == kept[1]
    assert history.as_of("binance", days[2] - timedelta(microseconds=1)) == kept[1]
    assert history.as_of("binance", days[1].astimezone(timezone(timedelta(hours=9)))) == kept[1]
    with pytest.raises(NotFoundError, match="a market snapshot of binance of 2025-01-01"):
        history.as_of("binance", days[0] - timedelta(microseconds=1))


def test_history_keeps_exchanges_apart(history: MarketHistory) -> None:
    history.put(snapshot())

    with pytest.raises(NotFoundError, match="a market snapshot of kraken does not exist"):
        history.latest("kraken")
    with pytest.raises(NotFoundError):
        history.latest("binan")


def test_history_keeps_one_snapshot_of_an_instant(history: MarketHistory) -> None:
    history.put(snapshot())
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))

    assert history.put(snapshot(tokyo)) == "binance/20250101T120000.000000Z"
    assert history.latest("binance").taken_at == NOON


def test_history_refuses_an_instant_without_a_time_zone(history: MarketHistory) -> None:
    with pytest.raises(ValidationError, match="expected an aware instant"):
        history.as_of("binance", NOON.replace(tzinfo=None))
