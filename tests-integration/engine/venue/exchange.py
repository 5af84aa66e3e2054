"""The endpoints of the loopback exchange: what each answers, what it costs and who may ask."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qsl

from engine.venue.account import Account
from engine.venue.contracts import Contracts
from engine.venue.faults import Faults
from engine.venue.keys import signer_of
from engine.venue.market import PRICES, Market, Query
from engine.venue.refusals import RefusedError, bad_key, bad_symbol
from engine.venue.weights import Weights, day_ticker_weight, my_trades_weight, open_orders_weight

Weight = int | Callable[[Query], int]
_KEY_RIGHTS: Final = "GET /sapi/v1/account/apiRestrictions"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as it came.

    Attributes:
        endpoint: Such as ``POST /api/v3/order``.
        parts: Query string and body.
        key: The header that names the key.
    """

    endpoint: str
    parts: Sequence[str]
    key: str | None

    @property
    def query(self) -> Query:
        """The parameters by name."""
        return dict(parse_qsl("&".join(filter(None, self.parts))))

    @property
    def is_signed(self) -> bool:
        """Whether it shows a key or a signature."""
        return self.key is not None or "signature" in self.query


@dataclass(frozen=True)
class Route:
    """The answer to an endpoint; what a request costs and needs."""

    answer: Callable[[Query], Any]
    weight: Weight = 1
    is_signed: bool = True
    trades: bool = False

    def cost(self, query: Query) -> int:
        """Return the weight of a request."""
        return self.weight if isinstance(self.weight, int) else self.weight(query)


class Exchange:
    """The whole exchange; threads share it."""

    def __init__(self) -> None:
        """Open with an account that has never traded."""
        self._lock = threading.Lock()
        self._market = Market()
        self._account = Account(self._market)
        self._routes = {
            **_public_routes(self._market),
            **_contract_routes(Contracts(self._market)),
            **_signed_routes(self._account),
        }
        self._counts: dict[str, Counter[str]] = {"signed": Counter(), "public": Counter()}
        self._deleted_keys: frozenset[str] = frozenset()
        self.faults = Faults()
        self.weights = Weights()
        self.is_down = False

    def count(self, request: Request) -> None:
        """Count a request, whatever becomes of it."""
        with self._lock:
            self._counts["signed" if request.is_signed else "public"][request.endpoint] += 1

    def cost(self, request: Request) -> int:
        """Return the weight of a request; refuse an endpoint that does not exist."""
        return self._route(request).cost(request.query)

    def serve(self, request: Request) -> Any:
        """Return the answer to a request, or raise `RefusedError`."""
        route, query = self._route(request), request.query
        if query.get("symbol", "BTCUSDT") not in PRICES:
            raise bad_symbol()
        with self._lock:
            if not route.is_signed:
                return route.answer(query)
            if request.key in self._deleted_keys:
                raise bad_key()
            signer = signer_of(
                request.key, request.parts, now_ms=self._market.now_ms(), trades=route.trades
            )
            return dict(signer.rights) if request.endpoint == _KEY_RIGHTS else route.answer(query)

    def control(self, what: str, body: Any) -> Any:
        """Return the answer to a test's own request; see `engine.venue.control`."""
        with self._lock:
            if what == "requests":
                return self._counts
            if what == "orders":
                return self._account.every_order()
            if what == "faults":
                self.faults.script(body)
            else:
                self._set(**body)
        return {}

    def _set(  # noqa: PLR0913 - the settings of `Venue.set`, by name
        self,
        *,
        clock_offset_ms: int | None = None,
        deleted_keys: Sequence[str] = (),
        fill_share: str | None = None,
        prices: dict[str, float] | None = None,
        weight_limit: int | None = None,
        is_down: bool | None = None,
        closed: list[str] | None = None,
        without_candles: list[str] | None = None,
    ) -> None:
        self._deleted_keys |= frozenset(deleted_keys)
        if clock_offset_ms is not None:
            self._market.clock_offset_ms = clock_offset_ms
        if fill_share is not None:
            self._account.fill_share = Decimal(fill_share)
        if prices is not None:
            self._market.pinned = prices
        if weight_limit is not None:
            self.weights.limit = weight_limit
        if is_down is not None:
            self.is_down = is_down
        if closed is not None:
            self._market.closed = frozenset(closed)
        if without_candles is not None:
            self._market.without_candles = frozenset(without_candles)

    def _route(self, request: Request) -> Route:
        if request.endpoint not in self._routes:
            message = f"{request.endpoint} is not served here"
            raise RefusedError(-1, message, status=404)
        return self._routes[request.endpoint]


def _public_routes(market: Market) -> dict[str, Route]:
    answers: dict[str, tuple[Callable[[Query], Any], Weight]] = {
        "exchangeInfo": (market.exchange_info, 20),
        "time": (lambda _: {"serverTime": market.now_ms()}, 1),
        "ping": (lambda _: {}, 1),
        "klines": (market.candles, 2),
        "depth": (market.depth, 5),
        "ticker/24hr": (market.day_ticker, day_ticker_weight),
    }
    return {
        f"GET /api/v3/{name}": Route(answer, weight, is_signed=False)
        for name, (answer, weight) in answers.items()
    }


def _contract_routes(contracts: Contracts) -> dict[str, Route]:
    answers: dict[str, Callable[[Query], Any]] = {
        "exchangeInfo": contracts.exchange_info,
        "klines": contracts.candles,
        "markPriceKlines": contracts.mark_candles,
        "fundingRate": contracts.funding_rates,
    }
    return {
        f"GET /fapi/v1/{name}": Route(answer, is_signed=False) for name, answer in answers.items()
    }


def _signed_routes(account: Account) -> dict[str, Route]:
    return {
        "GET /api/v3/account": Route(lambda _: account.describe(), 20),
        "GET /api/v3/openOrders": Route(account.open_orders, open_orders_weight),
        "GET /api/v3/order": Route(account.order, 4),
        "POST /api/v3/order": Route(account.place, trades=True),
        "DELETE /api/v3/order": Route(account.cancel, trades=True),
        "GET /api/v3/allOrders": Route(account.all_orders, 20),
        "GET /api/v3/myTrades": Route(account.my_trades, my_trades_weight),
        _KEY_RIGHTS: Route(lambda _: {}),
        # The engine asks for these as soon as it has a key.
        "GET /sapi/v1/margin/allPairs": Route(lambda _: []),
        "GET /sapi/v1/margin/isolated/allPairs": Route(lambda _: []),
        "GET /sapi/v1/spot/delist-schedule": Route(lambda _: [], 100),
    }
