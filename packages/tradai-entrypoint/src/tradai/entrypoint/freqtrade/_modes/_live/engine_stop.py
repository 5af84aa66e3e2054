"""The engine of a live session, as the drain stops it."""

import signal
import time
from collections.abc import Sequence
from typing import Final, final

from tradai.entrypoint._live._account.booked_order import BookedOrder
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint.freqtrade._engine.exits import EngineExit, WakeReason
from tradai.entrypoint.freqtrade._engine.process import EngineProcess
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl
from tradai.entrypoint.freqtrade._evidence.evidence import EngineEvidence
from tradai.entrypoint.freqtrade._results.database import EngineDatabase, booked_orders

# A request without any time is not sent.
_LEAST_S: Final = 0.05
# An engine that starts cannot be asked yet, or forgets that it was.
_ASKED_EVERY_S: Final = 1.0


@final
class LiveEngineStop:
    """A `StoppableEngine`: the child process, its REST API and its log.

    Attributes:
        exit: The end of the engine; None while it runs.
    """

    def __init__(
        self,
        engine: EngineProcess,
        control: EngineControl,
        evidence: EngineEvidence,
        *,
        interrupts: Interrupts,
        database: EngineDatabase,
    ) -> None:
        """Stop `engine`; `interrupts` are the signals to this process."""
        self._engine = engine
        self._control = control
        self._evidence = evidence
        self._interrupts = interrupts
        self._database = database
        self.exit: EngineExit | None = None

    def pause_entries(self, timeout_s: float) -> bool:
        """Ask it to open no more positions; one that has stopped is not asked."""
        # A pause would start it again.
        if self._evidence.has_stopped_itself:
            return True
        return self._control.pause_entries(timeout_s=max(_LEAST_S, timeout_s))

    def stop_trading(self, timeout_s: float) -> bool:
        """Ask it to stop trading once it has finished its turn."""
        return self._control.stop_trading(timeout_s=max(_LEAST_S, timeout_s))

    def wait_until_stopped(self, timeout_s: float) -> bool:
        """Follow its log until it says that it has stopped trading, or a second signal comes."""
        deadline = time.monotonic() + timeout_s
        while True:
            left_s = max(0.0, deadline - time.monotonic())
            reason = self._engine.follow(
                self._interrupts,
                until=lambda: self._evidence.is_stopped,
                timeout_s=min(left_s, _ASKED_EVERY_S),
            )
            if reason is WakeReason.TIMEOUT and left_s > _ASKED_EVERY_S:
                self.stop_trading(min(_ASKED_EVERY_S, left_s - _ASKED_EVERY_S))
            elif not self._is_to_go_on(reason):
                return reason is WakeReason.REACHED

    def _is_to_go_on(self, reason: WakeReason) -> bool:
        """Return whether a full disk, which is reported once, or a first signal ended the wait."""
        is_first = reason is WakeReason.INTERRUPTED and self._interrupts.count <= 1
        return is_first or reason is WakeReason.STORAGE

    def end(self, grace_s: float) -> bool:
        """End it by SIGTERM, and by SIGKILL after `grace_s`."""
        self.exit = self._engine.stop(self._interrupts, grace_s=grace_s)
        return self.exit.signal != signal.SIGKILL

    def booked_orders(self) -> Sequence[BookedOrder]:
        """Read the orders of its database."""
        return booked_orders(self._database)
