"""The time of a stop: a deadline for each step, and whether all of them fit the stop grace."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self, final

from tradai.core.exceptions import ConfigurationError

DEFAULT_GRACE_S: Final = 30.0
LONGEST_GRACE_S: Final = 120.0
# Left for the process to end after its report, before the launcher kills it.
_RESERVE_S: Final = 5.0
_REQUEST_S: Final = 0.1
# A cancel, the look-up of a lost reply, and with a position the order that closes it.
_REQUESTS_PER_ORDER: Final = 3
_READS: Final = 3
# An engine that is killed at the end of its step is gone a little later.
_OVERRUN_S: Final = 0.5


@final
class StopStep(StrEnum):
    """A step of a stop, in their order."""

    PAUSE = "pause entries"
    STOP = "ask the engine to stop"
    WORD = "wait for its word"
    FLIGHT = "orders in flight"
    POLICY = "order policy"
    SETTLE = "two equal snapshots"
    END = "end the engine"
    RECONCILE = "reconcile"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StopBudget:
    """The seconds of a stop, and the least that each step needs of them.

    A step may use what the steps before it left, and nothing of what those after it need: each
    has a deadline of its own, whatever hangs.

    Attributes:
        total_s: Seconds of the whole stop.
        needs_s: Seconds that each step needs.
        in_flight_s: Seconds after the end of an engine in which an order of it may still arrive.
    """

    total_s: float
    needs_s: tuple[tuple[StopStep, float], ...]
    in_flight_s: float

    @classmethod
    def plan(
        cls,
        *,
        grace_s: float | None = None,
        wanted_s: float | None = None,
        open_orders: int,
        in_flight_s: float,
        request_s: float = _REQUEST_S,
    ) -> Self:
        """Split the stop grace.

        Time for orders in flight is set aside where there is enough: only an engine that does not
        say that it has stopped needs it, and without it the stop is not clean.

        Args:
            grace_s: Seconds between SIGTERM and SIGKILL of the launcher; absent means 30.
            wanted_s: The stop timeout of the run, when it was given; it may only shorten.
            open_orders: The most orders that the session can have open.
            in_flight_s: Seconds in which an order of an engine that was ended may still arrive.
            request_s: Seconds that a request to the exchange takes.

        Raises:
            ConfigurationError: The grace is too long, the timeout is longer than the grace allows,
                or the steps do not fit.
        """
        grace = DEFAULT_GRACE_S if grace_s is None else grace_s
        if not 0 < grace <= LONGEST_GRACE_S:
            message = f"the stop grace is {grace:g} s: expected at most {LONGEST_GRACE_S:g} s"
            raise ConfigurationError(message, key="TRADAI_RUN_STOP_GRACE_S")
        most = grace - _RESERVE_S
        if wanted_s is not None and wanted_s > most:
            message = (
                f"run.stop_timeout_s is {wanted_s:g}: the launcher kills this process {grace:g} s "
                f"after it asked it to stop, so expected at most {most:g}"
            )
            raise ConfigurationError(message, key="run.stop_timeout_s")
        total = most if wanted_s is None else wanted_s
        needs = _needs(open_orders, request_s)
        budget = cls(total_s=total, needs_s=needs, in_flight_s=in_flight_s)
        if budget.needed_s > total:
            message = (
                f"a stop with {open_orders} open orders may take {budget.needed_s:.1f} s, and has "
                f"{total:g} s: give a longer stop grace (TRADAI_RUN_STOP_GRACE_S, which the "
                "launcher must grant) or let the strategy have fewer orders"
            )
            raise ConfigurationError(message, key="TRADAI_RUN_STOP_GRACE_S")
        flight = StopStep.FLIGHT, in_flight_s + _OVERRUN_S
        patient = replace(budget, needs_s=(*needs, flight))
        return patient if patient.needed_s <= total else budget

    @property
    def needed_s(self) -> float:
        """Seconds that all steps need."""
        return sum(seconds for _, seconds in self.needs_s)

    def need_s(self, step: StopStep) -> float:
        """Return the least that `step` needs."""
        return dict(self.needs_s).get(step, 0.0)

    def deadline_s(self, ahead: Collection[StopStep]) -> float:
        """Return how many seconds after its beginning the stop must have come to `ahead`."""
        return self.total_s - sum(self.need_s(step) for step in ahead)


def _needs(open_orders: int, request_s: float) -> tuple[tuple[StopStep, float], ...]:
    return (
        (StopStep.PAUSE, 1.0),
        (StopStep.STOP, 1.0),
        # A turn of the engine's loop, which finishes the order it is about to place.
        (StopStep.WORD, 6.0),
        (StopStep.POLICY, (_READS + _REQUESTS_PER_ORDER * open_orders) * request_s),
        (StopStep.SETTLE, 1.0 + _READS * request_s),
        (StopStep.END, 4.0),
        (StopStep.RECONCILE, 1.0 + _READS * request_s),
    )
