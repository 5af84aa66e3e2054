"""Pairs that a market cannot have, and what to write instead."""

from collections.abc import Sequence

from tradai.entrypoint.freqtrade._exchange.supported_exchanges import FUTURES_EXCHANGE


def pairs_problem(pairs: Sequence[str], currency: str, *, is_spot: bool) -> str | None:
    """Return what is wrong with `pairs` that are traded with `currency`; None when nothing is.

    Args:
        pairs: Pairs of a configuration.
        currency: Its stake currency.
        is_spot: Whether its market is spot, rather than contracts settled in their quote currency.
    """
    wanted = currency if is_spot else f"{currency}:{currency}"
    others = [pair for pair in pairs if pair.partition("/")[2] != wanted]
    if not others:
        return None
    return _not_bought(others, currency) if is_spot else _not_settled(others, currency)


def _not_bought(pairs: Sequence[str], currency: str) -> str:
    are_contracts = any(":" in pair for pair in pairs)
    instead = f"set exchange: {FUTURES_EXCHANGE}" if are_contracts else "change stake_currency"
    named = ", ".join(pairs)
    return f"has {named}, not bought with {currency} on the spot market: remove them, or {instead}"


def _not_settled(pairs: Sequence[str], currency: str) -> str:
    inverse = ", ".join(pair for pair in pairs if _is_inverse(pair))
    if inverse:
        return (
            f"has {inverse}, settled in another currency than the quote, which a run does not "
            "trade: write contracts such as BTC/USDT:USDT, and set stake_currency: USDT"
        )
    named, wanted = ", ".join(pairs), f"BTC/{currency}:{currency}"
    settled = {pair.partition(":")[2] for pair in pairs}
    is_one = len(settled) == 1 and "" not in settled
    instead = f", or set stake_currency: {settled.pop()}" if is_one else ""
    return f"has {named}, not contracts settled in {currency}: write them as {wanted}{instead}"


def _is_inverse(pair: str) -> bool:
    name, _, settled = pair.partition(":")
    return settled not in ("", name.partition("/")[2])
