"""Everything about one exchange is in one folder, found by the exchange's name."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

import tradai.entrypoint.freqtrade
from tradai.core import Market, MarketType, Pair
from tradai.core.exceptions import ConfigurationError, ValidationError
from tradai.entrypoint.freqtrade import MarketRules
from tradai.entrypoint.freqtrade._exchange.exchange import Exchange
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import (
    DEFAULT_EXCHANGE,
    exchange_named,
)

PACKAGE = Path(next(iter(tradai.entrypoint.freqtrade.__path__)))
RULES = MarketRules(tick="0.01", step="0.0001", min_notional="5")
BINANCE = exchange_named("binance")

TABLE: Final = (
    "_EXCHANGES: Final[tuple[Exchange, ...]] = (Binance(), BinanceFutures(), *RECORDED_EXCHANGES)"
)


def test_no_other_module_knows_the_exchange() -> None:
    lines = [
        f"{file.relative_to(PACKAGE)}: {line.rpartition('import ')[2]}"
        for file in sorted(PACKAGE.rglob("*.py"))
        if not {"_binance", "_recorded"} & {*file.parts}
        for line in file.read_text().splitlines()
        if "binance" in line.lower() or "/api/v3" in line
    ]

    # The table of exchanges; anything else about one of them belongs into its own folder.
    assert lines == [
        "_exchange/supported_exchanges.py: BinanceFutures",
        "_exchange/supported_exchanges.py: Binance",
        f"_exchange/supported_exchanges.py: {TABLE}",
    ]


@pytest.mark.parametrize(
    ("exchange", "pair"), [("binance", "PEPE/USDT"), ("binance_futures", "PEPE/USDT:USDT")]
)
def test_a_made_market_has_no_largest_order(exchange: str, pair: str) -> None:
    symbol = exchange_named(exchange).make_symbol(pair, RULES)

    assert "max" not in str(symbol).lower()


def test_an_unknown_exchange_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r"'probit'.*; there are binance, bin") as caught:
        exchange_named("probit")

    assert caught.value.key == "exchange"


def test_an_exchange_with_a_typing_error_is_suggested() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'hyperliquid'"):
        exchange_named("hyperliqiud")


def test_the_default_exchange_is_known() -> None:
    assert exchange_named(DEFAULT_EXCHANGE).name == DEFAULT_EXCHANGE


def with_filters(symbol: Mapping[str, Any], **changes: Mapping[str, str]) -> dict[str, Any]:
    rows = [row | dict(changes.get(row["filterType"], {})) for row in symbol["filters"]]
    return {**symbol, "filters": rows}


def test_a_synthetic_market_is_read_with_the_rules_it_was_made_of() -> None:
    symbol = BINANCE.make_symbol("BTC/USDT", RULES)

    assert BINANCE.market_of(symbol) == Market(
        pair=Pair("BTC/USDT"),
        market_type=MarketType.SPOT,
        base="BTC",
        quote="USDT",
        status="active",
        tick=Decimal("0.01"),
        step=Decimal("0.0001"),
        min_amount=Decimal("0.0001"),
        min_notional=Decimal(5),
    )


def test_a_market_whose_smallest_value_has_its_older_name_is_read_too() -> None:
    symbol = BINANCE.make_symbol("BTC/USDT", RULES)
    renamed = with_filters(symbol, NOTIONAL={"filterType": "MIN_NOTIONAL", "minNotional": "10.0"})

    assert BINANCE.market_of(renamed).min_notional == 10


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"filters": []}, "tick"),
        ({"filters": None}, "tick"),
        ({"filters": ["PRICE_FILTER"]}, "tick"),
        ({"filters": [{"filterType": "PRICE_FILTER", "tickSize": "0.01"}]}, "step"),
    ],
)
def test_a_market_without_a_tick_or_a_step_is_refused(
    changes: Mapping[str, Any], field: str
) -> None:
    symbol = BINANCE.make_symbol("BTC/USDT", RULES) | dict(changes)

    with pytest.raises(ValidationError, match="'BTC/USDT' is not usable") as caught:
        BINANCE.market_of(symbol)

    assert caught.value.field == field


def test_the_client_is_sent_to_one_address_for_every_part_of_the_api() -> None:
    urls = BINANCE.ccxt_config("http://127.0.0.1:8080")["urls"]

    assert isinstance(urls, dict)
    assert isinstance(urls["api"], dict)
    assert all(str(url).startswith("http://127.0.0.1:8080/") for url in urls["api"].values())


def test_the_rules_are_among_the_answers() -> None:
    exchange: Exchange = BINANCE

    assert exchange.rest_answers(lambda: "rules")[exchange.rules_path]() == "rules"
