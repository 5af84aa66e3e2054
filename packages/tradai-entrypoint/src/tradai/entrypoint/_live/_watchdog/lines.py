"""Lines that the watchdog's parent writes: what to watch, how long, and the end of the watch."""

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CHUNK_BYTES = 65_536


class ParentLines:
    """The lines of a pipe, read without waiting.

    Attributes:
        is_over: Whether the parent has closed it, as its end does.
    """

    def __init__(self, descriptor: int) -> None:
        """Read from `descriptor`."""
        self.is_over = False
        self._descriptor = descriptor
        self._rest = b""
        os.set_blocking(descriptor, False)

    def fileno(self) -> int:
        """Return the descriptor, to wait for."""
        return self._descriptor

    def read(self) -> list[bytes]:
        """Return the whole lines that have come."""
        while not self.is_over:
            try:
                chunk = os.read(self._descriptor, _CHUNK_BYTES)
            except BlockingIOError:
                break
            self._rest += chunk
            self.is_over = not chunk
        *lines, self._rest = self._rest.split(b"\n")
        return lines


class ParentWord:
    """The parent's word on how long the engine may live, by the clock that both have.

    Attributes:
        until_s: Instant at which the engine is ended.
        is_relieved: Whether the watch is over.
    """

    def __init__(self, until_s: float) -> None:
        """Start with a first deadline."""
        self.until_s = until_s
        self.is_relieved = False

    def take(self, line: bytes) -> None:
        """Take a line; one that is not understood changes nothing."""
        word, _, rest = line.partition(b" ")
        if word == b"stand_down":
            self.is_relieved = True
        elif word == b"feed":
            self.until_s = float(rest)


def facts_line(facts: "dict[str, Any]") -> bytes:
    """Return the first line, with the keys in it."""
    return json.dumps(facts).encode() + b"\n"


def feed_line(until_s: float) -> bytes:
    """Return the line that lets the engine live until an instant of `SystemClock`."""
    return f"feed {until_s!r}\n".encode()


STAND_DOWN = b"stand_down\n"
QUESTION = b"answer\n"
