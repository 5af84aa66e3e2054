"""The account of a session: its markets, its pairs, and what it held before."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from tradai.core import Market, utc_now
from tradai.entrypoint._live._account.account import AccountState
from tradai.entrypoint._live._account.booked_order import BookedOrder
from tradai.entrypoint._live._account.reconcile import base_of, holding, positions
from tradai.entrypoint._live._account.traded_account import TradedAccount
from tradai.entrypoint._live.gate import SignedIn
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._exchange.exchange import Symbol
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.database import EngineDatabase, booked_orders

# Between this machine's clock and that of the exchange, at most.
_CLOCK_DOUBT: Final = timedelta(seconds=5)


def traded_account(
    job: EngineJob,
    context: RunContext,
    signed_in: SignedIn,
    database: EngineDatabase,
    *,
    listed: Sequence[Symbol],
) -> TradedAccount:
    """Return the account as the session trades on it, with what it held before.

    Args:
        job: The job of the session.
        context: Its run.
        signed_in: The account, as it is under the lease.
        database: The trade database.
        listed: All symbols of the exchange.

    Raises:
        TradAIError: The database cannot be read.
    """
    booked = booked_orders(database)
    names = _names(job, context, booked)
    return TradedAccount(
        client=signed_in.client,
        prefix=signed_in.order_prefix,
        markets=_markets(job, names, listed),
        names=names,
        since=utc_now() - _CLOCK_DOUBT,
        other_holdings=_other_holdings(signed_in.state, names, booked),
    )


def account_before_start(
    job: EngineJob,
    context: RunContext,
    signed_in: SignedIn,
    booked: Sequence[BookedOrder],
    *,
    listed: Sequence[Symbol],
    since: datetime,
) -> TradedAccount:
    """Return the account as the predecessors of a session traded on it.

    Args:
        job: The job of the session.
        context: Its run.
        signed_in: Its account.
        booked: Orders of the database.
        listed: All symbols of the exchange.
        since: Instant from which on ended orders matter: the first start of the session, or the
            first order that the database has as open.
    """
    names = _names(job, context, booked)
    return TradedAccount(
        client=signed_in.client,
        prefix=signed_in.order_prefix,
        markets=_markets(job, names, listed),
        names=names,
        since=since - _CLOCK_DOUBT,
    )


def _names(job: EngineJob, context: RunContext, booked: Sequence[BookedOrder]) -> dict[str, str]:
    """Return the pairs of configuration and database, by the exchange's names of them."""
    pairs = {*map(str, context.config.pairs), *(row.pair for row in booked)}
    return {job.plan.exchange.symbol_of(pair): pair for pair in sorted(pairs)}


def _markets(
    job: EngineJob, names: Mapping[str, str], listed: Sequence[Symbol]
) -> dict[str, Market]:
    """Return the listed ones of the named markets, by the exchange's names of them."""
    exchange, pairs = job.plan.exchange, frozenset(names.values())
    markets = [exchange.market_of(each) for each in listed if exchange.pair_of(each) in pairs]
    return {exchange.symbol_of(str(market.pair)): market for market in markets}


def _other_holdings(
    state: AccountState, names: Mapping[str, str], booked: Sequence[BookedOrder]
) -> dict[str, Decimal]:
    """Return what the account holds of the traded currencies beside the open positions."""
    balances = {balance.asset: balance for balance in state.balances}
    held = positions((), booked, pair_of=lambda order: order.symbol)
    return {
        base_of(pair): max(
            Decimal(), holding(balances, pair) - (held[pair].amount if pair in held else 0)
        )
        for pair in names.values()
    }
