"""Trades whose stake the engine cut below the configured one, which it does not say."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from tradai.core import Market
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._preparation.stake import configured_stake
from tradai.entrypoint.freqtrade._results.results import TradeRecord

# Share of a stake that is not worth a notice.
_SLACK: Final = 0.01
_NAMED_PAIRS: Final = 3


def notice_cut_stakes(job: EngineJob, context: RunContext, trades: Iterable[TradeRecord]) -> None:
    """Add a notice to the run when trades began with less than `execution.stake_amount`.

    An amount is rounded down to a step of its pair, which is no cut. A strategy that sizes its
    trades itself may do so for any reason.
    """
    config = context.config
    stake = configured_stake(config, job.facts)
    if stake is None:
        return
    markets = {str(market.pair): market for market in job.markets.rules.markets}
    first = [found for trade in trades for found in _first_stake(trade, markets)]
    cut = {
        index: (pair, paid)
        for index, (pair, paid, step) in enumerate(first)
        if float(stake) - paid > max(step, _SLACK * float(stake))
    }
    if not cut:
        return
    pairs = sorted({pair for pair, _ in cut.values()})
    rest = len(pairs) - _NAMED_PAIRS
    named = ", ".join(pairs[:_NAMED_PAIRS]) + (f" and {rest:,} more" if rest > 0 else "")
    least, most = (
        math.floor(100 * end([paid for _, paid in cut.values()])) / 100 for end in (min, max)
    )
    context.record.notices.append(
        f"the engine cut the stake of {len(cut):,} of {len(first):,} trades below "
        f"execution.stake_amount ({stake:f} {config.stake_currency}), to between {least:,.2f} and "
        f"{most:,.2f} {config.stake_currency}: it takes no more than the largest order of the "
        f"market rules, the leverage tiers and the free balance allow ({named})"
    )


def _first_stake(
    trade: Mapping[str, Any], markets: Mapping[str, Market]
) -> Iterator[tuple[str, float, float]]:
    """Yield the pair of `trade`, the stake of its first filled order, and that of one step."""
    market = markets.get(trade["pair"])
    if market is None:
        return
    leverage = float(trade.get("leverage") or 1)
    for order in trade.get("orders") or ():
        if order["ft_is_entry"] and order.get("order_filled_timestamp") is not None:
            step = float(market.step * (market.contract_size or 1))
            price = float(order["safe_price"]) / leverage
            yield trade["pair"], float(order["amount"]) * price, step * price
            return
