"""Binance's spot market: exchange info, REST paths, candle lengths, settings of its client."""

import json
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from http.client import HTTPException
from typing import Any, Final, Literal, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit

from pydantic import TypeAdapter

from tradai.core import JsonObject, JsonValue, Market, thaw
from tradai.core.exceptions import ExternalServiceError
from tradai.entrypoint._live._account.account import ApiKeys, RequestTime, SignedClient
from tradai.entrypoint._preflight.facts import LastCandle
from tradai.entrypoint._runs.parameters import is_loopback_url
from tradai.entrypoint.freqtrade._exchange._binance.http_request import HttpHost
from tradai.entrypoint.freqtrade._exchange._binance.signed_client import (
    BinanceOrders,
    BinanceReads,
    symbol_of,
)
from tradai.entrypoint.freqtrade._exchange._binance.signed_session import WINDOW_S, SignedSession
from tradai.entrypoint.freqtrade._exchange.exchange import (
    MarketRules,
    RestAnswers,
    Symbol,
    check_exchange_url,
)
from tradai.entrypoint.freqtrade._exchange.refusals import may_pass, next_step

T = TypeVar("T")
_NAME: Final = "binance"
_ADDRESS: Final = "https://api.binance.com"
_TIMEOUT_S: Final = 30.0
# The exchange itself gives up after this time.
_SIGNED_TIMEOUT_S: Final = 10.0
# A timestamp may be a second ahead of the exchange's clock, and its lists of orders are a little
# behind.
_DOUBT_S: Final = 1.5
# Ten times the size of the answer today.
_LARGEST_BYTES: Final = 256 * 1024 * 1024
_LATER: Final = "try again later, or with a newer tradai-entrypoint"
_SYMBOLS: Final = TypeAdapter(tuple[JsonObject, ...])
_TEXTS: Final = ("symbol", "status", "baseAsset", "quoteAsset")
_TRADED: Final = "TRADING"
_CANDLES_PATH: Final = "/api/v3/klines"
# Place of the close in the row of a candle.
_CLOSE: Final = 4
TICK_SIZE: Final = 4  # ccxt's mode in which a precision is the step itself.
# Parts of the REST API by the names that ccxt gives them; the engine must reach no other host.
_API_PATHS: Final = {
    "public": "/api/v3",
    "private": "/api/v3",
    "v1": "/api/v1",
    "sapi": "/sapi/v1",
    "sapiV2": "/sapi/v2",
    "sapiV3": "/sapi/v3",
    "sapiV4": "/sapi/v4",
    "fapiPublic": "/fapi/v1",
    "dapiPublic": "/dapi/v1",
    "eapiPublic": "/eapi/v1",
}


