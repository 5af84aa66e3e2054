"""The means of a live session's stop: its time, its account, and an engine that is gone."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final, final

from tradai.core import utc_now
from tradai.core.exceptions import TradAIError
from tradai.entrypoint._live._account.booked_order import BookedOrder
from tradai.entrypoint._live._account.reconcile import base_of, holding, positions
from tradai.entrypoint._live._drain.budget import StopBudget
from tradai.entrypoint._live._drain.traded_account import TradedAccount
from tradai.entrypoint._live.gate import SignedIn
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._exchange.exchange import Symbol
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.database import EngineDatabase, booked_orders
from tradai.entrypoint.freqtrade._results.sqlite_file import DATABASE_NAME

# Between this machine's clock and that of the exchange, at most.
_CLOCK_DOUBT: Final = timedelta(seconds=5)
# An order of a trade, and its stop at the exchange.
_ORDERS_PER_TRADE: Final = 2
# Of a session whose number of trades only the balance limits.
_MOST_TRADES: Final = 20


@final
class EndedEngine:
    """A `StoppableEngine` that has ended by itself: only its orders are left."""

    def __init__(self, database: EngineDatabase) -> None:
        """Take the database that it has left."""
        self._database = database

    def pause_entries(self, timeout_s: float) -> bool:
        """Return that it opens no more positions."""
        del timeout_s
        return True

    def stop_trading(self, timeout_s: float) -> bool:
        """Return that it has stopped trading."""
        del timeout_s
        return True

    def wait_until_stopped(self, timeout_s: float) -> bool:
        """Return that it has stopped trading."""
        del timeout_s
        return True

    def end(self, grace_s: float) -> bool:
        """Return that nothing had to be killed."""
        del grace_s
        return True

    def booked_orders(self) -> Sequence[BookedOrder]:
        """Read the orders of its database."""
        return booked_orders(self._database)


def stop_budget(context: RunContext, *, grace_s: float) -> StopBudget:
    """Return the time of a stop within the launcher's `grace_s`.

    Raises:
        ConfigurationError: The stop does not fit.
    """
    parameters = context.parameters
    is_given = "stop_timeout_s" in parameters.model_fields_set
    return StopBudget.plan(
        grace_s=grace_s,
        wanted_s=parameters.stop_timeout_s if is_given else None,
        open_orders=_ORDERS_PER_TRADE * _most_trades(context),
    )


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
    exchange, booked = job.plan.exchange, booked_orders(database)
    pairs = {*map(str, context.config.pairs), *(row.pair for row in booked if row.trade_is_open)}
    markets = [exchange.market_of(each) for each in listed if exchange.pair_of(each) in pairs]
    return TradedAccount(
        client=signed_in.client,
        prefix=signed_in.order_prefix,
        markets={exchange.symbol_of(str(market.pair)): market for market in markets},
        since=utc_now() - _CLOCK_DOUBT,
        other_holdings=_other_holdings(signed_in, pairs, booked),
    )


def has_exchange_stops(job: EngineJob, context: RunContext) -> bool:
    """Return whether each position is to have a stop at the exchange."""
    own = context.config.execution.order_types
    types = job.facts.constants.get("order_types") if own is None else own
    return isinstance(types, Mapping) and bool(types.get("stoploss_on_exchange"))


def _most_trades(context: RunContext) -> int:
    most = context.config.execution.max_open_trades
    return _MOST_TRADES if most is None or most < 0 else most


def _other_holdings(
    signed_in: SignedIn, pairs: set[str], booked: Sequence[BookedOrder]
) -> dict[str, Decimal]:
    """Return what the account holds of the traded currencies beside the open positions."""
    balances = {balance.asset: balance for balance in signed_in.state.balances}
    held = positions((), booked, pair_of=lambda order: order.symbol)
    return {
        base_of(pair): max(
            Decimal(), holding(balances, pair) - (held[pair].amount if pair in held else 0)
        )
        for pair in pairs
    }


def keep_copy(database: EngineDatabase, context: RunContext) -> None:
    """Keep a copy of the trade database with the run; the session does not depend on it."""
    try:
        is_kept = database.copy_to(context.folder.path / DATABASE_NAME)
    except TradAIError as exc:
        context.record.notices.append(f"the run has no copy of the trades: {exc}")
    else:
        context.record.artifacts += [DATABASE_NAME] if is_kept else []
