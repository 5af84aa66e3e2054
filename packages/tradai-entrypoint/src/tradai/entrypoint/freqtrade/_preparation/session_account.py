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
from tradai.entrypoint.freqtrade._preparation.live_facts import SessionExchange
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
    venue: SessionExchange,
) -> TradedAccount:
    """Return the account as the session trades on it, with what it held before.

    Args:
        job: The job of the session.
        context: Its run.
        signed_in: The account, as it is under the lease.
        database: The trade database.
        venue: The exchange.

    Raises:
        TradAIError: The database cannot be read, or the exchange did not describe its markets.
    """
    booked = booked_orders(database)
    names = _names(job, context, booked)
    return TradedAccount(
        client=signed_in.client,
        prefix=signed_in.order_prefix,
        markets=_markets(venue, names),
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
    venue: SessionExchange,
    since: datetime,
) -> TradedAccount:
    """Return the account as the predecessors of a session traded on it.

    Args:
        job: The job of the session.
        context: Its run.
        signed_in: Its account.
        booked: Orders of the database.
        venue: The exchange.
        since: Instant from which on an order that no database knows matters: the first start of
            the session that was not followed by a stop in good order.

    Raises:
        ExternalServiceError: The exchange did not describe its markets.
    """
    names = _names(job, context, booked)
    return TradedAccount(
        client=signed_in.client,
        prefix=signed_in.order_prefix,
        markets=_markets(venue, names),
        names=names,
        since=since - _CLOCK_DOUBT,
    )


def _names(job: EngineJob, context: RunContext, booked: Sequence[BookedOrder]) -> dict[str, str]:
    """Return the pairs of configuration and database, by the exchange's names of them."""
    pairs = {*map(str, context.config.pairs), *(row.pair for row in booked)}
    return {job.plan.exchange.symbol_of(pair): pair for pair in sorted(pairs)}


def _markets(venue: SessionExchange, names: Mapping[str, str]) -> dict[str, Market]:
    """Return the listed markets of `names`."""
    exchange, symbols = venue.exchange, venue.symbols(tuple(names.values()))
    return {exchange.symbol_of(pair): exchange.market_of(each) for pair, each in symbols.items()}


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
