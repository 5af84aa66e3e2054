"""The desk of a live session: everything it has from its admission to its end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import final

from tradai.core.exceptions import TradAIError
from tradai.core.live import SessionState
from tradai.entrypoint._alerts.alerts import Alerts
from tradai.entrypoint._live._account.traded_account import TradedAccount
from tradai.entrypoint._live._drain.budget import StopBudget
from tradai.entrypoint._live._risk.risk_watch import RiskWatch
from tradai.entrypoint._live._risk.trading_halt import TradingHalt
from tradai.entrypoint._live.gate import Admission
from tradai.entrypoint._live.leases import HeldLeases
from tradai.entrypoint._live.live_places import latch_of, session_store_of
from tradai.entrypoint._live.live_session import LiveSession
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._live.lost_halts import require_recorded_halt
from tradai.entrypoint._live.session import Session
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._modes._live.risks import LiveBot
from tradai.entrypoint.freqtrade._modes.bot_handler import Bot
from tradai.entrypoint.freqtrade._preparation.engine_access import EngineAccess
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.database import EngineDatabase, entry_orders


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything that a session has from its admission to its end."""

    admission: Admission
    leases: HeldLeases
    budget: StopBudget
    account: TradedAccount
    database: EngineDatabase
    record: Session
    session: LiveSession
    risks: Callable[[LiveBot], RiskWatch]


def bot_of(job: EngineJob, context: RunContext, desk: Desk) -> Bot:
    """Return the bot that trades on `desk`.

    Raises:
        TradAIError: Its database cannot be read.
    """
    signed_in = desk.admission.signed_in
    access = EngineAccess(
        keys=signed_in.keys, order_prefix=signed_in.order_prefix, database=desk.database
    )
    address = context.parameters.exchange_url
    return Bot(
        name=desk.record.name,
        doing=f"trading live{' on loopback, no money' if address else ''}",
        address=address,
        database=desk.database,
        sections=access.sections(job.plan.exchange, address),
        session=desk.session,
        earlier_orders=frozenset(entry_orders(desk.database)),
    )


@contextmanager
def started_session(
    alerts: Alerts, settings: LiveSettings, context: RunContext, ends_at: datetime
) -> Iterator[tuple[Session, LiveSession]]:
    """Start a session record, which says that it failed when the block raises."""
    name = settings.session_name(context.config.name)
    store, latch = session_store_of(settings), latch_of(settings)
    alerts.check()
    # Before the record is written over: each start is refused until a person has looked.
    require_recorded_halt(latch, store.read(name))
    started = Session.start(store, session=name, run_id=context.run_id, journal=context.journal)
    halt = TradingHalt(latch, run_id=context.run_id)
    session = LiveSession(started, alerts, halt=halt, ends_at=ends_at)
    try:
        context.record.live["predecessor"] = started.predecessor
        context.folder.write_manifest(context.record)
        yield started, session
    except BaseException as exc:
        is_halt = isinstance(exc, TradAIError) and exc.exit_code == ExitCode.HALTED
        session.end(str(exc), SessionState.HALTED if is_halt else SessionState.FAILED)
        raise
