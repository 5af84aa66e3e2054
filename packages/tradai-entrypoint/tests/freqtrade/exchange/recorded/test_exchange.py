from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import pytest

from tradai.core import JsonValue, utc_now
from tradai.core.exceptions import ConfigurationError, ValidationError
from tradai.entrypoint.freqtrade._exchange._recorded.exchange import RecordedExchange
from tradai.entrypoint.freqtrade._exchange._recorded.known import RECORDED_EXCHANGES
from tradai.entrypoint.freqtrade._exchange.exchange import Exchange, MarketRules
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named

SYMBOL: Final[Mapping[str, JsonValue]] = {
    "symbol": "BTC/USDT",
    "type": "spot",
    "base": "BTC",
    "quote": "USDT",
    "active": True,
    "precision": {"price": 0.1, "amount": 1e-05},
    "limits": {"amount": {"min": 0.0002}, "cost": {"min": 5.0}},
    "contractSize": None,
    "precision_mode": 4,
}
RULES = MarketRules(tick="1", step="1", min_notional="1")
BYBIT = exchange_named("bybit")


def recorded(name: str) -> RecordedExchange:
    return next(each for each in RECORDED_EXCHANGES if each.name == name)


@pytest.mark.parametrize("exchange", RECORDED_EXCHANGES, ids=lambda each: each.name)
def test_every_address_of_the_client_leads_to_the_replay(exchange: RecordedExchange) -> None:
    config = exchange.ccxt_config("http://127.0.0.1:1/token/")

    addresses = list(_leaves(config["urls"]))
    assert len(addresses) == sum(len(parts.split()) for parts in exchange.addresses.values())
    assert all(each.startswith("http://127.0.0.1:1/token/https://") for each in addresses)
    assert config["enableRateLimit"] is False
    assert "urls" not in exchange.ccxt_config(None)


@pytest.mark.parametrize(
    ("exchange", "url"),
    [
        ("binanceus", "https://api.binance.us/api/v3/exchangeInfo"),
        ("bitget", "https://api.bitget.com/api/v2/spot/public/symbols"),
        ("bybit", "https://api.bybit.com/v5/market/instruments-info?category=spot"),
        ("gate", "https://api.gateio.ws/api/v4/futures/usdt/contracts"),
        ("htx", "https://api.hbdm.vn/linear-swap-api/v1/swap_contract_info"),
        ("kraken", "https://api.kraken.com/0/public/AssetPairs"),
        ("okx", "https://www.okx.com/api/v5/public/instruments?instType=SPOT"),
    ],
)
def test_a_request_from_which_markets_are_loaded_is_public(exchange: str, url: str) -> None:
    assert recorded(exchange).is_public(url)


@pytest.mark.parametrize(
    ("exchange", "url"),
    [
        ("binanceus", "https://api.binance.us/sapi/v1/capital/config/getall"),
        ("bybit", "https://api.bybit.com/v5/asset/coin/query-info"),
        ("bybit", "https://api.bybit.com/v5/market/../asset/coin/query-info"),
        ("bybit", "https://api.bybit.com/v5/market/%2e%2e/asset/coin/query-info"),
        ("bybit", "https://api.exchange.test/v5/market/instruments-info"),
        ("gate", "https://api.gateio.ws/api/v4/wallet/deposits"),
        ("kraken", "https://api.kraken.com/0/private/Balance"),
        ("okx", "https://www.okx.com/api/v5/asset/currencies"),
    ],
)
def test_any_other_request_may_be_one_of_an_account(exchange: str, url: str) -> None:
    assert not recorded(exchange).is_public(url)


def test_nested_parts_of_the_client_are_redirected() -> None:
    urls: Any = exchange_named("gate").ccxt_config("http://127.0.0.1:1")["urls"]

    assert urls["api"]["public"]["spot"] == "http://127.0.0.1:1/https://api.gateio.ws/api/v4"


def test_a_market_is_read_as_ccxt_describes_it() -> None:
    market = BYBIT.market_of(SYMBOL)

    assert (market.pair, market.tick, market.step) == ("BTC/USDT", Decimal("0.1"), Decimal("1E-5"))
    assert (market.min_amount, market.min_notional) == (Decimal("0.0002"), Decimal(5))
    assert (BYBIT.pair_of(SYMBOL), BYBIT.halt_of(SYMBOL)) == ("BTC/USDT", None)
    assert BYBIT.halt_of({**SYMBOL, "active": False}) == "not active"


@pytest.mark.parametrize("mode", [2, None])
def test_precisions_of_another_meaning_are_refused(mode: int | None) -> None:
    with pytest.raises(ValidationError, match="TICK_SIZE"):
        BYBIT.market_of({**SYMBOL, "precision_mode": mode})


def test_a_symbol_without_a_name_is_none() -> None:
    with pytest.raises(ValueError, match="needs the text `symbol`"):
        BYBIT.pair_of({"precision": {}})


CALLS: Final[Mapping[str, Callable[[Exchange], object]]] = {
    "fetch_symbols": lambda exchange: exchange.fetch_symbols(None),
    "fetch_last_candle": lambda exchange: exchange.fetch_last_candle("BTC/USDT", "1h"),
    "make_symbol": lambda exchange: exchange.make_symbol("BTC/USDT", RULES),
    "describe_markets": lambda exchange: exchange.describe_markets([], utc_now()),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_not_proven_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match="bybit: it is proven in backtests") as caught:
        CALLS[name](BYBIT)

    assert caught.value.exit_code == 78


def _leaves(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _leaves(each)
    else:
        yield str(value)
