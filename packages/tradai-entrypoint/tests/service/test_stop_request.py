"""A request to stop is noticed at any moment, also when another thread reads the signals."""

import os
import signal
import threading

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


@pytest.mark.parametrize("moment", range(1, 5))
def test_a_signal_counts_at_any_moment_of_the_watch(moment: int) -> None:
    signals = _CountedInterrupts(moment)
    reasons: list[str] = []
    request = StopRequest(
        # It has the attributes that the watch reads.
        signals,  # type: ignore[arg-type]
        drain_s=30.0,
        on_request=reasons.append,
        on_overdue=lambda _: None,
    )

    with signals.interrupts, request:
        assert request.wait(20.0)

    assert reasons == ["SIGTERM asked to stop"]


def test_a_signal_counts_though_another_thread_read_it_first() -> None:
    interrupts = Interrupts()
    request = StopRequest(
        interrupts, drain_s=30.0, on_request=lambda _: None, on_overdue=lambda _: None
    )
    looks = threading.Event()

    def look() -> None:
        while not looks.is_set():
            _ = interrupts.received

    thread = threading.Thread(target=look)
    with interrupts, request:
        thread.start()
        os.kill(os.getpid(), signal.SIGTERM)
        assert request.wait(20.0)
        looks.set()
        thread.join()
