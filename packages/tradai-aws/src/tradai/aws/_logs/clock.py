"""A clock that can pause."""

from typing import Protocol

from tradai.core import Utc


class WaitingClock(Protocol):
    """Clock that a job runner waits by; tests use `tradai.aws.testing.VirtualClock`."""

    def __call__(self) -> float:
        """Return the seconds since some instant; they never go back."""
        ...

    def now(self) -> Utc:
        """Return the present instant."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Pause for `seconds`."""
        ...
