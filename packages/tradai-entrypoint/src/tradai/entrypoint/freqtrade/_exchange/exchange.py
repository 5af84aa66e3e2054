"""The interface of an exchange: market rules, REST answers, settings of the engine's client."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Literal, Protocol, TypeAlias, final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from tradai.core import JsonValue, Market
from tradai.core.exceptions import ExternalServiceError, ValidationError
from tradai.entrypoint._live._account.account import ApiKeys, SignedClient
from tradai.entrypoint._preflight.facts import LastCandle
from tradai.entrypoint._runs.parameters import is_loopback_url

Symbol: TypeAlias = Mapping[str, JsonValue]
"""The exchange's own description of one market, as it sends it."""

RestAnswers: TypeAlias = Mapping[str, Callable[[], JsonValue]]
"""JSON answers to GET requests, by path."""


@final
class MarketRules(BaseModel):
    """The rules of a synthetic market, as decimal text.

    Attributes:
        tick: Smallest change of a price. The engine (freqtrade 2026.9) prefers the tick that a
            month's candles show in their decimals; without decimals it rounds by this one.
        step: Smallest change of an amount.
        min_notional: Smallest value of an order, in the quote currency.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tick: str
    step: str
    min_notional: str


class Exchange(Protocol):
    """One market of an exchange, as far as the engine and the market server need it.

    Attributes:
        name: Its name in a strategy configuration.
        engine_name: Its id in the engine and in ccxt.
        market_type: Spot, or futures with isolated margin.
        timeframes: Lengths of candles that it offers and the engine can trade on.
        rules_path: Path at which its REST API describes its markets.
        in_flight_s: Seconds after the end of an engine that trades live in which an order that it
            had sent may still arrive.
        tiers_file: File in the engine's package with the leverage tiers of its simulations; None
            where there is no leverage.
        is_backtest_only: Whether a run that holds positions is refused, because none is proven.
    """

    @property
    def name(self) -> str: ...
    @property
    def engine_name(self) -> str: ...
    @property
    def market_type(self) -> Literal["spot", "futures"]: ...
    @property
    def timeframes(self) -> tuple[str, ...]: ...
    @property
    def rules_path(self) -> str: ...
    @property
    def in_flight_s(self) -> float: ...
    @property
    def tiers_file(self) -> str | None: ...
    @property
    def is_backtest_only(self) -> bool: ...

    def fetch_symbols(self, base_url: str | None) -> Sequence[Symbol]:
        """Fetch the descriptions of all its markets.

        Args:
            base_url: Another address: https, or http on a loopback address; None is its own.

        Raises:
            ExternalServiceError: It was not reachable, or its answer is not in a known form.
            ValidationError: `base_url` is neither https nor on a loopback address.
        """
        ...

    def fetch_last_candle(
        self, pair: str, timeframe: str, base_url: str | None = None
    ) -> LastCandle | None:
        """Fetch the newest candle of `pair`; None when it has none.

        Raises:
            ExternalServiceError: It was not reachable, or its answer is not in a known form.
            ValidationError: `base_url` is neither https nor on a loopback address.
        """
        ...

    def sign_in(
        self, keys: ApiKeys, *, base_url: str | None = None, timeout_s: float = ...
    ) -> SignedClient:
        """Return a client that signs with `keys`; it sends nothing yet.

        Args:
            keys: The key and its secret; they go to this exchange alone.
            base_url: Another address: https, or http on a loopback address; None is its own.
            timeout_s: Deadline of one request.

        Raises:
            ConfigurationError: The key cannot be one.
            ValidationError: `base_url` is neither https nor on a loopback address.
        """
        ...

    def make_symbol(self, pair: str, rules: MarketRules) -> dict[str, JsonValue]:
        """Describe a synthetic market as the exchange would."""
        ...

    def symbol_of(self, pair: str) -> str:
        """Return the exchange's name of the market of `pair`."""
        ...

    def pair_of(self, symbol: Symbol) -> str:
        """Return the pair that `symbol` describes.

        Raises:
            ValueError: `symbol` is not a description of a market.
        """
        ...

    def market_of(self, symbol: Symbol) -> Market:
        """Return the rules in `symbol`.

        Raises:
            ValidationError: A rule is missing or not a number.
        """
        ...

    def halt_of(self, symbol: Symbol) -> str | None:
        """Return the exchange's word for a market that is not traded now; None for one that is."""
        ...

    def describe_markets(self, symbols: Sequence[Symbol], at: datetime) -> dict[str, JsonValue]:
        """Return the answer at `rules_path` of an exchange that has `symbols`."""
        ...

    def rest_answers(self, rules: Callable[[], JsonValue]) -> RestAnswers:
        """Return the answers that the engine needs to start, with `rules` at `rules_path`."""
        ...

    def rest_error(self, message: str) -> JsonValue:
        """Return the answer to a request that is refused."""
        ...

    def ccxt_config(
        self, base_url: str | None, *, order_prefix: str | None = None
    ) -> dict[str, JsonValue]:
        """Return the settings of the engine's client, ccxt.

        Args:
            base_url: Address that it is sent to, and does not limit its rate; None is the exchange
                itself, at the client's own addresses.
            order_prefix: Beginning of the client order id of each order; None is the client's own.
        """
        ...


def check_exchange_url(url: str) -> None:
    """Check the address of an exchange that is given on the command line.

    Raises:
        ValidationError: It is neither https nor http on a loopback address.
    """
    if not _is_usable(url):
        raise ValidationError(
            f"the exchange's address {url} is not usable: expected https, or http on a loopback "
            "address",
            field="base_url",
            expected="https://... or http://127.0.0.1:...",
        )


def _is_usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_secure = parts.scheme == "https" and bool(parts.hostname)
        has_port = parts.port != 0
    # Not even a URL, such as http://[::1, or a port that is not a number.
    except ValueError:
        return False
    return has_port and (is_secure or is_loopback_url(url))


def wanted_symbols(
    symbols: Iterable[Symbol], pairs: Iterable[str], exchange: Exchange
) -> Iterator[Symbol]:
    """Yield the descriptions of `pairs`; the others are of no interest, whatever is in them.

    Raises:
        ExternalServiceError: A pair is described twice.
    """
    found: dict[str, list[Symbol]] = {pair: [] for pair in pairs}
    for symbol in symbols:
        with suppress(ValueError):
            found.get(exchange.pair_of(symbol), []).append(symbol)
    for pair, several in found.items():
        # A market that was closed may be listed beside the one that took its place.
        traded = [each for each in several if exchange.halt_of(each) is None]
        kept = traded or several
        if len(kept) > 1:
            message = f"{exchange.name} describes {pair} twice: try again later"
            service, operation = exchange.name, exchange.rules_path.rpartition("/")[2]
            raise ExternalServiceError(message, service=service, operation=operation)
        yield from kept
