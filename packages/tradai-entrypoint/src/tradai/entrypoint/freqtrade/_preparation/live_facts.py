"""Gather the facts that the checks before a live session judge."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Final, TypeVar, final

from tradai.core import (
    JsonValue,
    MarketSnapshot,
    StrategyConfig,
    TradingMode,
    canonical_json,
    thaw,
    utc_now,
)
from tradai.core.exceptions import ConfigurationError, NotFoundError, StorageError
from tradai.core.live import Approval
from tradai.entrypoint._live._account.account import (
    AccountReads,
    AccountState,
    ExchangeOrder,
)
from tradai.entrypoint._live._account.reconcile import Reconciliation
from tradai.entrypoint._live._risk.halt_latch import HaltLatch
from tradai.entrypoint._live._risk.restarts import starts_since_halt
from tradai.entrypoint._preflight.facts import (
    DryRun,
    EngineFacts,
    Fact,
    LastCandle,
    Limits,
    Models,
    PreflightFacts,
    StatePlaces,
    TradeDatabase,
    gathered,
    known,
)
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.short_child import run_child
from tradai.entrypoint.freqtrade._engine.install import EngineInstall, engine_environment
from tradai.entrypoint.freqtrade._exchange.exchange import Exchange, Symbol

T = TypeVar("T")
_ANSWER_TIMEOUT_S: Final = 120.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEngine:
    """The engine that a session will start, and what it will be given.

    Attributes:
        install: The engine.
        config: Its configuration, without keys.
        scratch: Folder that it may write to.
        environ: Our environment.
        interrupts: Signals that end a question to it.
    """

    install: EngineInstall
    config: Mapping[str, JsonValue]
    scratch: Path
    environ: Mapping[str, str]
    interrupts: Interrupts

    def answer(self, symbol: Symbol) -> EngineFacts:
        """Ask the engine about its configuration, and for the id of an order of `symbol`.

        Raises:
            ConfigurationError: It gave no answer.
            RunInterruptedError: A signal came first.
        """
        question: dict[str, JsonValue] = {"config": dict(self.config), "symbol": thaw(symbol)}
        ended = run_child(
            self.install.module_command("tradai.entrypoint.freqtrade", "answers"),
            environ=engine_environment(self.environ, home=self.scratch, temporary=self.scratch),
            stdin=canonical_json(question),
            interrupts=self.interrupts,
            timeout_s=_ANSWER_TIMEOUT_S,
        )
        if ended.return_code != 0:
            message = (
                f"the engine {self.install.version} gave no answer about its configuration "
                f"({ended.last_words}): install the version that was approved"
            )
            raise ConfigurationError(message, key="engine")
        answers = json.loads(ended.output)
        return EngineFacts(
            schema_problems=tuple(answers["schema_problems"]),
            client_order_id=answers["client_order_id"],
        )


@final
@dataclass(frozen=True, kw_only=True)
class SessionExchange:
    """The exchange of a session.

    Attributes:
        exchange: The exchange.
        base_url: Another address of it; None is its own.
        reads: Signed reads of the account.
    """

    exchange: Exchange
    base_url: str | None
    reads: AccountReads

    @cached_property
    def listed(self) -> Sequence[Symbol]:
        """All symbols of the exchange; they are fetched once.

        Raises:
            ExternalServiceError: The exchange did not describe its markets.
        """
        return self.exchange.fetch_symbols(self.base_url)

    def symbols(self, pairs: tuple[str, ...]) -> dict[str, Symbol]:
        """Return the exchange's descriptions of `pairs`; one that is not listed is left out."""
        found: dict[str, Symbol] = {}
        for symbol in self.listed:
            try:
                pair = self.exchange.pair_of(symbol)
            # A market of another kind, which is of no interest.
            except ValueError:
                continue
            is_traded = self.exchange.halt_of(symbol) is None
            # A market that was closed may be listed beside the one that took its place.
            if pair in pairs and (is_traded or pair not in found):
                found[pair] = symbol
        return found

    def last_candles(
        self, config: StrategyConfig, keep: Callable[[], None]
    ) -> dict[str, LastCandle]:
        """Return the newest candle of each pair; a pair without any is left out.

        Args:
            config: Configuration that names the pairs.
            keep: Called before each request.
        """
        found: dict[str, LastCandle] = {}
        for pair in config.pairs:
            keep()
            candle = self.exchange.fetch_last_candle(pair, config.timeframe, self.base_url)
            if candle is not None:
                found[pair] = candle
        return found


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFacts:
    """Facts about a session that its gate knows already; see `PreflightFacts`.

    Attributes:
        books: Compares the account and its open orders with the trade database.
    """

    config: StrategyConfig
    config_digest: str
    order_prefix: str
    stake: Decimal | None
    approval: Approval | None
    limits: Limits
    latch: HaltLatch
    starts: tuple[datetime, ...]
    runs: Path
    dry_runs: Fact[tuple[DryRun, ...]]
    state: StatePlaces
    database: Fact[TradeDatabase]
    models: Fact[Models]
    books: Callable[[AccountState, tuple[ExchangeOrder, ...]], Reconciliation]


