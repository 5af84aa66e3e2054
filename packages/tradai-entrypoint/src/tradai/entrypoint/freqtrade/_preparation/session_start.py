"""A live session before its start: the facts that its checks judge, from its settings and plan."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Final, final

from tradai.core.live import Approval
from tradai.entrypoint._live._account.account import AccountState, ExchangeOrder
from tradai.entrypoint._live._account.books import compare_books
from tradai.entrypoint._live._account.reconcile import Reconciliation, positions
from tradai.entrypoint._live.gate import SignedIn
from tradai.entrypoint._live.live_places import database_of, latch_of, session_store_of
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._preflight.facts import (
    DryRun,
    Limits,
    Models,
    OpenPosition,
    PreflightFacts,
    TradeDatabase,
    gathered,
)
from tradai.entrypoint._preflight.state_files import state_places
from tradai.entrypoint._process.settings import EntrypointSettings
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint._runs.dry_runs import ended_dry_runs
from tradai.entrypoint._store.run_store import RunStore
from tradai.entrypoint.freqtrade._preparation.engine_access import EngineAccess
from tradai.entrypoint.freqtrade._preparation.live_facts import (
    LiveEngine,
    SessionExchange,
    SessionFacts,
    gather_facts,
)
from tradai.entrypoint.freqtrade._preparation.live_plan import engine_models, fixed_stake
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._preparation.session_account import account_before_start
from tradai.entrypoint.freqtrade._preparation.trained_models import (
    freqai_identifier,
    read_models,
)
from tradai.entrypoint.freqtrade._results.database import (
    EngineDatabase,
    booked_orders,
    database_at,
    traded_strategies,
)

_PLACES: Final = ("approvals", "lease", "latch", "sessions")


@final
@dataclass(frozen=True, kw_only=True)
class SessionStart:
    """A session that is about to start.

    Attributes:
        job: Its engine and its plan.
        context: Its run.
        runs: Settings of the run: the folder and the store that have earlier ones.
        settings: Settings of live trading.
        signed_in: The account.
        approval: The approval; None in a check without one.
        keep: Called again and again while facts are gathered and judged, to keep a lease.
    """

    job: EngineJob
    context: RunContext
    runs: EntrypointSettings
    settings: LiveSettings
    signed_in: SignedIn
    approval: Approval | None
    keep: Callable[[], None] = lambda: None

    @cached_property
    def venue(self) -> SessionExchange:
        """The exchange."""
        return SessionExchange(
            exchange=self.job.plan.exchange,
            base_url=self.context.parameters.exchange_url,
            reads=self.signed_in.client.reads,
        )

    @cached_property
    def database(self) -> EngineDatabase:
        """The trade database.

        Raises:
            TradAIError: Its place is not set, or its URL cannot be resolved or used.
        """
        strategy = self.context.config.name
        return database_at(database_of(self.settings, self.signed_in.account, strategy))

    def recorded_starts(self) -> tuple[datetime, ...]:
        """Return the last starts in the session's record, oldest first.

        Raises:
            ConfigurationError: The place of session records is not set.
            ExternalServiceError: The store refused or did not answer.
        """
        store = session_store_of(self.settings)
        record = store.read(self.settings.session_name(self.context.config.name))
        return record.starts if record else ()

    def facts(self, starts: tuple[datetime, ...]) -> PreflightFacts:
        """Gather the facts, with signed reads and no order; see `gather_facts`.

        Args:
            starts: Starts of the session, oldest first, this one included.

        Raises:
            ConfigurationError: A place is not set.
            RunInterruptedError: A signal came first.
        """
        return gather_facts(
            self._session_facts(starts),
            venue=self.venue,
            engine=self._engine(self.venue.base_url),
            keep=self.keep,
        )

    def _session_facts(self, starts: tuple[datetime, ...]) -> SessionFacts:
        config = self.context.config
        return SessionFacts(
            config=config,
            config_digest=self.context.record.digests["config"],
            order_prefix=self.signed_in.order_prefix,
            stake=fixed_stake(config, self.job.facts),
            approval=self.approval,
            limits=self._limits(),
            latch=latch_of(self.settings),
            starts=starts,
            runs=_existing(self.runs.folder),
            dry_runs=gathered(self._dry_runs),
            state=state_places(
                self._places(),
                environ=self.context.environ,
                durable_volume=self.settings.durable_volume,
            ),
            database=gathered(self._trade_database),
            models=gathered(self._models),
            books=partial(self._books, starts),
        )

    def _trade_database(self) -> TradeDatabase:
        return trade_database(self.database, strategy=self.job.facts.class_name)

    def _books(
        self,
        starts: tuple[datetime, ...],
        state: AccountState,
        open_orders: tuple[ExchangeOrder, ...],
    ) -> Reconciliation:
        booked = booked_orders(self.database)
        account = account_before_start(
            self.job,
            self.context,
            self.signed_in,
            booked,
            venue=self.venue,
            since=min(starts),
        )
        balances = {balance.asset: balance for balance in state.balances}
        return compare_books(account, open_orders, booked, balances=balances)

    def _limits(self) -> Limits:
        hours = self.settings.longest_session_hours
        return Limits(
            dry_run=self.settings.dry_run,
            longest_session=None if hours is None else timedelta(hours=hours),
            accepts_holdings=self.context.accepts_holdings,
        )

    def _models(self) -> Models:
        """Read the models that the engine will have; `live_plan` has put them there."""
        identifier = freqai_identifier(self.context.config)
        if identifier is None:
            return Models()
        staged = read_models(engine_models(self.job), identifier)
        return Models(trained_at=staged.trained_at, digest=staged.digest)

    def _dry_runs(self) -> tuple[DryRun, ...]:
        store = RunStore.at(self.runs.store) if self.runs.store else None
        return ended_dry_runs(self.runs.folder, store, timeout_s=self.runs.store_timeout_s)

    def _places(self) -> Mapping[str, str]:
        places = {name: self.settings.place(name) for name in _PLACES}
        return {**places, "trade database": self.database.url}

    def _engine(self, address: str | None) -> LiveEngine:
        access = EngineAccess(
            keys=self.signed_in.keys,
            order_prefix=self.signed_in.order_prefix,
            database=self.database,
        )
        sections = access.sections_without_secrets(self.job.plan.exchange, address)
        return LiveEngine(
            install=self.job.engine,
            config=self.job.plan.given(address, sections=sections),
            scratch=self.context.folder.scratch,
            environ=self.context.environ,
            interrupts=self.context.interrupts,
        )


def trade_database(database: EngineDatabase, *, strategy: str) -> TradeDatabase:
    """Return what `database`, which need not exist yet, has for a session of class `strategy`.

    Raises:
        TradAIError: It cannot be read, or the engine could not trade with it.
    """
    database.check()
    booked = booked_orders(database)
    held = positions((), booked, pair_of=lambda order: order.symbol)
    return TradeDatabase(
        positions=tuple(
            OpenPosition(pair=pair, amount=position.amount) for pair, position in held.items()
        ),
        other_strategies=frozenset(traded_strategies(database) - {strategy}),
    )


def _existing(folder: Path) -> Path:
    """Return `folder`, or the nearest folder above it that exists: its disk will have it."""
    absolute = folder.absolute()
    return next(each for each in (absolute, *absolute.parents) if each.exists())
