"""Public answers of eight exchanges to the requests that load their spot markets.

They are made here, in the formats that ccxt reads, with a few pairs each: prices and rules are
invented.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

# Base, quote, smallest change of a price, of an amount, smallest amount, smallest value.
Row = tuple[str, str, str, str, str, str]
BTC: Final[Row] = ("BTC", "USDT", "0.1", "0.0001", "0.0002", "5")
ETH: Final[Row] = ("ETH", "USDT", "0.01", "0.001", "0.002", "5")
EUR: Final[Row] = ("BTC", "EUR", "1", "0.0001", "0.0002", "5")


def _decimals(number: str) -> int:
    return len(number.partition(".")[2])


def _bybit() -> dict[str, Any]:
    def row(base: str, quote: str, tick: str, step: str, least: str, value: str) -> dict[str, Any]:
        return {
            "symbol": f"{base}{quote}",
            "baseCoin": base,
            "quoteCoin": quote,
            "innovation": "0",
            "status": "Trading",
            "marginTrading": "none",
            "lotSizeFilter": {
                "basePrecision": step,
                "quotePrecision": "0.0000001",
                "minOrderQty": least,
                "maxOrderQty": "500",
                "minOrderAmt": value,
                "maxOrderAmt": "2000000",
            },
            "priceFilter": {"tickSize": tick},
        }

    # Listed, and not traded yet: a name that is not of letters, and no rules.
    coming = {**row("币", "USDT", "", "", "", ""), "status": "PreLaunch", "priceFilter": {}}
    coming["lotSizeFilter"] = {"basePrecision": "0.1", "minOrderAmt": None}
    rows = [row(*each) for each in (BTC, ETH, EUR)] + [coming]
    answer = {
        "retCode": 0,
        "retMsg": "OK",
        "result": {"category": "spot", "list": rows},
        "retExtInfo": {},
        "time": 1767225600000,
    }
    return {"https://api.bybit.com/v5/market/instruments-info?category=spot": answer}


def _okx() -> dict[str, Any]:
    def row(base: str, quote: str, tick: str, step: str, least: str, _: str) -> dict[str, Any]:
        return {
            "instType": "SPOT",
            "instId": f"{base}-{quote}",
            "baseCcy": base,
            "quoteCcy": quote,
            "settleCcy": "",
            "ctVal": "",
            "expTime": "",
            "lever": "",
            "listTime": "1548133413000",
            "lotSz": step,
            "minSz": least,
            "maxLmtSz": "9999999",
            "maxMktSz": "1000000",
            "tickSz": tick,
            "state": "live",
            "uly": "",
        }

    rows = [row(*each) for each in (BTC, ETH, EUR)]
    answer = {"code": "0", "data": rows, "msg": ""}
    return {"https://www.okx.com/api/v5/public/instruments?instType=SPOT": answer}


def _kraken() -> dict[str, Any]:
    names = {"BTC": ("XXBT", "XBT"), "ETH": ("XETH", "ETH"), "USDT": ("USDT", "USDT")}
    names["EUR"] = ("ZEUR", "EUR")

    def row(base: str, quote: str, tick: str, step: str, least: str, value: str) -> dict[str, Any]:
        (base_id, base_name), (quote_id, quote_name) = names[base], names[quote]
        return {
            "altname": f"{base_name}{quote_name}",
            "wsname": f"{base_name}/{quote_name}",
            "aclass_base": "currency",
            "base": base_id,
            "aclass_quote": "currency",
            "quote": quote_id,
            "lot": "unit",
            "cost_decimals": 5,
            "pair_decimals": _decimals(tick),
            "lot_decimals": _decimals(step),
            "lot_multiplier": 1,
            "leverage_buy": [],
            "leverage_sell": [],
            "fees": [[0, 0.4], [10000, 0.35]],
            "fees_maker": [[0, 0.25], [10000, 0.2]],
            "fee_volume_currency": "ZUSD",
            "ordermin": least,
            "costmin": value,
            "tick_size": tick,
            "status": "online",
        }

    def asset(name: str) -> dict[str, Any]:
        return {
            "aclass": "currency",
            "altname": name,
            "decimals": 10,
            "display_decimals": 5,
            "status": "enabled",
        }

    pairs = {f"{names[each[0]][0]}{names[each[1]][0]}": row(*each) for each in (BTC, ETH, EUR)}
    assets = {identity: asset(name) for identity, name in names.values()}
    return {
        "https://api.kraken.com/0/public/AssetPairs": {"error": [], "result": pairs},
        "https://api.kraken.com/0/public/Assets": {"error": [], "result": assets},
    }


def _hyperliquid() -> dict[str, Any]:
    def token(index: int, name: str, decimals: int, full_name: str | None) -> dict[str, Any]:
        return {
            "name": name,
            "szDecimals": decimals,
            "weiDecimals": decimals + 5,
            "index": index,
            "tokenId": f"0x{index:032x}",
            "isCanonical": index == 0,
            "evmContract": None,
            "fullName": full_name,
        }

    tokens = [
        token(0, "USDT", 8, None),
        token(1, "UBTC", 5, "Unit Bitcoin"),
        token(2, "UETH", 4, "Unit Ethereum"),
    ]
    universe = [
        {"name": f"@{index}", "tokens": [index + 1, 0], "index": index, "isCanonical": False}
        for index in range(2)
    ]
    contexts = [
        {"dayNtlVlm": "1000.0", "markPx": price, "midPx": price, "prevDayPx": price}
        for price in ("42000.0", "2200.0")
    ]
    meta = {"tokens": tokens, "universe": universe}
    url = "https://api.hyperliquid.xyz/info"
    return {
        f'{url} {{"type":"spotMeta"}}': meta,
        f'{url} {{"type":"spotMetaAndAssetCtxs"}}': [meta, contexts],
    }


def _gate() -> dict[str, Any]:
    def row(base: str, quote: str, tick: str, step: str, least: str, value: str) -> dict[str, Any]:
        return {
            "id": f"{base}_{quote}",
            "base": base,
            "quote": quote,
            "fee": "0.2",
            "min_base_amount": least,
            "min_quote_amount": value,
            "amount_precision": _decimals(step),
            "precision": _decimals(tick),
            "trade_status": "tradable",
            "sell_start": 0,
            "buy_start": 0,
        }

    rows = [row(*each) for each in (BTC, ETH, EUR)]
    names = sorted({name for each in (BTC, ETH, EUR) for name in each[:2]})
    coins = [{"currency": name, "name": name, "delisted": False, "chains": []} for name in names]
    root = "https://api.gateio.ws/api/v4"
    return {
        f"{root}/spot/currency_pairs": rows,
        f"{root}/margin/currency_pairs": [],
        f"{root}/spot/currencies": coins,
    }


def _htx() -> dict[str, Any]:
    def row(base: str, quote: str, tick: str, step: str, least: str, value: str) -> dict[str, Any]:
        return {
            "base-currency": base.lower(),
            "quote-currency": quote.lower(),
            "symbol": f"{base}{quote}".lower(),
            "price-precision": _decimals(tick),
            "amount-precision": _decimals(step),
            "value-precision": 8,
            "min-order-amt": float(least),
            "max-order-amt": 1000,
            "min-order-value": float(value),
            "state": "online",
            "api-trading": "enabled",
        }

    rows = [row(*each) for each in (BTC, ETH, EUR)]
    names = sorted({name.lower() for each in (BTC, ETH, EUR) for name in each[:2]})
    coins = [{"currency": name, "instStatus": "normal", "chains": []} for name in names]
    return {
        "https://api.huobi.pro/v1/common/symbols": {"status": "ok", "data": rows},
        "https://api.huobi.pro/v2/reference/currencies": {"code": 200, "data": coins},
    }


def _bitget() -> dict[str, Any]:
    def row(base: str, quote: str, tick: str, step: str, least: str, value: str) -> dict[str, Any]:
        return {
            "symbol": f"{base}{quote}",
            "baseCoin": base,
            "quoteCoin": quote,
            "minTradeAmount": least,
            "maxTradeAmount": "900000000",
            "takerFeeRate": "0.002",
            "makerFeeRate": "0.002",
            "pricePrecision": str(_decimals(tick)),
            "quantityPrecision": str(_decimals(step)),
            "quotePrecision": "8",
            "status": "online",
            "minTradeUSDT": value,
        }

    def answer(data: list[dict[str, Any]]) -> dict[str, Any]:
        return {"code": "00000", "msg": "success", "requestTime": 1767225600000, "data": data}

    names = sorted({name for each in (BTC, ETH, EUR) for name in each[:2]})
    coins = [{"coinId": str(index), "coin": name} for index, name in enumerate(names)]
    root = "https://api.bitget.com/api/v2"
    return {
        f"{root}/spot/public/symbols": answer([row(*each) for each in (BTC, ETH, EUR)]),
        f"{root}/margin/currencies": answer([{"symbol": "BTCUSDT", "isBorrowable": True}]),
        f"{root}/spot/public/coins": answer([{**each, "chains": []} for each in coins]),
    }


def _bingx() -> dict[str, Any]:
    def row(base: str, quote: str, tick: str, step: str, _: str, value: str) -> dict[str, Any]:
        return {
            "symbol": f"{base}-{quote}",
            "minNotional": int(value),
            "maxNotional": 20000,
            "status": 1,
            "tickSize": float(tick),
            "stepSize": float(step),
            "apiStateSell": True,
            "apiStateBuy": True,
            "timeOnline": 0,
        }

    contract = {
        "symbol": "ETH-USDT",
        "currency": "USDT",
        "pricePrecision": 2,
        "quantityPrecision": 2,
        "apiStateOpen": "true",
        "apiStateClose": "true",
    }
    rows = [row(*each) for each in (BTC, ETH, EUR)]
    root = "https://open-api.bingx.com/openApi"
    return {
        f"{root}/spot/v1/common/symbols": {"code": 0, "data": {"symbols": rows}},
        f"{root}/swap/v2/quote/contracts": {"code": 0, "data": [contract]},
        f"{root}/cswap/v1/market/contracts": {"code": 0, "timestamp": 1767225600000, "data": []},
    }


PUBLIC_ANSWERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "bingx": _bingx(),
    "bitget": _bitget(),
    "bybit": _bybit(),
    "gate": _gate(),
    "htx": _htx(),
    "hyperliquid": _hyperliquid(),
    "kraken": _kraken(),
    "okx": _okx(),
}
"""Answers by the address of a request and the body of a POST, by the name of the exchange."""

Answer = Callable[[str, str], tuple[int, bytes] | None]
"""Return status and answer of a request by its address and body; None is not found."""


def answer_of(exchange: str) -> Answer:
    """Return what answers as `exchange` does."""
    answers = PUBLIC_ANSWERS[exchange]

    def answer(url: str, body: str) -> tuple[int, bytes] | None:
        # BingX takes the time of a request, which is another one each time.
        url = url.partition("?timestamp=")[0]
        key = f"{url} {json.dumps(json.loads(body), separators=(',', ':'))}" if body else url
        return (200, json.dumps(answers[key]).encode()) if key in answers else None

    return answer


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """Serve `answer` on this machine, at the address of a request after a slash; yield the root."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(answer(self.path.removeprefix("/"), ""))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._send(answer(self.path.removeprefix("/"), body))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _send(self, found: tuple[int, bytes] | None) -> None:
            status, text = found or (404, b'{"error": "not found"}')
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
