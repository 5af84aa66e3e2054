"""Check the stake against the smallest order of each pair."""

from decimal import Decimal

from tradai.core import MarketSnapshot, StrategyConfig
from tradai.entrypoint.freqtrade._preparation.engine_options import key_error
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts


def check_stake(config: StrategyConfig, rules: MarketSnapshot, facts: SourceFacts) -> None:
    """Check that each pair of `config` takes an order of its stake.

    The engine raises a stake that is a little too small and ignores all signals for one that is
    far too small, in both cases without a word. A strategy that sizes its trades itself decides.

    Raises:
        ConfigurationError: The stake is below the smallest order of some pairs; all are named.
    """
    stake = config.execution.stake_amount
    may_set_stake = not facts.is_resolved or "custom_stake_amount" in facts.names
    if may_set_stake or not isinstance(stake, Decimal):
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
