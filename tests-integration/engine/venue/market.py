"""Public side of the loopback exchange: market rules, prices, candles, the book.

A price is a function of time, unless a test pins it.
"""

import math
import time
from typing import Any, Final

Query = dict[str, str]

PRICES: Final = {"BTCUSDT": 60_000.0, "ETHUSDT": 3_000.0}
QUOTE: Final = "USDT"
TICK: Final = "0.01"
STEP: Final = "0.00001"
MIN_NOTIONAL: Final = "5"
_UNITS_S: Final = {"m": 60, "h": 3_600, "d": 86_400}
# Prices between two looks at the market are read at most so often.
_MOST_POINTS: Final = 300


class Market:
    """Prices of all symbols, and the clock of the exchange."""

    def __init__(self) -> None:
        """Follow the waves, on the time of this machine."""
        self.pinned: dict[str, float] = {}
        self.clock_offset_ms = 0
        self.closed: frozenset[str] = frozenset()
        self.without_candles: frozenset[str] = frozenset()

    def now_ms(self) -> int:
        """Return the exchange's time in milliseconds."""
        return int(time.time() * 1000) + self.clock_offset_ms

    def price(self, symbol: str, at_s: float | None = None) -> float:
        """Return the price, which follows two slow waves around its base price."""
        if symbol in self.pinned:
            return self.pinned[symbol]
        at_s = time.time() if at_s is None else at_s
        wave = math.sin(at_s / 900) * 0.01 + math.sin(at_s / 7_000) * 0.03
        return round(PRICES[symbol] * (1 + wave), 2)

    def best(self, symbol: str) -> tuple[float, float]:
        """Return the best bid and the best ask."""
        middle = self.price(symbol)
        return round(middle - 0.01, 2), round(middle + 0.01, 2)

    def extremes(self, symbol: str, since_s: float) -> tuple[float, float]:
        """Return the lowest and the highest price from `since_s` to now."""
        span_s = time.time() - since_s
        points = min(_MOST_POINTS, max(1, int(span_s)))
        prices = [self.price(symbol, since_s + span_s * i / points) for i in range(points + 1)]
        return min(prices), max(prices)

    def candles(self, query: Query) -> list[list[Any]]:
        """Return the requested candles, up to now."""
        symbol, interval = query["symbol"], query["interval"]
        if symbol in self.without_candles:
            return []
        span_s = int(interval[:-1]) * _UNITS_S[interval[-1]]
        limit, now_s = int(query.get("limit", 500)), time.time()
        last = int(query["endTime"]) // 1000 if "endTime" in query else now_s
        first = (
            int(query["startTime"]) / 1000 if "startTime" in query else last - (limit - 1) * span_s
        )
        opens = range(math.ceil(first / span_s) * span_s, int(min(last, now_s)) + 1, span_s)
        return [self._candle(symbol, at_s, span_s) for at_s in opens[:limit]]

    def _candle(self, symbol: str, at_s: int, span_s: int) -> list[Any]:
        points = [self.price(symbol, at_s + span_s * step / 4) for step in range(5)]
        prices = [f"{point:.2f}" for point in (points[0], max(points), min(points), points[-1])]
        volumes = ["10", (at_s + span_s) * 1000 - 1, "600000", 100, "5", "300000", "0"]
        return [at_s * 1000, *prices, *volumes]

    def depth(self, query: Query) -> dict[str, Any]:
        """Return a thin book around the price."""
        middle = self.price(query["symbol"])
        return {
            "lastUpdateId": 1,
            "bids": [[f"{middle - 0.01 * row:.2f}", "50"] for row in range(1, 21)],
            "asks": [[f"{middle + 0.01 * row:.2f}", "50"] for row in range(1, 21)],
        }

    def day_ticker(self, query: Query) -> Any:
        """Return the statistics of the last day, of one symbol or of all."""
        if "symbol" in query:
            return self._day_ticker(query["symbol"])
        return [self._day_ticker(symbol) for symbol in PRICES]

    def _day_ticker(self, symbol: str) -> dict[str, Any]:
        (bid, ask), last = self.best(symbol), self.price(symbol)
        before, now_ms = self.price(symbol, time.time() - 86_400), self.now_ms()
        prices = {
            "lastPrice": last,
            "bidPrice": bid,
            "askPrice": ask,
            "openPrice": before,
            "prevClosePrice": before,
            "weightedAvgPrice": last,
            "highPrice": last * 1.05,
            "lowPrice": last * 0.95,
            "priceChange": last - before,
            "priceChangePercent": (last / before - 1) * 100,
        }
        return {
            "symbol": symbol,
            **{name: f"{value:.2f}" for name, value in prices.items()},
            "lastQty": "1",
            "bidQty": "50",
            "askQty": "50",
            "volume": "100000",
            "quoteVolume": f"{100_000 * last:.2f}",
            "openTime": now_ms - 86_400_000,
            "closeTime": now_ms,
            "firstId": 1,
            "lastId": 1000,
            "count": 1000,
        }

    def exchange_info(self, _query: Query) -> dict[str, Any]:
        """Return the rules of all symbols."""
        symbols = [
            _rules(symbol, status="BREAK" if symbol in self.closed else "TRADING")
            for symbol in PRICES
        ]
        return {
            "timezone": "UTC",
            "serverTime": self.now_ms(),
            "rateLimits": [],
            "symbols": symbols,
        }


def base_of(symbol: str) -> str:
    """Return the base currency of `symbol`."""
    return symbol.removesuffix(QUOTE)


def _rules(symbol: str, *, status: str) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "status": status,
        "baseAsset": base_of(symbol),
        "baseAssetPrecision": 8,
        "quoteAsset": QUOTE,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": TICK,
                "maxPrice": "1000000",
                "tickSize": TICK,
            },
            {"filterType": "LOT_SIZE", "minQty": STEP, "maxQty": "9000", "stepSize": STEP},
            {"filterType": "NOTIONAL", "minNotional": MIN_NOTIONAL, "maxNotional": "9000000"},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }
