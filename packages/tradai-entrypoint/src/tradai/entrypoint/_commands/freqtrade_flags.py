"""Flags of Freqtrade that are keys of a configuration here; importing it imports no command."""

from collections.abc import Iterable, Mapping
from typing import Final

# Flag: an override that does the same.
_OVERRIDES: Final[Mapping[str, str]] = {
    "--analyze-per-epoch": "parameters.analyze_per_epoch=true",
    "--dry-run-wallet": "execution.starting_balance=1000",
    "--early-stop": "parameters.early_stop=50",
    "--enable-position-stacking": "parameters.position_stacking=true",
    "--enable-protections": "parameters.enable_protections=true",
    "--eps": "parameters.position_stacking=true",
    "--epochs": "run.epochs=100",
    "--fee": "execution.fee=0.001",
    "--freqaimodel": "run.freqai_model=LightGBMRegressor",
    "--hyperopt-loss": "run.loss=SharpeHyperOptLossDaily",
    "--job-workers": "run.jobs=2",
    "--max-open-trades": "execution.max_open_trades=3",
    "--min-trades": "parameters.hyperopt_min_trades=30",
    "--pairs": "pairs=[BTC/USDT,ETH/USDT]",
    "--random-state": "run.random_state=1",
    "--spaces": "run.spaces=[buy,sell]",
    "--stake-amount": "execution.stake_amount=100",
    "--starting-balance": "execution.starting_balance=1000",
    "--strategy": "strategy.class=MyStrategy",
    "--timeframe": "timeframe=5m",
    "--timeframe-detail": "parameters.timeframe_detail=1m",
}
_SHORT: Final[Mapping[str, str]] = {
    "-e": "--epochs",
    "-i": "--timeframe",
    "-j": "--job-workers",
    "-p": "--pairs",
    "-s": "--strategy",
}


def advice_on_flags(words: Iterable[str]) -> str | None:
    """Return the overrides to write instead of flags of Freqtrade; None where a word is none."""
    sentences = []
    for word in words:
        flag = word.partition("=")[0]
        override = _OVERRIDES.get(_SHORT.get(flag, flag))
        if override is None:
            return None
        key = override.partition("=")[0]
        sentences.append(f"{flag} has its place at {key}: write, for example, {override}")
    return "; ".join(sentences)
