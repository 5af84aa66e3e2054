"""A stand-in for Binance's public spot interface on loopback; prices are a function of time.

Only what the engine asks for in a dry-run and a download: market rules, time, candles, the book.
"""

import json
import math
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PRICES = {"BTCUSDT": 60_000.0, "ETHUSDT": 3_000.0}
UNITS_S = {"m": 60, "h": 3_600, "d": 86_400}


def price(symbol: str, at_s: float) -> float:
    """Return the price of `symbol`, which follows two slow waves around its base price."""
    wave = math.sin(at_s / 900) * 0.01 + math.sin(at_s / 7_000) * 0.03
    return round(PRICES[symbol] * (1 + wave), 2)


def market(symbol: str) -> dict[str, Any]:
    """Return the rules of `symbol`."""
    return {
        "symbol": symbol,
        "status": "TRADING",
        "baseAsset": symbol.removesuffix("USDT"),
        "baseAssetPrecision": 8,
        "quoteAsset": "USDT",
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": "0.01",
                "maxPrice": "1000000",
                "tickSize": "0.01",
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": "0.00001",
                "maxQty": "9000",
                "stepSize": "0.00001",
            },
            {"filterType": "NOTIONAL", "minNotional": "5", "maxNotional": "9000000"},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }


def klines(query: dict[str, str]) -> list[list[Any]]:
    """Return the requested candles, up to now."""
    symbol, interval = query["symbol"], query["interval"]
    span_s = int(interval[:-1]) * UNITS_S[interval[-1]]
    limit, now_s = int(query.get("limit", 500)), time.time()
    last = int(query["endTime"]) // 1000 if "endTime" in query else now_s
    first = int(query["startTime"]) / 1000 if "startTime" in query else last - (limit - 1) * span_s
    opens = range(math.ceil(first / span_s) * span_s, int(min(last, now_s)) + 1, span_s)
    return [candle(symbol, at_s, span_s) for at_s in opens[:limit]]


def candle(symbol: str, at_s: int, span_s: int) -> list[Any]:
    """Return one candle in the exchange's form."""
    points = [price(symbol, at_s + span_s * step / 4) for step in range(5)]
    prices = [f"{point:.2f}" for point in (points[0], max(points), min(points), points[-1])]
    return [
        at_s * 1000,
        *prices,
        "10",
        (at_s + span_s) * 1000 - 1,
        "600000",
        100,
        "5",
        "300000",
        "0",
    ]


def depth(query: dict[str, str]) -> dict[str, Any]:
    """Return a thin book around the price."""
    middle = price(query["symbol"], time.time())
    return {
        "lastUpdateId": 1,
        "bids": [[f"{middle - 0.01 * row:.2f}", "50"] for row in range(1, 21)],
        "asks": [[f"{middle + 0.01 * row:.2f}", "50"] for row in range(1, 21)],
    }


def exchange_info(_query: dict[str, str]) -> dict[str, Any]:
    """Return the rules of all symbols."""
    symbols = [market(symbol) for symbol in PRICES]
    return {"timezone": "UTC", "serverTime": now_ms(), "rateLimits": [], "symbols": symbols}


def now_ms() -> int:
    """Return the time in milliseconds."""
    return int(time.time() * 1000)


ANSWERS: dict[str, Callable[[dict[str, str]], Any]] = {
    "/api/v3/exchangeInfo": exchange_info,
    "/api/v3/time": lambda _: {"serverTime": now_ms()},
    "/api/v3/ping": lambda _: {},
    "/api/v3/klines": klines,
    "/api/v3/depth": depth,
}


class Handler(BaseHTTPRequestHandler):
    """Serves the paths of `ANSWERS`, and 404 for any other path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send the answer for the path."""
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        answer = ANSWERS.get(parts.path)
        body = json.dumps(answer(query) if answer else {"code": -1, "msg": "unknown"}).encode()
        self.send_response(200 if answer else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def main() -> None:
    """Serve on a free port of loopback, and print the address; run until killed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
