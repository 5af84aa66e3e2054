"""Supported exchanges, looked up by name: a new one is a folder beside this file and a row here."""

from typing import Final

from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._exchange._binance.futures_market import BinanceFutures
from tradai.entrypoint.freqtrade._exchange._binance.spot_market import Binance
from tradai.entrypoint.freqtrade._exchange.exchange import Exchange

_EXCHANGES: Final[tuple[Exchange, ...]] = (Binance(), BinanceFutures())
DEFAULT_EXCHANGE: Final = _EXCHANGES[0].name
FUTURES_EXCHANGE: Final = next(each.name for each in _EXCHANGES if each.market_type == "futures")


def exchange_named(name: str) -> Exchange:
    """Return the exchange `name`.

    Raises:
        ConfigurationError: Its rules and its client have not been tested with this release.
    """
    for exchange in _EXCHANGES:
        if exchange.name == name:
            return exchange
    known = ", ".join(exchange.name for exchange in _EXCHANGES)
    message = f"exchange is {name!r}: only {known} are proven so far"
    raise ConfigurationError(message, key="exchange")
