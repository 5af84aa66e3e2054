"""The parts that supervise a live engine."""

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


class EngineLog(Protocol):
    """The log of an engine, which risks are counted from.

    Attributes:
        problem: Sentence that says why nothing can be counted from it; None while it can.
    """

    @property
    def problem(self) -> str | None: ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """The parts beside an engine: lease and watchdog, heartbeat, risks, control and log."""

    keeper: LeaseKeeper
    heartbeat: Heartbeat
    risks: RiskWatch
    engine: PausableEngine
    log: EngineLog