def gather_facts(
    session: SessionFacts,
    *,
    venue: SessionExchange,
    engine: LiveEngine,
    keep: Callable[[], None] = lambda: None,
) -> PreflightFacts:
    """Gather the facts about `session` with signed reads and no order.

    Three are sent for account, rights of the key and open orders. The comparison of the books sends
    one for each order that has ended and is open in the trade database, and one for each pair whose
    coins are not those of its position.
    Unsigned are the exchange's time, its market rules, and the newest candle of each pair.

    Args:
        session: The facts that the gate knows already.
        venue: The exchange.
        engine: The engine.
        keep: Called before each question that may take a while; its errors end the work.

    Raises:
        RunInterruptedError: A signal came first.
    """
    config, reads = session.config, venue.reads

    def asked(question: Callable[[], T]) -> Fact[T]:
        keep()
        return gathered(question)

    symbols = asked(lambda: venue.symbols(config.pairs))
    account = asked(reads.fetch_account)
    rights = asked(reads.fetch_key_rights)
    open_orders = asked(lambda: tuple(reads.fetch_open_orders()))
    return PreflightFacts(
        mode=TradingMode.LIVE,
        now=utc_now(),
        config=config,
        config_digest=session.config_digest,
        engine_config=engine.config,
        engine=asked(lambda: engine.answer(_first(symbols, config))),
        order_prefix=session.order_prefix,
        symbols=frozenset(map(venue.exchange.symbol_of, config.pairs)),
        stake=session.stake,
        approval=session.approval,
        limits=session.limits,
        variable_names=frozenset(engine.environ),
        account=account,
        rights=rights,
        open_orders=open_orders,
        books=asked(lambda: session.books(known(account), known(open_orders))),
        clock_offset_s=asked(reads.measure_clock),
        markets=gathered(lambda: _markets(symbols, venue)),
        last_candles=asked(lambda: venue.last_candles(config, keep)),
        database=session.database,
        free_bytes=gathered(lambda: _free_bytes(session.runs)),
        halt=asked(session.latch.check),
        starts=asked(lambda: starts_since_halt(session.latch, session.starts)),
        dry_runs=session.dry_runs,
        state=session.state,
        models=session.models,
    )


def _first(symbols: Fact[dict[str, Symbol]], config: StrategyConfig) -> Symbol:
    for pair in config.pairs:
        if pair in known(symbols):
            return known(symbols)[pair]
    message = "the exchange lists none of the pairs: look for their names at the exchange"
    raise NotFoundError(message, kind="market", key=", ".join(config.pairs))


def _markets(symbols: Fact[dict[str, Symbol]], venue: SessionExchange) -> MarketSnapshot:
    markets = tuple(venue.exchange.market_of(symbol) for symbol in known(symbols).values())
    return MarketSnapshot(exchange=venue.exchange.name, taken_at=utc_now(), markets=markets)


def _free_bytes(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError as exc:
        message = (
            f"the free space of {folder} is not known ({exc.strerror}): set TRADAI_RUN_FOLDER to a "
            "folder that exists"
        )
        raise StorageError(message, operation="read") from exc
