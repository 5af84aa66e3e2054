"""Market rules of an exchange at one moment: what a tick is, a step, a smallest order.

A backtest rounds and refuses orders by them, so they decide over trades as the candles do.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal, Self, final

import pydantic
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

from tradai.core import FileStore, JsonObject, JsonValue, digest, thaw, utc_now
from tradai.core.exceptions import (
    ExternalServiceError,
    NotFoundError,
    StorageError,
    ValidationError,
)
from tradai.entrypoint.freqtrade._exchange.binance import fetch_symbols, made_symbol

__all__ = ["MARKETS_NAME", "MarketRules", "MarketsSnapshot"]

MARKETS_NAME: Final = "markets.json"

_TEXTS: Final = ("symbol", "status", "baseAsset", "quoteAsset")
_TRADING: Final = "TRADING"


def _checked(symbol: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    if not all(isinstance(symbol.get(name), str) for name in _TEXTS):
        message = f"a symbol needs the texts {', '.join(_TEXTS)}"
        raise ValueError(message)
    return symbol


Symbol = Annotated[JsonObject, AfterValidator(_checked)]


@final
class MarketRules(BaseModel):
    """The rules of one made market, as decimal text.

    Attributes:
        tick: Smallest change of a price. The engine (freqtrade 2026.9) prefers the tick that a
            month's candles show in their decimals; without decimals it rounds by this one.
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
        symbols: The exchange's symbol objects as it sent them; they cannot be changed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    exchange: Literal["binance"] = "binance"
    market_type: Literal["spot"] = "spot"
    captured_at: AwareDatetime
    origin: Literal["captured", "made"]
    note: str | None = None
    symbols: tuple[Symbol, ...]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a snapshot.

        Raises:
            NotFoundError: There is none at `path`.
            ValidationError: It is not a snapshot.
            StorageError: The disk refused.
        """
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            raise _missing(path) from None
        except OSError as exc:
            raise StorageError(
                f"the market rules {path} cannot be read: {exc.strerror}", operation="read"
            ) from exc
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
            base_url: Another address of the exchange: https, or http on a loopback address.

        Raises:
            ExternalServiceError: The exchange was not reachable or did not answer as it should.
            NotFoundError: It does not list a pair, or does not trade it now.
            ValidationError: `base_url` is neither https nor on a loopback address.
        """
        try:
            whole = cls(captured_at=utc_now(), origin="captured", symbols=fetch_symbols(base_url))
        except pydantic.ValidationError:
            raise ExternalServiceError(
                "the exchange described its markets in a form that is not known: install a newer "
                "tradai-entrypoint",
                service="binance",
                operation="exchangeInfo",
            ) from None
        whole.require(pairs)
        return whole.restricted_to(pairs)

    @classmethod
    def made(cls, rules: Mapping[str, MarketRules], *, note: str, captured_at: datetime) -> Self:
        """Make a snapshot from `rules` by pair; it says that it was made, and why (`note`)."""
        symbols = tuple(
            made_symbol(pair, tick=one.tick, step=one.step, min_notional=one.min_notional)
            for pair, one in rules.items()
        )
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
        """Check that there are rules for all `pairs`, and that they were traded.

        Raises:
            NotFoundError: Some are missing or were not traded; all of them are named.
        """
        states = {_pair(symbol): symbol["status"] for symbol in self.symbols}
        wrong = {
            pair: states.get(pair, "not listed")
            for pair in sorted(set(pairs))
            if states.get(pair) != _TRADING
        }
        if wrong:
            listed = ", ".join(f"{pair} ({state})" for pair, state in wrong.items())
            raise NotFoundError(
                f"no market rules to trade {listed} in the snapshot of "
                f"{self.captured_at:%Y-%m-%d}: capture them again, or remove the pairs",
                kind="markets",
                key=next(iter(wrong)),
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

    def exchange_info(self) -> dict[str, JsonValue]:
        """Return what the exchange would answer."""
        return {
            "timezone": "UTC",
            "serverTime": int(self.captured_at.timestamp() * 1000),
            "rateLimits": [],
            "exchangeFilters": [],
            "symbols": [thaw(symbol) for symbol in self.symbols],
        }


def _pair(symbol: Mapping[str, JsonValue]) -> str:
    return f"{symbol['baseAsset']}/{symbol['quoteAsset']}"


def _missing(path: Path) -> NotFoundError:
    return NotFoundError(
        f"no market rules at {path}: capture them with `tradai-entrypoint markets capture "
        f"CONFIG --data {path.parent}`",
        kind="markets",
        key=str(path),
    )
