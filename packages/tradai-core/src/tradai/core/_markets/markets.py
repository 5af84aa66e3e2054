"""Market rules by which an exchange rounds and rejects orders, and their history."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, final

import pydantic
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from tradai.core._documents.canonical import digest
from tradai.core._layers.problems import error_sentence
from tradai.core._numbers.decimals import Amount
from tradai.core._ports.repositories import Repository
from tradai.core._types.modes import MarketType
from tradai.core._types.pattern import Grammar
from tradai.core._types.symbols import Currency, Pair
from tradai.core.exceptions import NotFoundError, ValidationError

_TICK_SIZE: Final = 4  # ccxt's mode in which a precision is the step itself.
_TYPES: Final = {
    "spot": MarketType.SPOT,
    "margin": MarketType.MARGIN,
    "swap": MarketType.FUTURES,
    "future": MarketType.FUTURES,
}
_STATUS: Final = {True: "active", False: "inactive", None: "unknown"}
_EXCHANGE: Final = r"[a-z0-9_]{1,40}"

ExchangeName = Annotated[
    str, Grammar("exchange", _EXCHANGE, "small letters and digits, such as binance")
]
Positive = Annotated[Amount, Field(gt=0)]
NotNegative = Annotated[Amount, Field(ge=0)]


@final
class Market(BaseModel):
    """One market of an exchange; numbers are exact, and None where the exchange gives none.

    Attributes:
        pair: Such as ``BTC/USDT``, or ``BTC/USDT:USDT`` with the currency it is settled in.
        market_type: Spot, margin or futures.
        base: Currency that is traded.
        quote: Currency that it is priced in.
        status: Whether it is traded; ``unknown`` when the exchange does not say.
        tick: Smallest change of a price, in the quote currency.
        step: Smallest change of an amount: in the base currency, or in contracts of futures.
        min_amount: Smallest amount of an order.
        min_notional: Smallest value of an order, in the quote currency.
        contract_size: Size of one contract, in the base currency; None for spot.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pair: Pair
    market_type: MarketType
    base: Currency
    quote: Currency
    status: Literal["active", "inactive", "unknown"]
    tick: Positive
    step: Positive
    min_amount: NotNegative | None = None
    min_notional: NotNegative | None = None
    contract_size: Positive | None = None

    @classmethod
    def from_ccxt(cls, entry: Mapping[str, object], *, precision_mode: int) -> "Market":
        """Read one value of ccxt's ``exchange.markets``.

        Args:
            entry: A market in ccxt's own structure.
            precision_mode: The exchange's ``precisionMode``: it decides what a precision means.

        Raises:
            ValidationError: The mode is not ccxt's TICK_SIZE, or `entry` cannot be described: an
                option, a dated future, a market without a tick or a step.
        """
        if precision_mode != _TICK_SIZE:
            expected = f"ccxt's TICK_SIZE ({_TICK_SIZE})"
            message = f"precision mode {precision_mode!r} is not supported: expected {expected}"
            raise ValidationError(message, field="precision_mode", expected=expected)
        precision, limits = _part(entry, "precision"), _part(entry, "limits")
        values = {
            "pair": entry.get("symbol"),
            "market_type": _TYPES.get(str(entry.get("type"))),
            "base": entry.get("base"),
            "quote": entry.get("quote"),
            "status": _status(entry.get("active")),
            "tick": precision.get("price"),
            "step": precision.get("amount"),
            "min_amount": _part(limits, "amount").get("min"),
            "min_notional": _part(limits, "cost").get("min"),
            "contract_size": entry.get("contractSize"),
        }
        return _checked(values, entry.get("symbol"))


