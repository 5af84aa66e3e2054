"""The attempt that this thread makes: its deadline, and whether the request has left."""

import socket
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, final

from tradai.mlflow._http.deadline import Deadline

# A server that is silent for longer has most likely lost the connection, whatever the deadline.
STALL_S: Final = 30.0


@final
@dataclass(slots=True)
class Attempt:
    """One request on its way.

    Attributes:
        deadline: End of the operation.
        may_run_twice: Whether the server may carry the request out twice.
        was_sent: Whether any byte of the request has left, so that the server may act on it.
    """

    deadline: Deadline
    may_run_twice: bool = True
    was_sent: bool = False

    def wait_s(self) -> float:
        """Return the seconds that the next step on the wire may take.

        That is `STALL_S` at most. But a server that is only slow carries a request out after its
        caller gave up, so one that must not be carried out twice is waited for longer: for half of
        the time that is left, if that is more.

        Raises:
            TimeoutError: The deadline is over.
        """
        left = self.deadline.left_s
        if left <= 0:
            message = "the deadline is over"
            raise TimeoutError(message)
        is_last_try = self.was_sent and not self.may_run_twice
        return min(left, max(STALL_S, left / 2) if is_last_try else STALL_S)

    def bound(self, wire: socket.socket) -> None:
        """Have the next step on `wire` end with the deadline."""
        wire.settimeout(self.wait_s())


# Connections are made and read deep inside urllib3, which hands no deadline through.
CURRENT: Final[ContextVar[Attempt]] = ContextVar("attempt")
