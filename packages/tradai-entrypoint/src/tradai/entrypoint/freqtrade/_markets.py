"""Market rules of an exchange at one moment: what a tick is, a step, a smallest order."""

import json
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, Self, final
from urllib.error import URLError

import pydantic
from pydantic import AwareDatetime, BaseModel, ConfigDict

from tradai.core import FileStore, digest, utc_now
from tradai.core.exceptions import ExternalServiceError, NotFoundError, ValidationError

__all__ = ["MARKETS_NAME", "MarketRules", "MarketsSnapshot"]

MARKETS_NAME: Final = "markets.json"

_VENUE: Final = "https://api.binance.com"
_TIMEOUT_S: Final = 30.0


@final
class MarketRules(BaseModel):
    """The rules of one made market, as decimal text.

    Attributes:
        tick: Smallest change of a price.
        step: Smallest change of an amount.
        min_notional: Smallest value of an order, in the quote currency.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tick: str
    step: str
    min_notional: str


@final
class MarketsSnapshot(BaseModel):
    """Market rules of Binance's spot market, in the exchange's own words.

    Attributes:
        captured_at: When they were true.
        origin: ``captured`` from the exchange, or ``made`` by somebody.
        note: Why and by what they were made.
        symbols: The exchange's symbol objects as it sent them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    exchange: Literal["binance"] = "binance"
    market_type: Literal["spot"] = "spot"
    captured_at: AwareDatetime
    origin: Literal["captured", "made"]
    note: str | None = None
    symbols: tuple[dict[str, Any], ...]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a snapshot.

        Raises:
            NotFoundError: There is none at `path`.
            ValidationError: It is not a snapshot.
        """
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            raise NotFoundError(
                f"no market rules at {path}: capture them with `tradai-entrypoint markets capture "
                f"CONFIG --data {path.parent}`",
                kind="markets",
                key=str(path),
            ) from None
        try:
            return cls.model_validate_json(text)
        except pydantic.ValidationError:
            raise ValidationError(
                f"{path} is not a markets snapshot: capture it again",
                field=str(path),
                expected="what `tradai-entrypoint markets capture` writes",
            ) from None

    @classmethod
    def capture(cls, pairs: Sequence[str], *, base_url: str | None = None) -> Self:
        """Fetch the rules of `pairs` from the exchange.

        Args:
            pairs: What to keep.
            base_url: A loopback exchange; None is the venue itself.

        Raises:
            ExternalServiceError: The exchange was not reachable or did not answer as it should.
            NotFoundError: It does not list a pair.
        """
        url = f"{base_url or _VENUE}/api/v3/exchangeInfo"
        try:
            # The scheme is ours or that of a checked loopback address.
            with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                symbols = json.load(answer)["symbols"]
        except (URLError, TimeoutError, ValueError, LookupError) as exc:
            raise ExternalServiceError(
                f"the market rules could not be fetched from {url}: {exc}; try again later",
                service="binance",
                operation="exchangeInfo",
                retryable=True,
            ) from exc
        whole = cls(captured_at=utc_now(), origin="captured", symbols=tuple(symbols))
        whole.require(pairs)
        return whole.restricted_to(pairs)

    @classmethod
    def made(cls, rules: Mapping[str, MarketRules], *, note: str, captured_at: datetime) -> Self:
        """Make a snapshot from `rules` by pair; it says that it was made, and why (`note`)."""
        symbols = tuple(_symbol(pair, one) for pair, one in rules.items())
        return cls(captured_at=captured_at, origin="made", note=note, symbols=symbols)

    @property
    def pairs(self) -> frozenset[str]:
        """The pairs it has rules for."""
        return frozenset(_pair(symbol) for symbol in self.symbols)

    @property
    def digest(self) -> str:
        """SHA-256 over the rules, whatever their order."""
        return digest(sorted(self.symbols, key=_pair))

    def require(self, pairs: Iterable[str]) -> None:
        """Check that there are rules for all `pairs`.

        Raises:
            NotFoundError: Some are missing; all of them are named.
        """
        missing = sorted(set(pairs) - self.pairs)
        if missing:
            raise NotFoundError(
                f"no market rules for {', '.join(missing)} in the snapshot of "
                f"{self.captured_at:%Y-%m-%d}: capture them, or remove the pairs",
                kind="markets",
                key=missing[0],
            )

    def restricted_to(self, pairs: Iterable[str]) -> Self:
        """Return the snapshot with the rules of `pairs` only."""
        wanted = set(pairs)
        kept = tuple(symbol for symbol in self.symbols if _pair(symbol) in wanted)
        return self.model_copy(update={"symbols": kept})

    def save(self, path: Path) -> None:
        """Write the snapshot to `path`, whole or not at all.

        Raises:
            StorageError: The disk refused.
        """
        text = self.model_dump_json(indent=2) + "\n"
        FileStore().write(path.resolve().as_uri(), text.encode())

    def exchange_info(self) -> dict[str, Any]:
        """Return what the exchange would answer."""
        return {
            "timezone": "UTC",
            "serverTime": int(self.captured_at.timestamp() * 1000),
            "rateLimits": [],
            "exchangeFilters": [],
            "symbols": list(self.symbols),
        }


def _pair(symbol: Mapping[str, Any]) -> str:
    return f"{symbol.get('baseAsset')}/{symbol.get('quoteAsset')}"


def _symbol(pair: str, rules: MarketRules) -> dict[str, Any]:
    base, _, quote = pair.partition("/")
    return {
        "symbol": f"{base}{quote}",
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": rules.tick,
                "maxPrice": "1000000",
                "tickSize": rules.tick,
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": rules.step,
                "maxQty": "9000000",
                "stepSize": rules.step,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": rules.min_notional,
                "applyMinToMarket": True,
                "maxNotional": "9000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }
