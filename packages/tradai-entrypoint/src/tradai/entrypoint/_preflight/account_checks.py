"""Checks on the account: clock, rights of the key, open orders, holdings, balance."""

import math
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final, final

from tradai.core.exceptions import ConfigurationError, TradingError
from tradai.core.live import OrderPolicy
from tradai.entrypoint._live._account.account import Balance, ExchangeOrder
from tradai.entrypoint._live._account.reconcile import base_of
from tradai.entrypoint._preflight.checks import Warned
from tradai.entrypoint._preflight.facts import PreflightFacts, known
from tradai.entrypoint._preflight.stake import planned_stake, tradable_balance

_CLOCK_WARNING_S: Final = 0.5
_CLOCK_LIMIT_S: Final = 2.0


@final
class AccountMismatchError(TradingError):
    """Exchange and trade database disagree about our orders: a person must look."""

    code = "account_mismatch"
    exit_code = 76


def check_clock(facts: PreflightFacts) -> str | Warned:
    """Compare this machine's clock with the exchange's, which refuses requests from elsewhen."""
    offset_s = known(facts.clock_offset_s)
    detail = f"{offset_s:+.3f} s from the exchange's clock"
    # Written so that NaN is refused.
    if not math.fabs(offset_s) <= _CLOCK_LIMIT_S:
        message = (
            f"this machine's clock is {detail}, at most {_CLOCK_LIMIT_S:g} s are permitted: set it "
            "by NTP, and look at it with `timedatectl`"
        )
        raise TradingError(message, reason="clock")
    return Warned(f"{detail}: set it by NTP") if abs(offset_s) > _CLOCK_WARNING_S else detail


def check_rights(facts: PreflightFacts) -> str:
    """Require a key that may read and trade, and nothing else; an unknown right is refused."""
    problems = known(facts.rights).problems
    if problems:
        message = (
            f"the key has the wrong rights ({', '.join(problems)}): make one at the exchange that "
            "may read and trade on the spot market alone"
        )
        raise TradingError(message, reason="key_rights")
    if not known(facts.account).may_trade:
        message = "the exchange does not let the account trade: ask its support for the reason"
        raise TradingError(message, reason="account_closed")
    return "it may read and trade, not withdraw or transfer"


def check_open_orders(facts: PreflightFacts) -> str:
    """Refuse orders that the trade database does not know, and one that contradicts the exchange.

    An earlier session may have been killed between an order and its row in the database. An order
    that is booked and has ended since is listed: the engine reads it by its number when it starts.
    """
    books = known(facts.books)
    if books.lost:
        message = (
            f"the trade database does not know {_listed(books.lost)}, which an earlier session of "
            "this strategy placed: cancel or book them by hand, then start again; when the coins "
            "are yours to keep, start under another TRADAI_LIVE_SESSION"
        )
        raise AccountMismatchError(message, reason="lost_orders")
    if books.problems:
        message = (
            f"exchange and trade database disagree ({'; '.join(books.problems)}): correct the "
            "database, or buy what is missing, then start again"
        )
        raise AccountMismatchError(message, reason="books_differ")
    if books.strangers:
        message = (
            "another program or person has open orders on our pairs: "
            f"{_listed(books.strangers)}; cancel them at the exchange, or give the strategy an "
            "account of its own"
        )
        raise TradingError(message, reason="foreign_orders")
    ours = [order for order in known(facts.open_orders) if order.symbol in facts.symbols]
    known_ones = f"{len(ours)} on our pairs, all in the trade database"
    if not books.behind:
        return known_ones
    return f"{known_ones}; the engine books at its start: {_listed(books.behind)}"


def check_holdings(facts: PreflightFacts) -> str:
    """List the holdings; those in our base coins need the operator's consent."""
    balances = known(facts.account).balances
    bases = {pair.partition("/")[0] for pair in facts.config.pairs}
    held = [each for each in balances if each.asset in bases and _is_excess(each, facts)]
    others = sorted(each.asset for each in balances if each.asset not in bases)
    others = [asset for asset in others if asset != facts.config.stake_currency]
    rest = f"other holdings: {', '.join(others) or 'none'}"
    if not held:
        return f"no holdings in our coins beside our positions; {rest}"
    listed = ", ".join(f"{each.asset} {_total(each):f}" for each in held)
    if not facts.limits.accepts_holdings:
        message = (
            f"the account holds {listed} beside our positions, which the strategy could sell: move "
            "it to another account, or start with --accept-holdings"
        )
        raise TradingError(message, reason="holdings")
    if facts.approval is not None and facts.approval.order_policy is OrderPolicy.FLATTEN:
        message = (
            f"the account holds {listed} beside our positions, and the policy is flatten: after a "
            "stop that closed a position, the engine would sell them in its place; move them to "
            "another account, or approve the plan with another policy"
        )
        raise TradingError(message, reason="holdings")
    return f"accepted with --accept-holdings: {listed}; {rest}"


def check_balance(facts: PreflightFacts) -> str:
    """Require the stakes of all trades that may still be opened."""
    execution, currency = facts.config.execution, facts.config.stake_currency
    most = execution.max_open_trades
    if most is None:
        message = (
            "execution.max_open_trades is not set: say how many trades may be open at once, so "
            "that it is known how much LIVE may spend"
        )
        raise ConfigurationError(message, key="execution.max_open_trades")
    slots = 1 if most < 0 else max(0, most - len(known(facts.database).positions))
    needed, available = planned_stake(facts) * slots, tradable_balance(facts)
    if needed > available:
        message = (
            f"{slots} more trades need {needed:f} {currency}, and {available:f} of it is free to "
            f"trade: deposit {currency}, or lower execution.stake_amount or "
            "execution.max_open_trades"
        )
        raise TradingError(message, reason="balance")
    return f"{available:f} {currency} free to trade, {slots} more trades need {needed:f}"


def _listed(orders: Iterable[ExchangeOrder]) -> str:
    rows = (f"{order.side} {order.amount:f} {order.symbol} ({order.order_id})" for order in orders)
    return ", ".join(rows)


def _total(balance: Balance) -> Decimal:
    return balance.free + balance.locked


def _is_excess(balance: Balance, facts: PreflightFacts) -> bool:
    """Whether there is more of a coin than in our positions, by an amount that can be sold."""
    excess = _total(balance) - sum(_positions(balance.asset, facts))
    steps = [market.step for market in known(facts.markets).markets if market.base == balance.asset]
    return excess >= min(steps, default=Decimal()) and excess > 0


def _positions(asset: str, facts: PreflightFacts) -> Iterator[Decimal]:
    for pair, amount in known(facts.books).positions.items():
        if base_of(pair) == asset:
            yield amount
