"""Lifecycle of a service: states, allowed transitions, and the present state."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, final

from tradai.core import Clock, ForkLock
from tradai.core.exceptions import ValidationError


@final
class ServiceState(StrEnum):
    """State of a service; it only moves forward."""

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
        # The only way to an end state, because all resources are closed on it.
        ServiceState.STOPPING: frozenset({ServiceState.STOPPED, ServiceState.FAILED}),
        ServiceState.STOPPED: frozenset(),
        ServiceState.FAILED: frozenset(),
    }
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceHealth:
    """Health of a service.

    Attributes:
        state: Present state.
        since: Start of this state, in UTC.
        detail: Reason for this state in a few words; may be empty.
    """

    state: ServiceState
    since: datetime
    detail: str = ""


@final
class Lifecycle:
    """Present state of one service; may be read and changed from any thread."""

    def __init__(self, *, clock: Clock, logger: logging.Logger) -> None:
        """Start as new; every change is logged to `logger`."""
        self._clock = clock
        self._logger = logger
        self._lock = ForkLock()
        self._health = ServiceHealth(state=ServiceState.NEW, since=clock.now())

    @property
    def health(self) -> ServiceHealth:
        """Present state, its start and its reason."""
        return self._health

    def move(self, to: ServiceState, *, detail: str = "") -> None:
        """Move to the state `to`.

        Raises:
            ValidationError: `SERVICE_TRANSITIONS` does not allow that from the present state.
        """
        if not self.try_move(to, detail=detail):
            raise _transition_error(self._health.state, to)

    def try_move(self, to: ServiceState, *, detail: str = "") -> bool:
        """Move to the state `to` if that is allowed; return whether it was."""
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


def _transition_error(state: ServiceState, to: ServiceState) -> ValidationError:
    allowed = ", ".join(sorted(SERVICE_TRANSITIONS[state]))
    advice = f"it can become {allowed}" if allowed else "it has ended, create a new one"
    return ValidationError(
        f"a service that is {state.value} cannot become {to.value}: {advice}",
        field="state",
        expected=allowed or None,
    )
