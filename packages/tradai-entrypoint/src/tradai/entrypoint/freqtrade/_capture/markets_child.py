"""The markets of an exchange as the installed engine loads them, in a process of its Python."""

import importlib
import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from tradai.entrypoint.freqtrade._exchange._recorded.exchange import PRECISION_MODE

_KEPT: Final = (
    *("symbol", "type", "base", "quote", "active", "taker", "maker"),
    *("precision", "limits", "contractSize"),
)


def main() -> int:
    """Read the engine's settings of an exchange and pairs from standard input; print their markets.

    A market is the rules that ccxt reads for it; the exchange's own words are in the answers. The
    names of all its markets come with them.
    """
    given = json.load(sys.stdin)
    exchange = _loaded(given["exchange"])
    mode = exchange.precisionMode
    listed = (exchange.markets.get(pair) for pair in given["pairs"])
    markets = [_described(market, mode) for market in listed if market]
    names = sorted(exchange.markets)
    exchange.close()
    versions = {name: importlib.import_module(name).__version__ for name in ("ccxt", "freqtrade")}
    sys.stdout.write(json.dumps({"markets": markets, "names": names, "versions": versions}))
    return 0 if names else 1


def _loaded(settings: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a class of the engine
    """Return the engine's own class of an exchange with its markets; it logs why it has none."""
    resolvers = importlib.import_module("freqtrade.resolvers")
    modes = importlib.import_module("freqtrade.enums").RunMode
    config = {
        "exchange": settings,
        "stake_currency": "",
        "dry_run": True,
        "runmode": modes.OTHER,
        "trading_mode": "spot",
    }
    exchange = resolvers.ExchangeResolver.load_exchange(config, validate=False)
    exchange.reload_markets(force=True)
    return exchange


def _described(market: Mapping[str, Any], mode: int) -> dict[str, Any]:
    return {**{name: market[name] for name in _KEPT}, PRECISION_MODE: mode}
