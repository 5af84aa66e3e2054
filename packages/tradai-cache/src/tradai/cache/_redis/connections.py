"""Bounded connection pool for threads; a connection has one command at a time."""

import inspect
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Final, TypeAlias, final

import redis
from redis.exceptions import RedisError

from tradai.cache._redis.commands import Part
from tradai.cache._redis.connection_options import Answer
from tradai.cache._redis.errors import is_disconnect, is_error_reply

# Called after a wait for a connection, in which an outage may have begun.
Check: TypeAlias = Callable[[], None]
# A pool of redis-py, which is typed in parts only.
Pool: TypeAlias = Any

# With the listener and a connection that it synchronises by, 32 for a service of tasks.
MAX_CONNECTIONS: Final = 30
# Releases of redis-py before 5.3 demand the name of a command, and later ones warn about it.
COMMAND_NAME: Final = (
    ("EVAL",)
    if inspect.signature(redis.ConnectionPool.get_connection).parameters["command_name"].default
    is inspect.Parameter.empty
    else ()
)


def no_check() -> None:
    """Use a connection in any case."""


@final
class ConnectionPool:
    """Connections for threads; a call waits for one while all are in use.

    The wait ends, because every use of a connection does, and `check` ends the call in an outage.
    """

    def __init__(self, make: Callable[[], Pool]) -> None:
        """Make a pool of redis-py with `make`."""
        self._make = make
        self._pool: Pool
        self.abandon()

    def execute(self, *command: Part, check: Check = no_check) -> Answer:
        """Return the answer to one command; a command of one part is sent as it is.

        A connection may have been cut while it was idle: then a new one is tried, once. So a
        command may run twice, which is harmless for every command used here.

        Raises:
            RedisError: Redis answered with an error, or not in time.
        """
        slot = self._slots.get()
        try:
            check()
            try:
                return self._execute(command)
            except RedisError as exc:
                if not is_disconnect(exc):
                    raise
            return self._execute(command)
        finally:
            self._slots.put(slot)

    def renew(self) -> None:
        """Make new connections from now on, and close the idle ones."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.disconnect(inuse_connections=False)

    def abandon(self) -> None:
        """Start anew in a forked process: its parent goes on using the connections."""
        self._lock = threading.Lock()
        # Faster than a semaphore, which is written in Python.
        self._slots: SimpleQueue[None] = SimpleQueue()
        for _ in range(MAX_CONNECTIONS):
            self._slots.put(None)
        self._pool = None

    def _execute(self, command: tuple[Part, ...]) -> Answer:
        pool = self._pool or self._begin()
        connection = pool.get_connection(*COMMAND_NAME)
        try:
            send(connection, command)
            return connection.read_response()
        except BaseException as exc:
            # Also when interrupted: no other command may read the pending answer.
            if not (isinstance(exc, Exception) and is_error_reply(exc)):
                connection.disconnect()
            raise
        finally:
            pool.release(connection)

    def _begin(self) -> Pool:
        with self._lock:
            if self._pool is None:
                self._pool = self._make()
            return self._pool


# The result is awaitable for a connection of redis.asyncio.
def send(connection: Any, command: tuple[Part, ...]) -> Any:  # noqa: ANN401
    """Send a command; one of a single part is in wire format already."""
    if len(command) == 1:
        return connection.send_packed_command(command, check_health=False)
    return connection.send_command(*command)
