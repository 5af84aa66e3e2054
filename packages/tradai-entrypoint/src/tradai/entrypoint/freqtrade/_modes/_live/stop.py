"""The means of a live session's stop: its time, account and verdict, and an engine that is gone."""

from collections.abc import Mapping, Sequence
from typing import Final, final

from tradai.core.exceptions import TradAIError
from tradai.entrypoint._live._account.booked_order import BookedOrder
from tradai.entrypoint._live._drain.budget import StopBudget
from tradai.entrypoint._live.live_session import LiveSession
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.database import EngineDatabase, booked_orders
from tradai.entrypoint.freqtrade._results.sqlite_file import DATABASE_NAME

# An order of a trade, and its stop at the exchange.
_ORDERS_PER_TRADE: Final = 2
# Of a session whose number of trades only the balance limits.
_MOST_TRADES: Final = 20


@final
class EndedEngine:
    """A `StoppableEngine` that has ended by itself: only its orders are left."""

    def __init__(self, database: EngineDatabase, *, has_stopped: bool) -> None:
        """Take the database that it has left, and whether it had stopped trading before."""
        self._database = database
        self._has_stopped = has_stopped

    def pause_entries(self, timeout_s: float) -> bool:
        """Return that it opens no more positions."""
        del timeout_s
        return True

    def stop_trading(self, timeout_s: float) -> bool:
        """Return that it places no more orders."""
        del timeout_s
        return True

    def wait_until_stopped(self, timeout_s: float) -> bool:
        """Return whether it had said that it stopped: else its last order may be on its way."""
        del timeout_s
        return self._has_stopped

    def end(self, grace_s: float) -> bool:
        """Return that nothing had to be killed."""
        del grace_s
        return True

    def booked_orders(self) -> Sequence[BookedOrder]:
        """Read the orders of its database."""
        return booked_orders(self._database)


def stop_budget(job: EngineJob, context: RunContext, *, grace_s: float) -> StopBudget:
    """Return the time of a stop within the launcher's `grace_s`.

    Raises:
        ConfigurationError: The stop does not fit.
    """
    parameters = context.parameters
    is_given = "stop_timeout_s" in parameters.model_fields_set
    return StopBudget.plan(
        grace_s=grace_s,
        wanted_s=parameters.stop_timeout_s if is_given else None,
        open_orders=_ORDERS_PER_TRADE * _most_trades(context),
        in_flight_s=job.plan.exchange.in_flight_s,
    )


def has_exchange_stops(job: EngineJob) -> bool:
    """Return whether each position is to have a stop at the exchange."""
    types = job.plan.config.get("order_types", job.facts.constants.get("order_types"))
    return isinstance(types, Mapping) and bool(types.get("stoploss_on_exchange"))


def _most_trades(context: RunContext) -> int:
    most = context.config.execution.max_open_trades
    return _MOST_TRADES if most is None or most < 0 else most


def keep_copy(database: EngineDatabase, context: RunContext) -> None:
    """Keep a copy of the trade database with the run; the session does not depend on it."""
    try:
        is_kept = database.copy_to(context.folder.path / DATABASE_NAME)
    except TradAIError as exc:
        context.record.notices.append(f"the run has no copy of the trades: {exc}")
    else:
        context.record.artifacts += [DATABASE_NAME] if is_kept else []


def not_clean(verdict: Verdict, found: Verdict, context: RunContext) -> Verdict:
    """Return `found`, which a person must look at whatever else was wrong."""
    if not verdict.is_success:
        context.record.notices.append(verdict.sentence)
    return found


def with_halt(session: LiveSession, verdict: Verdict, context: RunContext) -> Verdict:
    """Return the verdict on a halt of `session`, if there was one; a mismatch comes first."""
    halted = session.judge_halt()
    if halted is None:
        return verdict
    if verdict.exit_code is ExitCode.MISMATCH:
        return not_clean(halted, verdict, context)
    return not_clean(verdict, halted, context)
