"""A request to stop is noticed at any moment, also when another thread reads the signals."""

import os
import signal

import pytest

from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._service.stop_request import StopRequest

# Private: through a service the moment between two looks cannot be hit.


class _CountedInterrupts:
    """Interrupts of which one arrives when the watch reads the property for the nth time."""

    def __init__(self, moment: int) -> None:
        self.interrupts = Interrupts()
        self._moment = moment

    @property
    def received(self) -> int | None:
        self._count_down()
        return self.interrupts.received

    @property
    def count(self) -> int:
        self._count_down()
        return self.interrupts.count

    def fileno(self) -> int:
        self._count_down()
        return self.interrupts.fileno()

    def _count_down(self) -> None:
        self._moment -= 1
        if self._moment == 0:
            os.kill(os.getpid(), signal.SIGTERM)


class _TakenFirst(_CountedInterrupts):
    """Read a signal in place of the watch, just before the watch sleeps."""

    was_taken = False

    def fileno(self) -> int:
        descriptor = super().fileno()
        self.was_taken |= self.interrupts.received is not None
        return descriptor


@pytest.mark.parametrize("moment", range(1, 5))
def test_a_signal_counts_at_any_moment_of_the_watch(moment: int) -> None:
    signals = _CountedInterrupts(moment)
    reasons: list[str] = []
    request = StopRequest(
        # It has the attributes that the watch reads.
        signals,  # type: ignore[arg-type]
        drain_s=600.0,
        on_request=reasons.append,
        on_overdue=lambda _: None,
    )

    with signals.interrupts, request:
        assert request.wait(60.0)

    assert reasons == ["SIGTERM asked to stop"]


def test_a_signal_counts_though_another_thread_read_it_first() -> None:
    signals = _TakenFirst(moment=3)
    request = StopRequest(
        # It has the attributes that the watch reads.
        signals,  # type: ignore[arg-type]
        drain_s=600.0,
        on_request=lambda _: None,
        on_overdue=lambda _: None,
    )

    with signals.interrupts, request:
        assert request.wait(60.0)

    assert signals.was_taken