class Binance:
    """The `Exchange` Binance, its spot market."""

    name: str = _NAME
    engine_name: Final = _NAME
    market_type: Literal["spot", "futures"] = "spot"
    address: str = _ADDRESS
    # Offered by the spot market, and usable by the engine.
    timeframes: Final = (
        *("1m", "3m", "5m", "15m", "30m"),
        *("1h", "2h", "4h", "6h", "8h", "12h"),
        *("1d", "3d", "1w"),
    )
    rules_path: str = "/api/v3/exchangeInfo"
    in_flight_s: Final = WINDOW_S + _DOUBT_S
    tiers_file: str | None = None
    is_backtest_only: bool = False

    def fetch_symbols(self, base_url: str | None) -> Sequence[Symbol]:
        """Fetch the symbol objects of the exchange info; see `Exchange.fetch_symbols`."""
        url = f"{(base_url or self.address).rstrip('/')}{self.rules_path}"
        return _fetch(url, "market rules", lambda info: _SYMBOLS.validate_python(info["symbols"]))

    def fetch_last_candle(
        self, pair: str, timeframe: str, base_url: str | None = None
    ) -> LastCandle | None:
        """Fetch the last row of the candles; see `Exchange.fetch_last_candle`."""
        query = urlencode({"symbol": symbol_of(pair), "interval": timeframe, "limit": 2})
        url = f"{(base_url or _ADDRESS).rstrip('/')}{_CANDLES_PATH}?{query}"
        return _fetch(url, f"candles of {pair}", _last_candle)

    def sign_in(
        self, keys: ApiKeys, *, base_url: str | None = None, timeout_s: float = _SIGNED_TIMEOUT_S
    ) -> SignedClient:
        """Return a client that signs with `keys`; see `Exchange.sign_in`."""
        time_left = RequestTime()
        host = HttpHost(base_url or _ADDRESS, timeout_s=timeout_s, time_left=time_left)
        session = SignedSession(host, keys)
        return SignedClient(
            reads=BinanceReads(session), orders=BinanceOrders(session), time=time_left
        )

    def symbol_of(self, pair: str) -> str:
        """Return the name, such as ``BTCUSDT``; see `Exchange.symbol_of`."""
        return symbol_of(pair)

    def pair_of(self, symbol: Symbol) -> str:
        """Return the pair; see `Exchange.pair_of`."""
        if not all(isinstance(symbol.get(name), str) for name in _TEXTS):
            message = f"a symbol needs the texts {', '.join(_TEXTS)}"
            raise ValueError(message)
        return f"{symbol['baseAsset']}/{symbol['quoteAsset']}"

    def market_of(self, symbol: Symbol) -> Market:
        """Return the rules as ccxt would read them; see `Exchange.market_of`."""
        price, lot = filter_of(symbol, "PRICE_FILTER"), filter_of(symbol, "LOT_SIZE")
        notional = filter_of(symbol, "NOTIONAL", "MIN_NOTIONAL")
        entry = {
            "symbol": self.pair_of(symbol),
            "type": "spot",
            "base": symbol["baseAsset"],
            "quote": symbol["quoteAsset"],
            "active": self.halt_of(symbol) is None,
            "precision": {"price": price.get("tickSize"), "amount": lot.get("stepSize")},
            "limits": {
                "amount": {"min": lot.get("minQty")},
                "cost": {"min": notional.get("minNotional")},
            },
        }
        return Market.from_ccxt(entry, precision_mode=TICK_SIZE)

    def halt_of(self, symbol: Symbol) -> str | None:
        """Return a status such as ``BREAK`` or ``HALT``; see `Exchange.halt_of`."""
        status = str(symbol["status"])
        return None if status == _TRADED else status

    def make_symbol(self, pair: str, rules: MarketRules) -> dict[str, JsonValue]:
        """Return a symbol object with the fields that the engine reads."""
        base, _, quote = pair.partition("/")
        return {
            "symbol": f"{base}{quote}",
            "status": _TRADED,
            "baseAsset": base,
            "baseAssetPrecision": 8,
            "quoteAsset": quote,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "orderTypes": [
                "LIMIT",
                "LIMIT_MAKER",
                "MARKET",
                "STOP_LOSS_LIMIT",
                "TAKE_PROFIT_LIMIT",
            ],
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": _make_filters(rules),
            "permissions": [],
            "permissionSets": [["SPOT"]],
        }

    def describe_markets(self, symbols: Sequence[Symbol], at: datetime) -> dict[str, JsonValue]:
        """Return the exchange info."""
        return {
            "timezone": "UTC",
            "serverTime": int(at.timestamp() * 1000),
            "rateLimits": [],
            "exchangeFilters": [],
            "symbols": [thaw(symbol) for symbol in symbols],
        }

    def rest_answers(self, rules: Callable[[], JsonValue]) -> RestAnswers:
        """Return the answers for exchange info, ping and time."""
        return {
            self.rules_path: rules,
            "/api/v3/ping": dict,
            "/api/v3/time": lambda: {"serverTime": time.time_ns() // 1_000_000},
        }

    def rest_error(self, message: str) -> JsonValue:
        """Return the answer to a request that is refused."""
        return {"code": -1, "msg": message}

    def ccxt_config(
        self, base_url: str | None, *, order_prefix: str | None = None
    ) -> dict[str, JsonValue]:
        """Return the settings of the client, for the spot market alone."""
        options: dict[str, JsonValue] = {
            "fetchCurrencies": False,
            "fetchMarkets": {"types": ["spot"]},
        }
        if order_prefix is not None:
            # The client appends 22 characters, and the exchange takes 36.
            options["broker"] = {"spot": order_prefix}
            options["recvWindow"] = int(1_000 * WINDOW_S)
        rendered: dict[str, JsonValue] = {"options": options}
        if base_url is not None:
            rendered["enableRateLimit"] = False
            rendered["urls"] = {"api": {name: base_url + path for name, path in _API_PATHS.items()}}
        return rendered


def filter_of(symbol: Symbol, *names: str) -> Symbol:
    """Return the first filter of `symbol` of the types `names`; empty when there is none."""
    filters = symbol.get("filters")
    rows = filters if isinstance(filters, (list, tuple)) else ()
    found = (row for row in rows if isinstance(row, Mapping) and row.get("filterType") in names)
    return next(found, {})


def _make_filters(rules: MarketRules) -> JsonValue:
    """Return the filters of a market without a largest order, by which the engine would cut one."""
    tick, step, least = rules.tick, rules.step, rules.min_notional
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": step, "stepSize": step},
        {
            "filterType": "NOTIONAL",
            "minNotional": least,
            "applyMinToMarket": True,
            "avgPriceMins": 5,
        },
    ]


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Return an opener for `url`, which goes past any proxy when it is on this machine."""
    check_exchange_url(url)
    if is_loopback_url(url, schemes=("http", "https")):
        return urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener()


def _fetch(url: str, subject: str, read: Callable[[Any], T]) -> T:
    """Fetch the JSON at `url`, and return what `read` makes of it."""
    opener = _opener(url)
    try:
        with opener.open(url, timeout=_TIMEOUT_S) as answer:
            return read(json.loads(answer.read(_LARGEST_BYTES)))
    except HTTPError as exc:
        with exc:
            why = f"{exc}; {next_step(exc)}"
            raise _not_fetched(subject, url, why, retryable=may_pass(exc)) from exc
    except (OSError, HTTPException) as exc:
        why = f"{str(exc) or type(exc).__name__}; {_LATER}"
        raise _not_fetched(subject, url, why, retryable=True) from exc
    # An amount that is not a number is an ArithmeticError.
    except (ArithmeticError, LookupError, TypeError, ValueError) as exc:
        why = f"the answer is not in a known form; {_LATER}"
        raise _not_fetched(subject, url, why, retryable=False) from exc


def _last_candle(rows: list[list[Any]]) -> LastCandle | None:
    if rows == []:
        return None
    opened_ms, close = rows[-1][0], rows[-1][_CLOSE]
    return LastCandle(
        opened_at=datetime.fromtimestamp(opened_ms / 1000, tz=UTC), close=Decimal(close)
    )


def _not_fetched(subject: str, url: str, why: str, *, retryable: bool) -> ExternalServiceError:
    return ExternalServiceError(
        f"the {subject} could not be fetched from {url}: {why}",
        service=_NAME,
        operation=urlsplit(url).path.rpartition("/")[2],
        retryable=retryable,
    )