@final
class MarketSnapshot(BaseModel):
    """Markets as an exchange described them at one instant.

    Attributes:
        exchange: Such as ``binance``.
        taken_at: When they were true, in UTC.
        markets: In order of their pairs; none twice.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    exchange: ExchangeName
    taken_at: AwareDatetime
    markets: tuple[Market, ...]

    @field_validator("taken_at")
    @classmethod
    def _in_utc(cls, taken_at: datetime) -> datetime:
        return taken_at.astimezone(UTC)

    @field_validator("markets")
    @classmethod
    def _sorted(cls, markets: tuple[Market, ...]) -> tuple[Market, ...]:
        pairs = [market.pair for market in markets]
        if len({*pairs}) < len(pairs):
            message = "a pair is there twice: expected one market for each pair"
            raise ValueError(message)
        return tuple(sorted(markets, key=lambda market: market.pair))

    @property
    def digest(self) -> str:
        """SHA-256 of exchange and markets; the same rules give the same digest at any time."""
        return digest(self.model_dump(mode="json", exclude={"taken_at"}))

    def require(self, pairs: Iterable[str]) -> None:
        """Check that all `pairs` were traded.

        Raises:
            NotFoundError: Some are not listed or not active; all of them are named.
        """
        status: dict[str, str] = {market.pair: market.status for market in self.markets}
        states = {pair: status.get(pair, "not listed") for pair in sorted(set(pairs))}
        wrong = {pair: state for pair, state in states.items() if state != "active"}
        if wrong:
            listed = ", ".join(f"{pair} ({state})" for pair, state in wrong.items())
            message = (
                f"no market rules to trade {listed} in the snapshot of {self.taken_at:%Y-%m-%d}: "
                "capture them again, or remove the pairs"
            )
            raise NotFoundError(message, kind="markets", key=next(iter(wrong)))

    def market(self, pair: str) -> Market:
        """Return the market of `pair`.

        Raises:
            NotFoundError: It has none.
        """
        for market in self.markets:
            if market.pair == pair:
                return market
        message = (
            f"the market {pair} of {self.exchange} is not in the snapshot of "
            f"{self.taken_at:%Y-%m-%d %H:%M:%S} UTC; take a new one, or drop the pair"
        )
        raise NotFoundError(message, kind="market", key=pair)


@final
class MarketHistory:
    """Snapshots of markets by exchange and time.

    Keep them in an `InMemoryRepository`, or in a `ModelRepository` to outlast the process.
    """

    def __init__(self, repository: Repository[MarketSnapshot]) -> None:
        """Keep snapshots in `repository`, which holds nothing else."""
        self._repository = repository

    def put(self, snapshot: MarketSnapshot) -> str:
        """Keep `snapshot`, in place of one of the same exchange and instant; return its key."""
        key = _key(snapshot.exchange, snapshot.taken_at)
        self._repository.put(key, snapshot)
        return key

    def latest(self, exchange: str) -> MarketSnapshot:
        """Return the latest snapshot of `exchange`.

        Raises:
            NotFoundError: It has none.
        """
        return self._last(exchange, self._keys(exchange), "")

    def as_of(self, exchange: str, at: datetime) -> MarketSnapshot:
        """Return the last snapshot of `exchange` taken up to the aware instant `at`.

        Raises:
            NotFoundError: There is none up to then.
            ValidationError: `at` is naive.
        """
        if at.utcoffset() is None:
            expected = "an aware instant"
            message = f"the instant is not usable: expected {expected}"
            raise ValidationError(message, field="at", expected=expected)
        until = _key(exchange, at.astimezone(UTC))
        keys = [key for key in self._keys(exchange) if key <= until]
        return self._last(exchange, keys, f" of {at:%Y-%m-%d %H:%M:%S%z} or before")

    def _keys(self, exchange: str) -> list[str]:
        return self._repository.list(f"{exchange}/")

    def _last(self, exchange: str, keys: list[str], when: str) -> MarketSnapshot:
        if not keys:
            message = f"a market snapshot of {exchange}{when} does not exist; take one first"
            raise NotFoundError(message, kind="snapshot", key=exchange)
        return self._repository.get(keys[-1])


def _key(exchange: str, taken_at: datetime) -> str:
    return f"{exchange}/{taken_at:%Y%m%dT%H%M%S.%fZ}"


def _part(entry: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = entry.get(name)
    return part if isinstance(part, Mapping) else {}


def _status(active: object) -> str | None:
    return _STATUS[active] if active is None or isinstance(active, bool) else None


def _checked(values: Mapping[str, object], symbol: object) -> Market:
    try:
        return Market.model_validate(values)
    except pydantic.ValidationError as exc:
        errors = exc.errors()
    problems = "; ".join(
        f"{'.'.join(map(str, each['loc']))}: {error_sentence(each)}" for each in errors
    )
    fields = [str(each["loc"][0]) for each in errors if each["loc"]]
    message = f"the market {symbol!r} is not usable: {problems}"
    raise ValidationError(message, field=fields[0] if fields else None)
