"""Checks on the markets: traded pairs, stake against the rules, fresh candles."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Final

from tradai.core import Market
from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    TradingError,
)
from tradai.core.live import Approval
from tradai.entrypoint._preflight.facts import LastCandle, PreflightFacts, known
from tradai.entrypoint._preflight.stake import (
    configured_reserve,
    planned_stake,
    smallest_stake,
)

# A pair without a trade has no candle for a while; older than so many of them is stale.
_STALE_CANDLES: Final = 2
# Share of a stake that rounding may take; and of a price, where no stop is set.
_MOST_ROUNDED: Final = Decimal("0.1")
_COARSEST_TICK: Final = Decimal("0.01")


def check_pairs(facts: PreflightFacts) -> str:
    """Require all pairs to be traded now."""
    if not facts.config.pairs:
        raise ConfigurationError("pairs is empty: name at least one pair to trade", key="pairs")
    status: dict[str, str] = {market.pair: market.status for market in known(facts.markets).markets}
    states = {pair: status.get(pair, "not listed") for pair in facts.config.pairs}
    closed = {pair: state for pair, state in states.items() if state != "active"}
    if closed:
        listed = ", ".join(f"{pair} ({state})" for pair, state in closed.items())
        message = f"the exchange does not trade {listed} now: wait, or remove it from pairs"
        raise NotFoundError(message, kind="market", key=next(iter(closed)))
    return f"{len(facts.config.pairs)} traded now"


def check_stake(facts: PreflightFacts) -> str:
    """Refuse a stake that the approval, the exchange or the engine would not take as it is."""
    stake, currency = planned_stake(facts), facts.config.stake_currency
    if facts.approval is not None:
        _check_approved(stake, currency, facts.approval)
    problems = [*_problems(stake, facts)]
    if problems:
        message = (
            f"a stake of {stake:f} {currency} cannot be traded as planned: {'; '.join(problems)}; "
            "raise execution.stake_amount, or remove these pairs"
        )
        raise ConfigurationError(message, key="execution.stake_amount")
    return f"{stake:f} {currency} for each trade"


def check_candles(facts: PreflightFacts) -> str:
    """Require a newest candle of each pair that is not older than two of its length."""
    span = timedelta(seconds=facts.config.timeframe.seconds)
    stale: list[str] = []
    for pair in facts.config.pairs:
        candle = known(facts.last_candles).get(pair)
        # A candle of the future is as wrong as an old one.
        if candle is None or not -span <= facts.now - candle.opened_at <= _STALE_CANDLES * span:
            stale.append(f"{pair} ({candle.opened_at:%Y-%m-%d %H:%M} UTC)" if candle else pair)
    if stale:
        message = (
            f"the exchange has no candle of now for {', '.join(stale)}: wait until the market "
            "trades again, or remove the pair"
        )
        service = facts.config.exchange
        raise ExternalServiceError(message, service=service, operation="candles", retryable=True)
    return f"the newest of each pair is at most {_STALE_CANDLES} x {facts.config.timeframe} old"


def _check_approved(stake: Decimal, currency: str, approval: Approval) -> None:
    if approval.stake_currency != currency or stake > approval.largest_stake:
        message = (
            f"a stake of {stake:f} {currency} is not approved, the approved largest one "
            f"{approval.largest_stake:f} {approval.stake_currency} is: lower "
            "execution.stake_amount, or have a larger one approved with `tradai-entrypoint approve`"
        )
        raise TradingError(message, reason="stake_not_approved")


def _problems(stake: Decimal, facts: PreflightFacts) -> Iterator[str]:
    markets = known(facts.markets)
    for pair in facts.config.pairs:
        market, candle = markets.market(pair), known(facts.last_candles).get(pair)
        problem = _problem(stake, market, candle, facts)
        if problem is not None:
            yield f"{pair} {problem}"


def _problem(
    stake: Decimal, market: Market, candle: LastCandle | None, facts: PreflightFacts
) -> str | None:
    if candle is None or not candle.close.is_finite() or candle.close <= 0:
        return "has no known price"
    if market.min_notional is None:
        return "has no known smallest order"
    execution, price = facts.config.execution, candle.close
    reserve = configured_reserve(facts.config)
    smallest = smallest_stake(market, price, execution, reserve=reserve)
    if stake < smallest:
        return f"needs {smallest:.8f} or more, to which the engine would raise it without a word"
    amount = (stake / price / market.step).to_integral_value(ROUND_DOWN) * market.step
    if amount * price < stake * (1 - _MOST_ROUNDED):
        return f"is traded in steps of {market.step:f}, which would leave {amount * price:.8f}"
    if market.tick > price * abs(execution.stoploss or _COARSEST_TICK):
        return f"has prices in steps of {market.tick:f}, too coarse for its stop at {price:f}"
    return None
