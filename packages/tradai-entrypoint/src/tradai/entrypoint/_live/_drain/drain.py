"""Stop a live session without losing an order: one sequence of steps, each with its deadline."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol, final

from tradai.core import WaitingClock
from tradai.core.exceptions import TradAIError
from tradai.core.live import OrderPolicy
from tradai.entrypoint._live._account.account import ExchangeOrder
from tradai.entrypoint._live._account.booked_order import BookedOrder
from tradai.entrypoint._live._account.books import newest_orders
from tradai.entrypoint._live._account.traded_account import TradedAccount
from tradai.entrypoint._live._drain.aftermath import Aftermath
from tradai.entrypoint._live._drain.budget import StopBudget, StopStep
from tradai.entrypoint._live._drain.order_changes import OrderChanges
from tradai.entrypoint._live._drain.order_policy import OrderPolicyRun, PolicyOutcome
from tradai.entrypoint._live._drain.report import DrainReport, DrainStep, open_orders_text
from tradai.entrypoint._live._drain.step_timer import StepTimer

_PAUSE_S: Final = 0.5


class StoppableEngine(Protocol):
    """An engine that trades; it may have ended by itself before any of these is called."""

    def pause_entries(self, timeout_s: float) -> bool:
        """Ask it to open no more positions; return whether it agreed."""
        ...

    def stop_trading(self, timeout_s: float) -> bool:
        """Ask it to stop trading once it has finished its turn; return whether it agreed."""
        ...

    def wait_until_stopped(self, timeout_s: float) -> bool:
        """Wait for its word that it has stopped trading, or for a signal."""
        ...

    def end(self, grace_s: float) -> bool:
        """End it by SIGTERM, and by SIGKILL after `grace_s`; return whether SIGTERM was enough."""
        ...

    def booked_orders(self) -> Sequence[BookedOrder]:
        """Read the orders of its database.

        Raises:
            StorageError: The database cannot be read.
        """
        ...


@final
class Drain:
    """The stop of one session.

    Without the engine's word that it stopped, the engine is ended before the orders are treated,
    and an order that was on its way then is waited for: else it could come behind the back of the
    policy.
    """

    # The parts of a stop; a group of some of them would be another name to learn.
    def __init__(  # noqa: PLR0913
        self,
        engine: StoppableEngine,
        account: TradedAccount,
        *,
        policy: OrderPolicy,
        budget: StopBudget,
        clock: WaitingClock,
        is_hurried: Callable[[], bool],
        has_exchange_stops: bool,
        began_s: float | None = None,
    ) -> None:
        """Prepare the stop; nothing is sent yet.

        Args:
            engine: The engine.
            account: Its account.
            policy: Treatment of open orders and positions.
            budget: Time of the stop.
            clock: Measures it.
            is_hurried: Says whether a second signal came: it shortens what is left.
            has_exchange_stops: Whether each position is to have a stop at the exchange.
            began_s: Time of `clock` from which the budget counts, such as that of a signal; by
                default that of `run`.
        """
        self._engine = engine
        self._account = account
        self._policy = policy
        self._budget = budget
        self._clock = clock
        self._is_hurried = is_hurried
        self._has_exchange_stops = has_exchange_stops
        self._began_s = began_s

    def run(self) -> DrainReport:
        """Stop the session, and report; it never raises for what engine or exchange do."""
        self._timer = timer = StepTimer(
            self._budget, self._clock, self._is_hurried, began_s=self._began_s
        )
        # No request outlasts its step, so none changes anything after the end of the budget.
        self._account.client.time.limit(lambda: timer.left_s)
        self._steps: list[DrainStep] = []
        self._problems: list[str] = []
        self._changes = OrderChanges(self._account, self._timer)
        self._before: tuple[ExchangeOrder, ...] = ()
        self._outcome = PolicyOutcome()
        self._snapshot: tuple[ExchangeOrder, ...] | None = None
        has_stopped = self._stop_trading()
        if not has_stopped:
            self._do(StopStep.END, self._end)
        self._do(StopStep.FLIGHT, lambda: self._await_arrivals(has_stopped=has_stopped))
        self._do(StopStep.POLICY, self._apply_policy)
        self._do(StopStep.SETTLE, self._settle)
        if has_stopped:
            self._do(StopStep.END, self._end)
        self._aftermath = Aftermath(
            self._account, before=self._before, outcome=self._outcome, changes=self._changes
        )
        self._do(StopStep.RECONCILE, self._reconcile)
        return self._report()

    def _stop_trading(self) -> bool:
        """Return whether the engine said that it has stopped trading."""
        self._do(StopStep.PAUSE, lambda: _agreed(self._engine.pause_entries(self._timer.left_s)))
        said = False

        def wait() -> str:
            nonlocal said
            said = self._engine.wait_until_stopped(self._timer.left_s)
            return "it has stopped trading" if said else "it did not say so in time"

        self._do(StopStep.STOP, lambda: _agreed(self._engine.stop_trading(self._timer.left_s)))
        self._do(StopStep.WORD, wait)
        return said

    def _end(self) -> str:
        is_clean = self._engine.end(self._timer.left_s)
        return "it ended" if is_clean else "it was killed"

    def _await_arrivals(self, *, has_stopped: bool) -> str:
        """Wait for an order that was on its way when the engine was ended."""
        if has_stopped:
            return "none: it has stopped trading"
        longest_s = self._budget.in_flight_s
        while self._timer.step_seconds < longest_s and not self._timer.is_over:
            self._timer.sleep(_PAUSE_S)
        if self._timer.step_seconds >= longest_s:
            return f"none can arrive {longest_s:g} s after its end"
        self._problems.append(
            "the engine did not say that it had stopped, so an order that it had sent may still "
            f"arrive, up to {longest_s:g} s after its end: look at the open orders and the newest "
            "trades of the account"
        )
        return "not waited for: no time was left"

    def _apply_policy(self) -> str:
        self._before = self._changes.read(self._account.open_orders)
        run = OrderPolicyRun(self._account, self._changes)
        self._outcome = run.cancel(self._policy, self._before)
        if self._policy is OrderPolicy.FLATTEN:
            self._flatten(run)
        return f"{len(self._outcome.ended)} cancelled, {len(self._outcome.closings)} closed"

    def _flatten(self, run: OrderPolicyRun) -> None:
        seen, booked = (*self._before, *self._outcome.ended), self._engine.booked_orders()
        balances = self._changes.read(self._account.balances)
        newest = self._changes.read(lambda: newest_orders(self._account, seen, booked, balances))
        closed = run.flatten(newest, booked, balances)
        self._outcome = PolicyOutcome(
            ended=self._outcome.ended + closed.ended, closings=closed.closings
        )

    def _settle(self) -> str:
        before: tuple[ExchangeOrder, ...] | None = None
        while not self._timer.is_over:
            try:
                now: tuple[ExchangeOrder, ...] | None = self._account.open_orders()
            except TradAIError:
                now = None
            if now is not None and now == before:
                self._snapshot = now
                return open_orders_text(len(now))
            before = now
            self._timer.sleep(_PAUSE_S)
        self._problems.append("the exchange did not show the same open orders twice in time")
        return "not reached"

    def _reconcile(self) -> str:
        if self._snapshot is None:
            self._problems.append("exchange and database were not compared")
            return "not done"
        self._aftermath.take(self._snapshot)
        snapshot, booked = self._snapshot, self._engine.booked_orders()
        self._changes.read(lambda: self._aftermath.compare(snapshot, booked))
        return "compared"

    def _do(self, step: StopStep, action: Callable[[], str]) -> None:
        """Do a step; its failure is a problem, and does not keep the next from being done."""
        self._timer.begin(step)
        try:
            outcome = action()
        except (TradAIError, OSError) as exc:
            outcome = f"failed: {exc}"
            self._problems.append(f"the step '{step}' failed: {exc}")
        self._steps.append(DrainStep(step=step, outcome=outcome, seconds=self._timer.step_seconds))

    def _report(self) -> DrainReport:
        after = self._aftermath
        unprotected = after.unprotected(is_required=self._has_exchange_stops)
        return DrainReport(
            policy=self._policy,
            steps=tuple(self._steps),
            cancelled=self._outcome.ended,
            closings=self._outcome.closings,
            left=after.left or (),
            left_positions=after.positions,
            unprotected=unprotected,
            reconciliation=after.reconciliation,
            problems=(*self._problems, *after.problems(self._policy, unprotected)),
        )


def _agreed(is_agreed: bool) -> str:  # noqa: FBT001 - the answer itself
    return "it agreed" if is_agreed else "it did not answer"
