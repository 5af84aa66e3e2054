"""Facts that the checks before a live session judge."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias, TypeVar, final

from tradai.core import JsonValue, MarketSnapshot, StrategyConfig, TradingMode
from tradai.core.exceptions import TradAIError
from tradai.core.live import Approval
from tradai.entrypoint._live._account.account import AccountState, ExchangeOrder, KeyRights
from tradai.entrypoint._live._account.reconcile import Reconciliation

T = TypeVar("T")

Fact: TypeAlias = T | TradAIError
"""A value, or the error that came instead of it."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LastCandle:
    """The newest candle of a pair; it may still be growing."""

    opened_at: datetime
    close: Decimal


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """The engine's own answers about a configuration.

    Attributes:
        schema_problems: Its objections to the configuration, by its schema.
        client_order_id: Id that its client would give an order of one of the pairs.
    """

    schema_problems: tuple[str, ...]
    client_order_id: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """A dry-run that has ended."""

    run_id: str
    config_digest: str | None
    duration: timedelta
    exit_code: int | None
    is_fallback: bool


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPosition:
    """A position that the trade database has as open.

    Attributes:
        pair: Its pair.
        amount: Its amount in the base currency.
    """

    pair: str
    amount: Decimal


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TradeDatabase:
    """The trade database; it is empty before the engine has made it.

    Attributes:
        other_strategies: Classes of strategies that have traded in it beside ours.
    """

    positions: tuple[OpenPosition, ...] = ()
    other_strategies: frozenset[str] = frozenset()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The disk that has a path.

    Attributes:
        kind: Type of its file system, such as ``ext4``; None when it is not known.
    """

    kind: str | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StatePlaces:
    """Places of everything that must outlive the process.

    Attributes:
        uris: URI by what is there, such as ``lease``; the trade database has that of SQLAlchemy.
        disks: Disk of each file that one of them names, by its path.
        is_container: Whether this process runs in a container.
        durable_volume: Volume that outlives the container, as its operator declares.
    """

    uris: Mapping[str, str]
    disks: Mapping[Path, Disk]
    is_container: bool
    durable_volume: Path | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """FreqAI models of the session.

    Attributes:
        trained_at: Instant of the training of each pair's model, by pair.
        digest: Digest of the artifacts, which the approval names; None without any.
    """

    trained_at: Mapping[str, datetime] = field(default_factory=dict)
    digest: str | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits that the operator of a session sets.

    Attributes:
        dry_run: Least duration of a dry-run of the same configuration; zero needs none.
        starts: Most starts within `starts_within`.
        starts_within: Time in which the starts are counted.
        longest_session: Longest time that a session may last; None is without limit.
        free_bytes: Free space that the disk of the runs must have.
        accepts_holdings: Whether the session may start on an account that holds its base coins.
    """

    dry_run: timedelta = timedelta(hours=24)
    starts: int = 5
    starts_within: timedelta = timedelta(minutes=30)
    longest_session: timedelta | None = None
    free_bytes: int = 256 * 1024 * 1024
    accepts_holdings: bool = False


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightFacts:
    """Everything that the checks before a live session judge.

    A fact that could not be found out is the error that came instead: its check raises it.

    Attributes:
        mode: Mode of the run.
        now: Instant by this machine's clock.
        config: The strategy configuration.
        config_digest: Digest of configuration and strategy source.
        engine_config: Configuration that the engine will be given, without keys.
        engine: The engine's answers about it.
        order_prefix: Beginning of the ids of our orders.
        symbols: The exchange's names of the markets of our pairs.
        stake: Stake of one trade; None when the strategy or the balance decides it.
        approval: The approval of the session; None in a check without one.
        limits: Limits of the operator.
        variable_names: Names of the environment's variables.
        account: The account.
        rights: Rights of the key.
        open_orders: Open orders of all clients of the account.
        books: Differences between exchange and trade database, and our positions by both.
        clock_offset_s: Seconds by which this machine's clock is behind the exchange's.
        markets: Market rules of the exchange as they are now.
        last_candles: Newest candle of each pair.
        database: Positions of the trade database.
        free_bytes: Free space on the disk of the runs.
        halt: None; the error of the halt latch when trading was halted.
        starts: Instants of the starts of this session since a halt was cleared, this one included.
        dry_runs: Dry-runs that the folder or the store of runs has.
        state: Places of what must outlive the process.
        models: FreqAI models.
    """

    mode: TradingMode
    now: datetime
    config: StrategyConfig
    config_digest: str
    engine_config: Mapping[str, JsonValue]
    engine: Fact[EngineFacts]
    order_prefix: str
    symbols: frozenset[str]
    stake: Decimal | None
    approval: Approval | None
    limits: Limits
    variable_names: frozenset[str]
    account: Fact[AccountState]
    rights: Fact[KeyRights]
    open_orders: Fact[tuple[ExchangeOrder, ...]]
    books: Fact[Reconciliation]
    clock_offset_s: Fact[float]
    markets: Fact[MarketSnapshot]
    last_candles: Fact[Mapping[str, LastCandle]]
    database: Fact[TradeDatabase]
    free_bytes: Fact[int]
    halt: Fact[None]
    starts: Fact[tuple[datetime, ...]]
    dry_runs: Fact[tuple[DryRun, ...]]
    state: StatePlaces
    models: Fact[Models]


def known(fact: Fact[T]) -> T:
    """Return the value of a fact.

    Raises:
        TradAIError: The error that came instead of it.
    """
    if isinstance(fact, TradAIError):
        raise fact
    return fact


def gathered(ask: Callable[[], T]) -> Fact[T]:
    """Ask for a fact; an error of ours becomes the fact."""
    try:
        return ask()
    except TradAIError as exc:
        return exc
