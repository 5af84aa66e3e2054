"""DRY_RUN: paper trading until a signal."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, final

from tradai.core import utc_now
from tradai.core.live import SessionState
from tradai.entrypoint._live._account.reconcile import OrderKey
from tradai.entrypoint._paper.paper_session import PaperSession
from tradai.entrypoint._paper.paper_status import PaperStatus
from tradai.entrypoint._process.exit_codes import Verdict
from tradai.entrypoint._runs._bias.bias_checks import add_bias_notices, bias_notices
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint._store.names import STATUS_NAME
from tradai.entrypoint.freqtrade._engine.process import EngineProcess
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl
from tradai.entrypoint.freqtrade._exchange.exchange import MarketRules
from tradai.entrypoint.freqtrade._exchange.market_server import MarketServer
from tradai.entrypoint.freqtrade._exchange.markets import MarketsSnapshot
from tradai.entrypoint.freqtrade._modes.bot_handler import Bot, BotHandler
from tradai.entrypoint.freqtrade._modes.engine_interface import check_interface, show_interface
from tradai.entrypoint.freqtrade._modes.paper_report import PaperReport
from tradai.entrypoint.freqtrade._modes.takeover import pause_notices, take_over, was_paused
from tradai.entrypoint.freqtrade._pages.paper_page import paper_parts
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.database import entry_orders
from tradai.entrypoint.freqtrade._results.sqlite_file import DATABASE_NAME, SqliteFile

_log: Final = logging.getLogger(__name__)
# The fallback places no order, so no rule of its market matters.
_ANY_RULES: Final = MarketRules(tick="0.01", step="0.00001", min_notional="5")
_IDLE: Final = "running the built-in strategy, which places no order"


@final
class DryRunHandler(BotHandler):
    """Runs the engine's paper trading until a signal."""

    def _judged(self, job: EngineJob, context: RunContext) -> Verdict:
        _warn_of_bias(context)
        verdict = super()._judged(job, context)
        add_bias_notices(context.folder.path.parent, context.record)
        context.record.notices += pause_notices(context)
        _report(context)
        return verdict

    def _run_job(self, job: EngineJob, context: RunContext) -> Verdict:
        check_interface(context.engine_api)
        self._job = job
        database = SqliteFile(context.folder.path / DATABASE_NAME)
        earlier: frozenset[OrderKey] = frozenset()
        if context.continues is not None:
            earlier = frozenset(entry_orders(take_over(context.continues, context)))
            # From here on the trades go on in the copy, which is in the scratch folder.
            context.folder.needs_scratch = True
        self._is_paused = was_paused(context.folder.path)
        self._session = PaperSession.start(
            context.folder.scratch,
            run_id=context.run_id,
            journal=context.journal,
            starts_paused=self._is_paused,
        )
        try:
            return self._trade_on_paper(job, context, database, earlier)
        except BaseException as exc:
            self._session.move(SessionState.FAILED, str(exc))
            raise

    def _trade_on_paper(
        self,
        job: EngineJob,
        context: RunContext,
        database: SqliteFile,
        earlier: frozenset[OrderKey],
    ) -> Verdict:
        with _exchange_address(context) as address:
            bot = Bot(
                name=context.run_id,
                doing=_IDLE if context.record.is_fallback else "trading on paper",
                address=address,
                database=database,
                sections={"initial_state": "paused"} if self._is_paused else {},
                session=self._session,
                earlier_orders=earlier,
            )
            verdict = self._session.verdict(self._run_bot(job, context, bot))
        is_stopped = verdict.is_success
        self._session.move(SessionState.DRAINING, verdict.sentence)
        final = SessionState.STOPPED if is_stopped else SessionState.FAILED
        self._session.move(final, verdict.sentence)
        return verdict

    @contextmanager
    def _supervising(self, engine: EngineProcess, control: EngineControl) -> Iterator[None]:
        """Let operators ask, pause and stop the bot beside the engine."""
        del engine
        context = self._entrypoint.context
        report = PaperReport(self._job, context, control, self._watch)
        evidence = self._job.evidence
        self._session.supervise(control, control.last_loop_s, report, lambda: evidence.state)
        show_interface(context.engine_api, control)
        yield


def _warn_of_bias(context: RunContext) -> None:
    """Tell people at once: a dry-run may go on for weeks before its notices are printed."""
    found = bias_notices(context.folder.path.parent, context.record)
    context.record.notices += found
    for notice in found:
        _log.warning("the strategy source is biased", extra={"reason": notice})


def _report(context: RunContext) -> None:
    """Make the mode's part of the report, and keep the last status of a bot with positions."""
    database = SqliteFile(context.folder.path / DATABASE_NAME)
    if not database.path.exists():
        return
    status = PaperStatus.read(context.folder.scratch)
    if status is not None and status.open_trades:
        status.write(context.folder.path)
        context.record.artifacts.append(STATUS_NAME)
    context.report = paper_parts(
        database, context.folder.path, context.record, at=utc_now(), data=None
    )


@contextmanager
def _exchange_address(context: RunContext) -> Iterator[str | None]:
    """Return the address of the exchange, None for its own; the fallback has one on this machine.

    Without a configuration it is not known which exchange was meant.
    """
    address = context.parameters.exchange_url
    if address is not None or not context.record.is_fallback:
        yield address
        return
    rules = {str(pair): _ANY_RULES for pair in context.config.pairs}
    snapshot = MarketsSnapshot.made(rules, note="of the fallback", captured_at=utc_now())
    with MarketServer(snapshot) as server:
        yield server.base_url
