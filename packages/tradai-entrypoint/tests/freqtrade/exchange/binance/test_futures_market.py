"""Symbols of Binance's perpetual contracts, and the engine's client for them."""

from decimal import Decimal
from typing import Any, Final

import pytest

from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade import MarketRules

# Not through the door: the exchanges there are.
from tradai.entrypoint.freqtrade._exchange._binance.futures_market import BinanceFutures
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named

FUTURES: Final = exchange_named("binance_futures")
PAIR: Final = "BTC/USDT:USDT"
RULES: Final = MarketRules(tick="0.1", step="0.001", min_notional="5")


def symbol(**changes: str) -> dict[str, Any]:
    return {**FUTURES.make_symbol(PAIR, RULES), **changes}


def test_a_symbol_that_was_made_is_read_as_its_pair_and_rules() -> None:
    market = FUTURES.market_of(symbol())

    assert FUTURES.pair_of(symbol()) == PAIR
    assert (market.tick, market.step) == (Decimal("0.1"), Decimal("0.001"))
    assert market.min_notional == Decimal(5)


@pytest.mark.parametrize(
    "changes",
    [{"contractType": "CURRENT_QUARTER"}, {"marginAsset": "BTC"}, {"marginAsset": "USDC"}],
)
def test_a_contract_that_ends_or_is_settled_otherwise_is_not_a_pair(
    changes: dict[str, str],
) -> None:
    with pytest.raises(ValueError, match="perpetual contract settled in its quote currency"):
        FUTURES.pair_of(symbol(**changes))


def test_a_contract_that_is_not_traded_is_halted() -> None:
    assert FUTURES.halt_of(symbol()) is None
    assert FUTURES.halt_of(symbol(status="SETTLING")) == "SETTLING"


def test_the_client_loads_linear_contracts_alone_and_from_the_given_address() -> None:
    given = FUTURES.ccxt_config("http://127.0.0.1:9")

    options = {"fetchCurrencies": False, "fetchMarkets": {"types": ["linear"]}}
    assert given["options"] == options
    assert "https://" not in str(given)


def test_the_server_answers_the_engine_s_paths() -> None:
    answers = FUTURES.rest_answers(lambda: {"symbols": []})

    assert sorted(answers) == ["/fapi/v1/exchangeInfo", "/fapi/v1/ping", "/fapi/v1/time"]
    assert answers["/fapi/v1/exchangeInfo"]() == {"symbols": []}


def test_no_account_of_futures_is_signed_in_to() -> None:
    with pytest.raises(ConfigurationError, match="trades futures in backtests only"):
        BinanceFutures().sign_in()
