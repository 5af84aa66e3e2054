"""A clock that only a test moves."""

from typing import final


@final
class VirtualClock:
    """Clock that stands still until `advance` is called."""

    def __init__(self) -> None:
        """Start at zero."""
        self.now_s = 0.0

    def __call__(self) -> float:
        """Return the seconds since the start."""
        return self.now_s

    def advance(self, by_s: float) -> None:
        """Move forward by `by_s` seconds."""
        self.now_s += by_s
