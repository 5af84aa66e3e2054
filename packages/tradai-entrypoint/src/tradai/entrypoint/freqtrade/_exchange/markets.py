"""The file markets.json: market rules that a backtest rounds and refuses orders by.

They decide over trades as the candles do, so they are digested and kept beside them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, Self, final

import pydantic
from pydantic import AwareDatetime, BaseModel, ConfigDict, field_validator, model_validator

from tradai.core import FileStore, JsonObject, JsonValue, MarketSnapshot, digest, utc_now
from tradai.core.exceptions import ConfigurationError, NotFoundError, ValidationError
from tradai.entrypoint.freqtrade._exchange._recorded.answers import RecordedAnswer
from tradai.entrypoint.freqtrade._exchange._recorded.exchange import RecordedExchange
from tradai.entrypoint.freqtrade._exchange.exchange import MarketRules, Symbol, wanted_symbols
from tradai.entrypoint.freqtrade._exchange.market_fees import MarketFees, rules_notices
from tradai.entrypoint.freqtrade._exchange.rules_reading import check_ticks, read_rules
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import (
    DEFAULT_EXCHANGE,
    FUTURES_EXCHANGE,
    exchange_named,
)


@final
class MarketsSnapshot(BaseModel):
    """Markets of one type in their exchange's own words, from which the engine is answered.

    `rules` reads them as a `tradai.core.MarketSnapshot`.

    Attributes:
        captured_at: When they were true.
        origin: ``captured`` from the exchange, or ``made`` for synthetic candles.
        note: Why and by what they were made.
        symbols: The exchange's symbol objects as it sent them, or as ccxt describes them when the
            answers are recorded; they cannot be changed.
        answers: Recorded answers, from which the engine loads its markets; empty where it is
            answered from the symbols.
        fees: Fees of made rules; None leaves them to the engine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    exchange: str = DEFAULT_EXCHANGE
    market_type: Literal["spot", "futures"] = "spot"
    captured_at: AwareDatetime
    origin: Literal["captured", "made"]
    note: str | None = None
    symbols: tuple[JsonObject, ...]
    answers: tuple[RecordedAnswer, ...] = ()
    fees: MarketFees | None = None

    @field_validator("exchange")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            return exchange_named(name).name
        except ConfigurationError as exc:
            raise ValueError(str(exc)) from exc

    @model_validator(mode="after")
    def _has_each_pair_once(self) -> Self:
        if len(self.pairs) < len(self.symbols):
            message = "a pair is there twice: expected one symbol for each pair"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _has_answers_where_they_are_replayed(self) -> Self:
        if isinstance(exchange_named(self.exchange), RecordedExchange) is not bool(self.answers):
            message = "the recorded answers and the exchange do not belong together"
            raise ValueError(message)
        if self.answers and self.origin == "made":
            message = "made rules have no recorded answers"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _has_public_answers(self) -> Self:
        exchange = exchange_named(self.exchange)
        if isinstance(exchange, RecordedExchange):
            for answer in self.answers:
                if not exchange.is_public(answer.url):
                    # Without its query, which may have a key.
                    message = (
                        f"{answer.url.partition('?')[0]} is not among the public addresses of "
                        f"{self.exchange} from which markets are loaded"
                    )
                    raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _has_one_answer_to_each_request(self) -> Self:
        if len({(answer.url, answer.body) for answer in self.answers}) < len(self.answers):
            message = "a request has two answers: expected one"
            raise ValueError(message)
        return self

    @classmethod
    def load(cls, path: Path, *, exchange: str | None = None) -> Self:
        """Read a snapshot.

        Args:
            path: The file.
            exchange: Exchange whose rules it must have; None takes any.

        Raises:
            ConfigurationError: It has the rules of another exchange.
            NotFoundError: There is none at `path`.
            ValidationError: It is not a snapshot, not a regular file, or too large.
            StorageError: The disk refused.
        """
        text = read_rules(path, exchange)
        try:
            snapshot = cls.model_validate_json(text)
        except pydantic.ValidationError as exc:
            raise ValidationError(
                f"{path} is not a markets snapshot{_reason(exc)}: capture it again, or make it",
                field=str(path),
                expected="the file that `tradai-entrypoint markets capture` or `make` writes",
            ) from None
        if exchange not in (None, snapshot.exchange):
            message = (
                f"{path} has the market rules of {snapshot.exchange}, and exchange is {exchange}: "
                "capture those of the exchange, or name another file with --markets"
            )
            raise ConfigurationError(message, key="exchange")
        return snapshot

    @classmethod
    def capture(
        cls, pairs: Sequence[str], *, exchange: str = DEFAULT_EXCHANGE, base_url: str | None = None
    ) -> Self:
        """Fetch the rules of `pairs` from the exchange.

        Args:
            pairs: Pairs to keep.
            exchange: Name of the exchange.
            base_url: Another address of the exchange: https, or http on a loopback address.

        Raises:
            ConfigurationError: The exchange is not known.
            ExternalServiceError: It was not reachable or did not answer as it should.
            NotFoundError: It does not list a pair, or does not trade it now.
            ValidationError: `base_url` is neither https nor on a loopback address, or a rule of a
                pair is missing.
        """
        source = exchange_named(exchange)
        kept = tuple(wanted_symbols(source.fetch_symbols(base_url), pairs, source))
        snapshot = cls(
            exchange=exchange,
            market_type=source.market_type,
            captured_at=utc_now(),
            origin="captured",
            symbols=kept,
        )
        snapshot.require(pairs)
        return snapshot

    @classmethod
    def made(
        cls,
        rules: Mapping[str, MarketRules],
        *,
        note: str,
        captured_at: datetime,
        exchange: str | None = None,
        fees: MarketFees | None = None,
    ) -> Self:
        """Make a snapshot from `rules` by pair; it says that it was made, and why (`note`).

        Without an `exchange` they are of the default one, or of the one with contracts.
        """
        are_contracts = all(":" in pair for pair in rules)
        source = exchange_named(
            exchange or (FUTURES_EXCHANGE if are_contracts else DEFAULT_EXCHANGE)
        )
        return cls(
            exchange=source.name,
            market_type=source.market_type,
            captured_at=captured_at,
            origin="made",
            note=note,
            fees=fees,
            symbols=tuple(source.make_symbol(pair, each) for pair, each in rules.items()),
        )

    def with_made(self, added: Self) -> Self:
        """Return these made rules and those of `added`, with the note of `added`.

        The fees are those of `added` too, where it has any.

        Raises:
            ConfigurationError: These rules were captured, are of another exchange, or have a pair
                of `added` already.
        """
        twice = sorted(self.pairs & added.pairs)
        problem = None
        if self.origin != "made":
            problem = "they were captured: capture them again with the pairs"
        elif self.exchange != added.exchange:
            problem = f"they are of {self.exchange}, and the pairs of {added.exchange}"
        elif twice:
            problem = f"they have {', '.join(twice)}: replace all of them with --force"
        if problem:
            raise ConfigurationError(f"nothing can be added to the rules: {problem}", key="--add")
        symbols, fees = (*self.symbols, *added.symbols), added.fees or self.fees
        return added.model_copy(update={"symbols": symbols, "fees": fees})

    @property
    def pairs(self) -> frozenset[str]:
        """The pairs it has rules for."""
        return frozenset(map(self._pair_of, self.symbols))

    @property
    def digest(self) -> str:
        """SHA-256 over the rules, whatever their order, the recorded answers and the fees."""
        rules = sorted(self.symbols, key=self._pair_of)
        fees = [self.fees.model_dump(mode="json")] if self.fees else []
        return digest([*rules, *(answer.content for answer in self.answers), *fees])

    @property
    def rules(self) -> MarketSnapshot:
        """The rules by pair, as exact numbers.

        Raises:
            ValidationError: A rule is missing or not a number.
        """
        return MarketSnapshot(
            exchange=self.exchange,
            taken_at=self.captured_at,
            markets=tuple(map(exchange_named(self.exchange).market_of, self.symbols)),
        )

    def notices(self, *, has_fee: bool) -> Iterator[str]:
        """Yield sentences on made rules; `has_fee` says whether a configuration has a fee."""
        return rules_notices(self.origin, self.note, self.fees, has_fee=has_fee)

    def require(self, pairs: Iterable[str]) -> None:
        """Check that there are rules for all `pairs`, and that they were traded.

        Raises:
            NotFoundError: Some are missing or were not traded; all of them are named.
            ValidationError: A rule is missing or not a number.
        """
        wanted = sorted(set(pairs))
        restricted = self.restricted_to(wanted)
        halt_of = exchange_named(self.exchange).halt_of
        halts = {self._pair_of(symbol): halt_of(symbol) for symbol in restricted.symbols}
        states = {pair: halts.get(pair, "not listed") for pair in wanted}
        wrong = {pair: state for pair, state in states.items() if state is not None}
        if wrong:
            listed = ", ".join(f"{pair} ({state})" for pair, state in wrong.items())
            making = "" if self.answers else "make them with `markets make`, "
            message = (
                f"no market rules to trade {listed} in the snapshot of "
                f"{self.captured_at:%Y-%m-%d}: capture them again, {making}or remove the pairs "
                "from what asks for them (pairs, run.informative, @informative)"
            )
            raise NotFoundError(message, kind="markets", key=next(iter(wrong)))
        try:
            restricted.rules.require(wanted)
            check_ticks(restricted.rules)
        except ValidationError as exc:
            verb = "make" if self.origin == "made" else "capture"
            message = f"{exc}; remove the pair, or {verb} its rules again"
            raise ValidationError(message, field=exc.field, expected=exc.expected) from None

    def restricted_to(self, pairs: Iterable[str]) -> Self:
        """Return the snapshot with the rules of `pairs` only."""
        wanted = set(pairs)
        kept = tuple(symbol for symbol in self.symbols if self._pair_of(symbol) in wanted)
        return self.model_copy(update={"symbols": kept})

    def save(self, path: Path, *, is_new: bool = False) -> None:
        """Write the snapshot to `path`, whole or not at all; one that `is_new` replaces no file.

        Raises:
            ConflictError: There is a file that it may not replace.
            StorageError: The disk refused.
        """
        empty = {name for name in ("answers", "fees") if not getattr(self, name)}
        text = self.model_dump_json(indent=2, exclude=empty) + "\n"
        FileStore().write(path.absolute().as_uri(), text.encode(), if_absent=is_new)

    def exchange_info(self) -> dict[str, JsonValue]:
        """Return what the exchange would answer."""
        return exchange_named(self.exchange).describe_markets(self.symbols, self.captured_at)

    def _pair_of(self, symbol: Symbol) -> str:
        return exchange_named(self.exchange).pair_of(symbol)


def _reason(exc: pydantic.ValidationError) -> str:
    """Return the sentence of one of our validators in brackets; it quotes no value."""
    first = exc.errors(include_url=False, include_input=False)[0]
    return f" ({first['ctx']['error']})" if first["type"] == "value_error" else ""
