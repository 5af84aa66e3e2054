"""The life of a service: its states, which may follow which, and where one service is."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, final

from tradai.core import Clock
from tradai.core.exceptions import ValidationError

__all__ = ["SERVICE_TRANSITIONS", "Lifecycle", "ServiceHealth", "ServiceState"]


@final
class ServiceState(StrEnum):
    """Where a service is in its life; a state only ever moves forward."""

    NEW = "new"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


SERVICE_TRANSITIONS: Final[Mapping[ServiceState, frozenset[ServiceState]]] = MappingProxyType(
    {
        ServiceState.NEW: frozenset({ServiceState.STARTING}),
        ServiceState.STARTING: frozenset({ServiceState.RUNNING, ServiceState.STOPPING}),
        ServiceState.RUNNING: frozenset({ServiceState.STOPPING}),
        # The only way to an end: whatever happened, everything is given back on it.
        ServiceState.STOPPING: frozenset({ServiceState.STOPPED, ServiceState.FAILED}),
        ServiceState.STOPPED: frozenset(),
        ServiceState.FAILED: frozenset(),
    }
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceHealth:
    """What a service says about itself.

    Attributes:
        state: Where it is in its life.
        since: When it came there, in UTC.
        detail: Why it is there, in a few words; empty when there is nothing to say.
    """

    state: ServiceState
    since: datetime
    detail: str = ""


@final
class Lifecycle:
    """Where one service is in its life; may be asked and moved from any thread."""

    def __init__(self, *, clock: Clock, logger: logging.Logger) -> None:
        """Begin as new; every change is logged to `logger`."""
        self._clock = clock
        self._logger = logger
        self._lock = threading.Lock()
        self._health = ServiceHealth(state=ServiceState.NEW, since=clock.now())

    @property
    def health(self) -> ServiceHealth:
        """Where the service is, since when, and why."""
        return self._health

    def move(self, to: ServiceState, *, detail: str = "") -> None:
        """Go on to the state `to`.

        Raises:
            ValidationError: `SERVICE_TRANSITIONS` does not lead there from here.
        """
        if not self.try_move(to, detail=detail):
            raise _illegal(self._health.state, to)

    def try_move(self, to: ServiceState, *, detail: str = "") -> bool:
        """Go on to the state `to` if that is legal from here; return whether it was."""
        with self._lock:
            before = self._health.state
            if to not in SERVICE_TRANSITIONS[before]:
                return False
            self._health = ServiceHealth(state=to, since=self._clock.now(), detail=detail)
        self._logger.info(
            "service state changed",
            extra={"state": to.value, "state_before": before.value, "detail": detail},
        )
        return True


def _illegal(state: ServiceState, to: ServiceState) -> ValidationError:
    legal = ", ".join(sorted(SERVICE_TRANSITIONS[state]))
    advice = f"from there it goes to {legal}" if legal else "its life is over, make a new one"
    return ValidationError(
        f"a service that is {state.value} cannot become {to.value}: {advice}",
        field="state",
        expected=legal or None,
    )
