"""The parts that supervise a live engine."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, final

from tradai.entrypoint._live._risk.risk_watch import RiskWatch
from tradai.entrypoint._live.heartbeat import Heartbeat
from tradai.entrypoint._live.lease_keeper import LeaseKeeper


class PausableEngine(Protocol):
    """An engine that an operator may pause."""

    def pause_entries(self) -> bool:
        """Ask it to open no more positions; return whether it agreed."""
        ...

    def resume_entries(self) -> bool:
        """Ask it to open positions again; return whether it agreed."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """The parts beside an engine: its lease and watchdog, its heartbeat, its risks, its control.

    Attributes:
        log_problem: Returns why its log counts as evidence no more; None while it does.
    """

    keeper: LeaseKeeper
    heartbeat: Heartbeat
    risks: RiskWatch
    engine: PausableEngine
    log_problem: Callable[[], str | None]
