"""Supported exchanges, looked up by name: a new one is a folder beside this file and a row here."""

from typing import Final

from tradai.core import did_you_mean
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._exchange._binance.futures_market import BinanceFutures
from tradai.entrypoint.freqtrade._exchange._binance.spot_market import Binance
from tradai.entrypoint.freqtrade._exchange._recorded.known import RECORDED_EXCHANGES
from tradai.entrypoint.freqtrade._exchange.exchange import Exchange

_EXCHANGES: Final[tuple[Exchange, ...]] = (Binance(), BinanceFutures(), *RECORDED_EXCHANGES)
DEFAULT_EXCHANGE: Final = _EXCHANGES[0].name
FUTURES_EXCHANGE: Final = next(each.name for each in _EXCHANGES if each.market_type == "futures")

RECORDED_NAMES: Final = frozenset(exchange.name for exchange in RECORDED_EXCHANGES)
"""Names of the exchanges that trade on recorded answers."""


def exchange_named(name: str) -> Exchange:
    """Return the exchange `name`.

    Raises:
        ConfigurationError: This release does not know it.
    """
    for exchange in _EXCHANGES:
        if exchange.name == name:
            return exchange
    names = [exchange.name for exchange in _EXCHANGES]
    hint = did_you_mean(name, names) or f"; there are {', '.join(names)}"
    message = f"exchange is {name!r}, which this release does not know{hint}"
    raise ConfigurationError(message, key="exchange")
