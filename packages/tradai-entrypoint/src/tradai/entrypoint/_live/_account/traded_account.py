"""An account as one strategy trades on it: its signed client, its markets and its orders."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import final

from tradai.core import Market, Utc
from tradai.entrypoint._live._account.account import Balance, ExchangeOrder, SignedClient
from tradai.entrypoint._live._account.order_owner import is_ours


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TradedAccount:
    """The account of a session.

    Attributes:
        client: Signs for the account.
        prefix: Begins the client id of each order of the strategy; see `order_prefix`.
        markets: Markets that the exchange lists, by its names of them.
        names: Pairs of the configuration and of the database, by the exchange's names of them.
        since: Instant from which on ended orders matter: the start of the session.
        other_holdings: Amounts that are not the strategy's, by currency.
    """

    client: SignedClient
    prefix: str
    markets: Mapping[str, Market]
    since: Utc
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    other_holdings: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def pairs(self) -> frozenset[str]:
        """Pairs of the markets, and those that are named."""
        return frozenset(
            {*(str(each.pair) for each in self.markets.values()), *self.names.values()}
        )

    def market(self, pair: str) -> Market | None:
        """Return the market of `pair`; None when it is not traded."""
        return next((each for each in self.markets.values() if str(each.pair) == pair), None)

    def step(self, pair: str) -> Decimal:
        """Return the smallest change of an amount; 0 for a market that is not traded."""
        market = self.market(pair)
        return market.step if market else Decimal()

    def pair_of(self, order: ExchangeOrder) -> str:
        """Return the pair of `order`, or the exchange's name of a market that is not traded."""
        market = self.markets.get(order.symbol)
        return str(market.pair) if market else self.names.get(order.symbol, order.symbol)

    def owns(self, order: ExchangeOrder) -> bool:
        """Return whether the strategy placed `order`."""
        return is_ours(order.client_order_id, self.prefix)

    def open_orders(self) -> tuple[ExchangeOrder, ...]:
        """Fetch the open orders of the account, those of other clients too."""
        return tuple(self.client.reads.fetch_open_orders())

    def session_orders(self, pair: str) -> tuple[ExchangeOrder, ...]:
        """Fetch the orders of `pair` that were placed in this session."""
        return tuple(self.client.reads.fetch_orders(pair, since=self.since))

    def balances(self) -> dict[str, Balance]:
        """Fetch the balances by currency."""
        return {balance.asset: balance for balance in self.client.reads.fetch_account().balances}
