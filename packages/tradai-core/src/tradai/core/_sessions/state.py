"""States of a trading session, their legal moves, and the statuses that the platform stores.

============  ==============================================================  ==========
state         may move to                                                     platform
============  ==============================================================  ==========
``starting``  ``warm-up``, ``draining``, ``stopped``, ``failed``, ``halted``  warmup
``warm-up``   ``running``, ``paused``, ``draining``, ``failed``               warmup
``running``   ``paused``, ``draining``, ``failed``                            running
``paused``    ``warm-up``, ``running``, ``draining``, ``failed``              paused
``draining``  ``stopped``, ``failed``, ``halted``                             running
``stopped``   final                                                           stopped
``failed``    final                                                           failed
``halted``    final                                                           terminated
============  ==============================================================  ==========

A session that trades is halted or stopped by way of ``draining`` only, so that no order is lost.
One that drains may have orders: the platform shows it as running, whose heartbeat it watches.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, final

from tradai.core.exceptions import ValidationError


@final
class TradingStatus(StrEnum):
    """Status of a trading session, under the names that the platform stores."""

    WARMUP = "warmup"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FAILED = "failed"
    TERMINATED = "terminated"


@final
class SessionState(StrEnum):
    """State of a trading session.

    Attributes:
        STARTING: Checks are made; no order is sent.
        WARM_UP: The engine starts, paused: it loads candles, and opens no position.
        RUNNING: Orders are sent.
        PAUSED: Positions are kept and closed by their rules; no position is opened.
        DRAINING: The engine is being stopped, and open orders are dealt with.
        STOPPED: The session has ended as it was asked to.
        FAILED: The session has ended by an error.
        HALTED: The session has ended by a halt, which a person must clear.
    """

    STARTING = "starting"
    WARM_UP = "warm-up"
    RUNNING = "running"
    PAUSED = "paused"
    DRAINING = "draining"
    STOPPED = "stopped"
    FAILED = "failed"
    HALTED = "halted"

    @property
    def is_final(self) -> bool:
        """Whether the session has ended; a final state never changes."""
        return not SESSION_MOVES[self]

    @property
    def status(self) -> TradingStatus:
        """Status that the platform's tables show for this state."""
        return _STATUSES[self]

    def move_to(self, state: "SessionState") -> "SessionState":
        """Return `state`.

        >>> SessionState.RUNNING.move_to(SessionState.DRAINING)
        <SessionState.DRAINING: 'draining'>

        Raises:
            ValidationError: A session in this state cannot move there, or is there already.
        """
        if state in SESSION_MOVES[self]:
            return state
        expected = ", ".join(sorted(SESSION_MOVES[self])) or "no move: it is final"
        message = f"a session that is {self} cannot become {state}: expected {expected}"
        raise ValidationError(message, field="state", expected=expected)


_STARTING, _WARM_UP, _RUNNING, _PAUSED, _DRAINING, _STOPPED, _FAILED, _HALTED = SessionState

SESSION_MOVES: Final[Mapping[SessionState, frozenset[SessionState]]] = MappingProxyType(
    {
        _STARTING: frozenset({_WARM_UP, _DRAINING, _STOPPED, _FAILED, _HALTED}),
        _WARM_UP: frozenset({_RUNNING, _PAUSED, _DRAINING, _FAILED}),
        _RUNNING: frozenset({_PAUSED, _DRAINING, _FAILED}),
        _PAUSED: frozenset({_WARM_UP, _RUNNING, _DRAINING, _FAILED}),
        _DRAINING: frozenset({_STOPPED, _FAILED, _HALTED}),
        _STOPPED: frozenset(),
        _FAILED: frozenset(),
        _HALTED: frozenset(),
    }
)

_STATUSES: Final[Mapping[SessionState, TradingStatus]] = MappingProxyType(
    {
        _STARTING: TradingStatus.WARMUP,
        _WARM_UP: TradingStatus.WARMUP,
        _RUNNING: TradingStatus.RUNNING,
        _PAUSED: TradingStatus.PAUSED,
        _DRAINING: TradingStatus.RUNNING,
        _STOPPED: TradingStatus.STOPPED,
        _FAILED: TradingStatus.FAILED,
        _HALTED: TradingStatus.TERMINATED,
    }
)
