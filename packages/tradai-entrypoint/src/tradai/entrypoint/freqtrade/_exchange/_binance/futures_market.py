"""Binance's perpetual contracts that are settled in their quote currency (USDⓈ-M futures)."""

import time
from collections.abc import Callable
from typing import Literal, final

from tradai.core import JsonValue, Market
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._live._account.account import SignedClient
from tradai.entrypoint.freqtrade._exchange._binance.spot_market import TICK_SIZE, Binance, filter_of
from tradai.entrypoint.freqtrade._exchange.exchange import MarketRules, RestAnswers, Symbol


@final
class BinanceFutures(Binance):
    """The `Exchange` ``binance_futures``: isolated margin, no signed requests."""

    name: str = "binance_futures"
    market_type: Literal["spot", "futures"] = "futures"
    address: str = "https://fapi.binance.com"
    rules_path: str = "/fapi/v1/exchangeInfo"
    tiers_file: str | None = "exchange/binance_leverage_tiers.json"
    is_backtest_only: bool = True

    def sign_in(self, *_args: object, **_options: object) -> SignedClient:
        """Refuse: this release does not trade futures for real."""
        message = f"exchange is {self.name}: this release trades futures in backtests only"
        raise ConfigurationError(message, key="exchange")

    def pair_of(self, symbol: Symbol) -> str:
        """Return the pair of a linear perpetual contract, such as ``BTC/USDT:USDT``."""
        pair = super().pair_of(symbol)
        settled = symbol.get("marginAsset")
        if symbol.get("contractType") != "PERPETUAL" or settled != symbol["quoteAsset"]:
            message = "a symbol needs to be a perpetual contract settled in its quote currency"
            raise ValueError(message)
        return f"{pair}:{settled}"

    def market_of(self, symbol: Symbol) -> Market:
        """Return the rules as ccxt would read them; one contract is one unit of the base."""
        price, lot = filter_of(symbol, "PRICE_FILTER"), filter_of(symbol, "LOT_SIZE")
        entry = {
            "symbol": self.pair_of(symbol),
            "type": "swap",
            "base": symbol["baseAsset"],
            "quote": symbol["quoteAsset"],
            "active": self.halt_of(symbol) is None,
            "precision": {"price": price.get("tickSize"), "amount": lot.get("stepSize")},
            "limits": {
                "amount": {"min": lot.get("minQty")},
                "cost": {"min": filter_of(symbol, "MIN_NOTIONAL").get("notional")},
            },
            "contractSize": 1,
        }
        return Market.from_ccxt(entry, precision_mode=TICK_SIZE)

    def make_symbol(self, pair: str, rules: MarketRules) -> dict[str, JsonValue]:
        """Return a symbol object with the fields that the engine reads."""
        name, _, settle = pair.partition(":")
        base, _, quote = name.partition("/")
        tick, step = rules.tick, rules.step
        return {
            "symbol": f"{base}{quote}",
            "pair": f"{base}{quote}",
            "contractType": "PERPETUAL",
            "deliveryDate": 4133404800000,
            "onboardDate": 1569398400000,
            "status": "TRADING",
            "baseAsset": base,
            "quoteAsset": quote,
            "marginAsset": settle,
            "pricePrecision": 8,
            "quantityPrecision": 8,
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": tick, "tickSize": tick},
                # Without a largest order, by which the engine would cut a stake.
                {"filterType": "LOT_SIZE", "minQty": step, "stepSize": step},
                {"filterType": "MIN_NOTIONAL", "notional": rules.min_notional},
            ],
        }

    def rest_answers(self, rules: Callable[[], JsonValue]) -> RestAnswers:
        """Return the answers for exchange info, ping and time."""
        return {
            self.rules_path: rules,
            "/fapi/v1/ping": dict,
            "/fapi/v1/time": lambda: {"serverTime": time.time_ns() // 1_000_000},
        }

    def ccxt_config(
        self, base_url: str | None, *, order_prefix: str | None = None
    ) -> dict[str, JsonValue]:
        """Return the settings of the client, for linear contracts alone."""
        rendered = super().ccxt_config(base_url, order_prefix=order_prefix)
        options: dict[str, JsonValue] = {
            "fetchCurrencies": False,
            "fetchMarkets": {"types": ["linear"]},
        }
        return {**rendered, "options": options}
