"""Perpetual contracts of the loopback exchange: rules, candles, mark candles, funding rates."""

import time
from typing import Any, Final

from engine.venue.market import MIN_NOTIONAL, PRICES, QUOTE, STEP, TICK, Market, Query, base_of

_EIGHT_HOURS_MS: Final = 8 * 3_600_000
# The exchange's own times are a little late.
_LATE_MS: Final = 3
_PREMIUM: Final = 1.001


class Contracts:
    """A perpetual contract on each coin of the market, at its price."""

    def __init__(self, market: Market) -> None:
        """Follow the prices of `market`."""
        self._market = market

    def candles(self, query: Query) -> list[list[Any]]:
        """Return the requested candles, up to now."""
        return self._market.candles(query)

    def mark_candles(self, query: Query) -> list[list[Any]]:
        """Return candles of the mark price, which have no volume."""
        rows = self._market.candles(query)
        return [
            [row[0], *(f"{float(price) * _PREMIUM:.2f}" for price in row[1:5]), "0", *row[6:]]
            for row in rows
        ]

    def funding_rates(self, query: Query) -> list[dict[str, Any]]:
        """Return the requested rates, three a day, up to now."""
        limit, now_ms = int(query.get("limit", 100)), int(time.time() * 1000)
        first = -(-int(query.get("startTime", 0)) // _EIGHT_HOURS_MS)
        times = range(first * _EIGHT_HOURS_MS, now_ms, _EIGHT_HOURS_MS)[:limit]
        return [
            {
                "symbol": query["symbol"],
                "fundingTime": at_ms + _LATE_MS,
                "fundingRate": "0.00010000" if at_ms // _EIGHT_HOURS_MS % 2 else "-0.00020000",
                "markPrice": "0",
            }
            for at_ms in times
        ]

    def exchange_info(self, _query: Query) -> dict[str, Any]:
        """Return the rules of all contracts."""
        return {"timezone": "UTC", "rateLimits": [], "symbols": [_rules(each) for each in PRICES]}


def _rules(symbol: str) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "pair": symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000,
        "status": "TRADING",
        "baseAsset": base_of(symbol),
        "quoteAsset": QUOTE,
        "marginAsset": QUOTE,
        "pricePrecision": 2,
        "quantityPrecision": 5,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": TICK,
                "maxPrice": "1000000",
                "tickSize": TICK,
            },
            {"filterType": "LOT_SIZE", "minQty": STEP, "maxQty": "9000", "stepSize": STEP},
            {"filterType": "MIN_NOTIONAL", "notional": MIN_NOTIONAL},
        ],
    }
