"""Check the stake against the smallest order of each pair."""

from decimal import Decimal

from tradai.core import MarketSnapshot, StrategyConfig
from tradai.entrypoint.freqtrade._candles.staged_data import StagedData
from tradai.entrypoint.freqtrade._preparation.engine_options import key_error
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts


def check_stake(config: StrategyConfig, rules: MarketSnapshot, facts: SourceFacts) -> None:
    """Check that each pair of `config` takes an order of its stake.

    The engine raises a stake that is a little too small and ignores all signals for one that is
    far too small, in both cases without a word. A strategy that sizes its trades itself decides.

    Raises:
        ConfigurationError: The stake is below the smallest order of some pairs; all are named.
    """
    stake = configured_stake(config, facts)
    if stake is None:
        return
    smallest = {market.pair: market.min_notional or 0 for market in rules.markets}
    refused = [
        f"{pair} {smallest[pair]:f}" for pair in config.pairs if stake < smallest.get(pair, 0)
    ]
    if refused:
        problem = (
            f"is {stake:f} {config.stake_currency}, below the smallest order of "
            f"{', '.join(refused)}: raise it, or remove these pairs"
        )
        raise key_error(key="execution.stake_amount", problem=problem)


def check_amounts(
    config: StrategyConfig, rules: MarketSnapshot, facts: SourceFacts, staged: StagedData
) -> None:
    """Check that the stake buys the smallest amount of each pair in some candle of its own.

    That amount costs more at a higher price, so a pair is refused where even the lowest price of
    its candles is too high. A contract is bought with a leverage, which the strategy may set.

    Raises:
        ConfigurationError: The stake buys no order of some pairs; all are named.
    """
    stake = configured_stake(config, facts)
    if stake is None:
        return
    lowest = {
        each.pair: each.lowest for each in staged.series if each.timeframe == config.timeframe
    }
    refused = []
    for market in rules.markets:
        amount = max(market.step, market.min_amount or 0)
        cost = amount * Decimal(str(lowest.get(market.pair, 0.0)))
        if market.contract_size is None and stake < cost and market.pair in config.pairs:
            refused.append(f"{market.pair} {cost.normalize():f} for {amount:f}")
    if refused:
        problem = (
            f"is {stake:f} {config.stake_currency}, below what the smallest amount costs at the "
            f"lowest price of the candles, by the market rules: {', '.join(refused)}; "
            "raise it, or remove these pairs"
        )
        raise key_error(key="execution.stake_amount", problem=problem)


def configured_stake(config: StrategyConfig, facts: SourceFacts) -> Decimal | None:
    """Return the stake of each trade; None where the strategy or the engine decides."""
    stake = config.execution.stake_amount
    may_set_stake = not facts.is_resolved or "custom_stake_amount" in facts.names
    return None if may_set_stake or not isinstance(stake, Decimal) else stake
