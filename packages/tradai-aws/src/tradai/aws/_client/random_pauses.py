"""Lengths of pauses before a request is repeated, of all services."""

import random
from typing import final


@final
class RandomPauses:
    """Random lengths of pauses, each up to three times the one before.

    Being random, they keep apart callers that were refused together.
    """

    def __init__(self, *, first_s: float, longest_s: float) -> None:
        """Begin with up to three times `first_s`, and never exceed `longest_s`."""
        self._first_s = first_s
        self._longest_s = longest_s
        self.reset()

    def reset(self) -> None:
        """Begin again, after a success."""
        self._last_s = self._first_s

    def next_s(self) -> float:
        """Return the seconds of the next pause."""
        longest = min(self._longest_s, 3 * self._last_s)
        # Chance spreads load here, and guards no secret (S311).
        self._last_s = random.uniform(min(self._first_s, longest), longest)  # noqa: S311
        return self._last_s
