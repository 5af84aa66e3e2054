"""A clock that can pause."""

from typing import Protocol


class PollClock(Protocol):
    """Seconds since some instant, and pauses; tests use `tradai.aws.testing.VirtualClock`."""

    def __call__(self) -> float:
        """Return the seconds since some instant; they never go back."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Pause for `seconds`."""
        ...
