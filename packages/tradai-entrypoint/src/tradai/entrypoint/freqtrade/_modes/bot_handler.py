"""The modes that trade until a signal; afterwards journal and database are compared."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, final

from tradai.core import JsonValue
from tradai.core.live import SessionState
from tradai.entrypoint._live._account.reconcile import OrderKey
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.exits import EngineExit, WakeReason
from tradai.entrypoint.freqtrade._engine.process import EngineProcess
from tradai.entrypoint.freqtrade._engine.records import EngineRecord
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl
from tradai.entrypoint.freqtrade._engine_keys.messages import EngineMessages
from tradai.entrypoint.freqtrade._evidence.engine_verdict import judge
from tradai.entrypoint.freqtrade._evidence.entry_orders import EntryOrders
from tradai.entrypoint.freqtrade._evidence.evidence import EngineEvidence
from tradai.entrypoint.freqtrade._evidence.liveness import Stall, StallCause
from tradai.entrypoint.freqtrade._evidence.log_patterns import facts_in
from tradai.entrypoint.freqtrade._modes.handler import EngineHandler
from tradai.entrypoint.freqtrade._modes.stall_watch import StallWatch
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.database import (
    EngineDatabase,
    entry_orders,
    has_tables,
    trade_figures,
)

# Between two beats of a session that starts or stops.
_SLICE_S: Final = 5.0

_ENDED_BY_ITSELF: Final = Verdict(
    exit_code=ExitCode.CRASHED,
    sentence="the bot ended without being asked to, as when a strategy calls sys.exit(): "
    "engine.log has more",
)
_CUT_OFF: Final = (
    "the engine was asked to stop, and interrupted because its work did not end in time, as when a "
    "strategy hangs: engine.log has its last lines"
)


class BotSession(Protocol):
    """A session of a bot; see `LiveSession` and `PaperSession`."""

    @property
    def stop_reason(self) -> str | None: ...

    def beat(self) -> None: ...
    def move(self, state: SessionState, reason: str) -> None: ...
    def note_stall(self, reason: str, *, has_stopped: bool) -> None: ...
    def note_recovery(self, reason: str) -> None: ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """The place where a bot trades, and the means.

    Attributes:
        name: Name by which `status` and `stop` find it.
        doing: Short text for people, such as ``trading on paper``.
        address: Address of the exchange; None is the exchange itself.
        database: Trade database, which outlives the engine.
        sections: Settings of the engine that belong to this process alone.
        session: Its session, which operators pause and stop.
        earlier_orders: Entry orders that the database had before.
    """

    name: str
    doing: str
    address: str | None
    database: EngineDatabase
    sections: Mapping[str, JsonValue] = field(default_factory=dict)
    session: BotSession | None = None
    earlier_orders: frozenset[OrderKey] = frozenset()

    def beat(self) -> None:
        """Keep the right to trade; see `LiveSession.beat`."""
        if self.session is not None:
            self.session.beat()

    def move(self, state: SessionState, reason: str) -> None:
        """Record a move of the session."""
        if self.session is not None:
            self.session.move(state, reason)

    def note_stall(self, stall: Stall) -> None:
        """Tell people that the bot stands still."""
        if self.session is not None:
            has_stopped = stall.cause is StallCause.STOPPED
            self.session.note_stall(stall.reason, has_stopped=has_stopped)

    def note_recovery(self, stall: Stall) -> None:
        """Tell people that the bot goes on."""
        if self.session is not None:
            self.session.note_recovery(stall.reason)

    @property
    def is_to_stop(self) -> bool:
        """Whether the session is to be stopped in good order."""
        return self.session is not None and self.session.stop_reason is not None


class BotHandler(EngineHandler):
    """Runs an engine that trades until a signal."""

    def _run_bot(self, job: EngineJob, context: RunContext, bot: Bot) -> Verdict:
        """Run `bot` to its end, and return the verdict on it."""
        self._bot = bot
        self._orders = EntryOrders()
        self._is_cut_off = False
        with EngineControl.reserved() as control:
            return self._run_engine(job, context, control)

    def _run_engine(self, job: EngineJob, context: RunContext, control: EngineControl) -> Verdict:
        bot, self._control = self._bot, control
        self._watch = StallWatch(job, context, control, bot)
        # Kept until the engine has ended, so that its log is masked.
        messages = EngineMessages.resolve(job.plan.config)
        sections = {**bot.sections, **control.config(), **messages.sections}
        with (
            job.running(bot.address, sections=sections, on_record=self._note_facts) as engine,
            self._supervising(engine, control),
        ):
            ended = self._trade(engine, job, control)
        self._notice_untrained(job.evidence)
        context.record.results["strategy_errors"] = job.evidence.strategy_errors.total
        verdict = judge(ended, job.evidence, result_present=True)
        is_stopped = ended.asked_to_stop or ended.interrupted_by is not None
        if verdict.is_success and not is_stopped:
            verdict = _ENDED_BY_ITSELF
        if verdict.is_success and self._is_cut_off:
            verdict = replace(verdict, sentence=_CUT_OFF)
        verdict = self._compare_orders(verdict, context)
        context.journal.append("engine ended", return_code=ended.return_code)
        return self._watch.judged(verdict)

    def _note_facts(self, record: EngineRecord) -> None:
        self._take(facts_in(record))

    def _take(self, facts: Mapping[str, str]) -> None:
        """Take facts from the engine's log."""
        if "state" in facts:
            # The engine waits for its API to listen before its bot has a state.
            self._control.open()
        self._watch.take(facts)
        for event, details in self._orders.take(facts):
            self._entrypoint.context.journal.append(event, **details)

    def _trade(self, engine: EngineProcess, job: EngineJob, control: EngineControl) -> EngineExit:
        """Follow the engine until it ends, is to be stopped, or has not started in time."""
        context = self._entrypoint.context
        context.progress.say("engine: starting")
        reason = self._follow(
            engine,
            lambda: self._has_started(job.evidence),
            timeout_s=context.parameters.start_deadline_s,
        )
        if reason is WakeReason.TIMEOUT or job.evidence.taken_port is not None:
            return self._not_started(engine, job, control)
        if reason is WakeReason.REACHED and not self._bot.is_to_stop:
            with engine.storing():
                context.journal.append("engine running")
            if job.evidence.dropped:
                # It would trade without these pairs, and the configuration asks for all of them.
                return self._without_pairs(engine, job, control)
            self._bot.move(SessionState.WARM_UP, "the engine is running")
            # A log may have this line alone until the bot ends.
            context.progress.milestone(
                f"engine: {self._bot.doing}, Ctrl-C stops it", detail=_ways_to_ask(self._bot.name)
            )
            reason = self._watch.follow(engine)
        if reason is WakeReason.EXITED:
            return self._ended(engine, job)
        context.progress.say("engine: stopping")
        return self._stop(engine, job, control)

    def _has_started(self, evidence: EngineEvidence) -> bool:
        """Return whether the start is over, be it for the reason that it failed."""
        has_failed = evidence.taken_port is not None
        return evidence.is_running or self._bot.is_to_stop or has_failed

    def _supervising(
        self, engine: EngineProcess, control: EngineControl
    ) -> AbstractContextManager[None]:
        """Return a block in which the engine is supervised; on paper nothing is at stake."""
        del engine, control
        return nullcontext()

    def _ended(self, engine: EngineProcess, job: EngineJob) -> EngineExit:
        """Return the end of an engine that ended by itself."""
        del job
        return engine.wait(self._entrypoint.context.interrupts)

    def _not_started(
        self, engine: EngineProcess, job: EngineJob, control: EngineControl
    ) -> EngineExit:
        """End an engine that has not started in time."""
        del job, control
        return engine.wait(self._entrypoint.context.interrupts, deadline_s=0.0)

    def _without_pairs(
        self, engine: EngineProcess, job: EngineJob, control: EngineControl
    ) -> EngineExit:
        """End an engine that has left out a pair."""
        del job, control
        context = self._entrypoint.context
        return engine.stop(context.interrupts, grace_s=context.parameters.stop_timeout_s)

    def _stop(self, engine: EngineProcess, job: EngineJob, control: EngineControl) -> EngineExit:
        """Let the engine finish its work, then end it; a second signal or the time limit cuts."""
        context = self._entrypoint.context
        limit_s = context.parameters.stop_timeout_s
        is_pausing = job.evidence.is_running and control.stop_trading()
        with engine.storing():
            context.journal.append(
                "engine stopping", signal=context.interrupts.received, is_pausing=is_pausing
            )
        if is_pausing:
            reason = self._follow(engine, lambda: job.evidence.is_stopped, timeout_s=limit_s)
            self._is_cut_off = reason is WakeReason.TIMEOUT
        return engine.stop(context.interrupts, grace_s=limit_s)

    def _follow(
        self, engine: EngineProcess, until: Callable[[], bool], *, timeout_s: float
    ) -> WakeReason:
        """Follow the engine for a limited time, in slices between which the session beats."""
        interrupts, deadline = self._entrypoint.context.interrupts, time.monotonic() + timeout_s
        while True:
            self._bot.beat()
            left_s = max(0.0, deadline - time.monotonic())
            reason = engine.follow(interrupts, until=until, timeout_s=min(left_s, _SLICE_S))
            if reason is not WakeReason.TIMEOUT or left_s <= _SLICE_S:
                return reason

    def _notice_untrained(self, evidence: EngineEvidence) -> None:
        if evidence.untrained:
            pairs = ", ".join(sorted(evidence.untrained_pairs))
            notice = f"models could not be trained ({pairs}), the last: {evidence.untrained[-1]}"
            self._entrypoint.context.record.notices.append(notice)

    def _compare_orders(self, verdict: Verdict, context: RunContext) -> Verdict:
        database = self._bot.database
        kept = self._orders.kept
        stored = entry_orders(database) - self._bot.earlier_orders
        figures = trade_figures(database, context.config.stake_currency)
        if (kept or self._bot.earlier_orders) and not has_tables(database):
            # The database was removed while the bot traded: zeros would be wrong.
            figures = dict.fromkeys(figures)
        context.record.results |= figures | {
            "orders_in_journal": len(kept) + len(self._orders.removed),
            "orders_in_database": len(stored),
            "orders_removed": len(self._orders.removed),
        }
        different = sorted(order_id for _, order_id in kept ^ stored)
        # An order that the copy lacks may be in the original.
        context.folder.needs_scratch = bool(kept - stored)
        if not different or not verdict.is_success:
            return verdict
        return Verdict(
            exit_code=ExitCode.MISMATCH,
            sentence=f"after the stop, journal and database disagree on {len(different)} orders, "
            f"the first {different[0]}: compare journal.jsonl in {context.folder.path} and "
            f"{database}",
        )


def _ways_to_ask(name: str) -> str:
    return (
        f"ask it with `tradai-entrypoint status {name}`, and stop it from elsewhere with "
        f"`tradai-entrypoint stop {name} --reason TEXT`"
    )
