"""An exchange that this release knows by its recorded answers alone."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Literal, NoReturn, final
from urllib.parse import urlsplit

from tradai.core import JsonValue, Market
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._exchange.exchange import Symbol

# Lengths of candles of the exchanges here; the engine refuses those that an exchange lacks.
_TIMEFRAMES: Final = (
    *("1m", "3m", "5m", "15m", "30m"),
    *("1h", "2h", "4h", "6h", "8h", "12h"),
    *("1d", "3d", "1w"),
)
PRECISION_MODE: Final = "precision_mode"
"""Field of a market's description beside those of ccxt: the meaning of its precisions."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedExchange:
    """The spot market of an exchange, in backtests.

    Its market rules are read by the engine's own client, ccxt, from the recorded answers; a symbol
    is a market as ccxt describes it.

    Attributes:
        name: Its name in a strategy configuration, in the engine and in ccxt.
        addresses: Addresses of its REST API, and for each the names of the parts in ccxt that
            have it; a dot leads into a nested part.
        public: Paths of the requests that loading its markets needs, as patterns of the shell. Any
            other may be one of an account, and is neither asked for nor recorded.
        options: Options of its client that leave out what is not a spot market.
    """

    name: str
    addresses: dict[str, str]
    public: tuple[str, ...]
    options: dict[str, JsonValue]

    @property
    def engine_name(self) -> str:
        """Its name."""
        return self.name

    @property
    def market_type(self) -> Literal["spot", "futures"]:
        """Spot."""
        return "spot"

    @property
    def timeframes(self) -> tuple[str, ...]:
        """Lengths of candles that exchanges offer; see `_TIMEFRAMES`."""
        return _TIMEFRAMES

    @property
    def rules_path(self) -> str:
        """None: its markets may be described by several answers."""
        return ""

    @property
    def in_flight_s(self) -> float:
        """No order is sent to it."""
        return 0.0

    @property
    def tiers_file(self) -> str | None:
        """None: there is no leverage on a spot market."""
        return None

    @property
    def is_backtest_only(self) -> bool:
        """Other modes are not proven."""
        return True

    def is_public(self, url: str) -> bool:
        """Return whether a request for `url` is one of those in `public`, at this exchange."""
        parts = urlsplit(url)
        hosts = {urlsplit(address).netloc for address in self.addresses}
        # A path that a server reads as another one.
        is_plain = not {"..", ".", ""} & set(parts.path[1:].split("/")) and "%" not in parts.path
        is_known = any(fnmatchcase(parts.path, each) for each in self.public)
        return parts.netloc in hosts and is_plain and is_known

    def _refuse(self, *_args: object, **_options: object) -> NoReturn:
        message = (
            f"exchange is {self.name}: it is proven in backtests with captured market rules only; "
            "see docs/reference/venues.md"
        )
        raise ConfigurationError(message, key="exchange")

    fetch_symbols = fetch_last_candle = sign_in = _refuse
    make_symbol = describe_markets = rest_answers = _refuse

    def symbol_of(self, pair: str) -> str:
        """Return the name of the market in ccxt."""
        return pair

    def pair_of(self, symbol: Symbol) -> str:
        """Return the pair; see `Exchange.pair_of`."""
        pair = symbol.get("symbol")
        if not isinstance(pair, str):
            message = "a market needs the text `symbol`"
            raise ValueError(message)  # noqa: TRY004 - the protocol names this error
        return pair

    def market_of(self, symbol: Symbol) -> Market:
        """Return the rules; see `Exchange.market_of`."""
        mode = symbol.get(PRECISION_MODE)
        return Market.from_ccxt(symbol, precision_mode=mode if isinstance(mode, int) else 0)

    def halt_of(self, symbol: Symbol) -> str | None:
        """Return ``not active`` for a market that is not; see `Exchange.halt_of`."""
        return "not active" if symbol.get("active") is False else None

    def rest_error(self, message: str) -> JsonValue:
        """Return the answer to a request that is refused."""
        return {"error": message}

    def ccxt_config(
        self, base_url: str | None, *, order_prefix: str | None = None
    ) -> dict[str, JsonValue]:
        """Return the settings of the client, whose every address then leads to `base_url`."""
        del order_prefix
        rendered: dict[str, JsonValue] = {"options": self.options}
        if base_url is not None:
            rendered["enableRateLimit"] = False
            rendered["urls"] = {"api": self._parts(base_url)}
        return rendered

    def _parts(self, base_url: str) -> dict[str, JsonValue]:
        parts: dict[str, JsonValue] = {}
        for address, names in self.addresses.items():
            for name in names.split():
                group, _, last = name.rpartition(".")
                inner = parts.setdefault(group, {}) if group else parts
                if isinstance(inner, dict):
                    inner[last] = f"{base_url.rstrip('/')}/{address}"
        return parts
