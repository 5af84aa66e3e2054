"""A request to stop is noticed, whoever else looks at the signals and whenever it comes."""

import os
import signal

import pytest

from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._service.stop_request import StopRequest

# Private: through a service the moment between two looks cannot be hit.


class _LookedAt:
    """Signals of which one comes just when the watch asks for the number given."""

    def __init__(self, moment: int) -> None:
        self.interrupts = Interrupts()
        self._moment = moment

    @property
    def received(self) -> int | None:
        self._come()
        return self.interrupts.received

    @property
    def count(self) -> int:
        self._come()
        return self.interrupts.count

    def fileno(self) -> int:
        self._come()
        return self.interrupts.fileno()

    def _come(self) -> None:
        self._moment -= 1
        if self._moment == 0:
            os.kill(os.getpid(), signal.SIGTERM)


class _TakenFirst(_LookedAt):
    """Signals of which one comes, and is taken, just before the watch sleeps until one comes."""

    was_taken = False

    def fileno(self) -> int:
        descriptor = super().fileno()
        self.was_taken |= self.interrupts.received is not None
        return descriptor


@pytest.mark.parametrize("moment", range(1, 5))
def test_a_signal_counts_at_whatever_moment_of_the_watch_it_comes(moment: int) -> None:
    signals = _LookedAt(moment)
    reasons: list[str] = []
    request = StopRequest(
        # It has what the watch asks for.
        signals,  # type: ignore[arg-type]
        drain_s=600.0,
        on_request=reasons.append,
        on_overdue=lambda _: None,
    )

    with signals.interrupts, request:
        assert request.wait(60.0)

    assert reasons == ["SIGTERM asked to stop"]


def test_a_signal_counts_though_another_thread_looked_first() -> None:
    signals = _TakenFirst(moment=3)
    request = StopRequest(
        # It has what the watch asks for.
        signals,  # type: ignore[arg-type]
        drain_s=600.0,
        on_request=lambda _: None,
        on_overdue=lambda _: None,
    )

    with signals.interrupts, request:
        assert request.wait(60.0)

    assert signals.was_taken
