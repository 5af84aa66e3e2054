"""Connection pools for threads and tasks; a connection has one command at a time, and no lock."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, Final, final
from weakref import WeakKeyDictionary

from redis.exceptions import TimeoutError as RedisTimeoutError

from tradai.cache._redis.connection_options import Answer, Connection
from tradai.cache._redis.errors import is_disconnect, is_error_reply

if TYPE_CHECKING:
    import redis.asyncio

# Further concurrent callers get connections, too, but those are closed after use.
_MAX_IDLE: Final = 32


def pack_get(key: bytes) -> bytes:
    """Return GET in wire format: redis-py takes longer to build it than to send it."""
    return b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n" % (len(key), key)


@final
class ConnectionPool:
    """Connections for threads."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._idle: deque[Connection] = deque()

    def execute(self, *command: bytes | str | int) -> Answer:
        """Return the answer to one command; a command of one part is sent as it is.

        An idle connection may have been cut: then a new one is tried, once. So a command may run
        twice, which is harmless for every command used here.

        Raises:
            RedisError: Redis answered with an error, or not in time.
        """
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._execute(self._connect(), command)
        try:
            return self._execute(connection, command)
        except Exception as exc:
            if not is_disconnect(exc):
                raise
        return self._execute(self._connect(), command)

    def close_idle(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().disconnect()

    def abandon(self) -> None:
        """Drop the idle connections in a forked process: its parent goes on using them."""
        self._idle = deque()

    def _execute(self, connection: Connection, command: tuple[bytes | str | int, ...]) -> Answer:
        try:
            _send(connection, command)
            answer = connection.read_response()
        except BaseException as exc:
            if isinstance(exc, Exception) and is_error_reply(exc):
                self._keep(connection)
            else:
                connection.disconnect()
            raise
        self._keep(connection)
        return answer

    def _keep(self, connection: Connection) -> None:
        if len(self._idle) < _MAX_IDLE:
            self._idle.append(connection)
        else:
            connection.disconnect()


@final
class AsyncConnectionPool:
    """Connections for tasks, separate for each event loop; they close with their loop."""

    def __init__(
        self, connect: "Callable[[], redis.asyncio.Connection]", *, answer_s: float
    ) -> None:
        self._connect = connect
        self._answer_s = answer_s
        self._inherited: list[object] = []
        self._begin()

    async def execute(self, *command: bytes | str | int) -> Answer:
        """Return the answer to one command, as `ConnectionPool.execute` does."""
        loop = asyncio.get_running_loop()
        connections = self._loops.get(loop) or await self._connections_of(loop)
        try:
            connection = connections.idle.pop()
        except IndexError:
            return await connections.execute(self._connect(), command)
        try:
            return await connections.execute(connection, command)
        except Exception as exc:
            if not is_disconnect(exc):
                raise
        return await connections.execute(self._connect(), command)

    def close_idle(self) -> None:
        """Close the idle connections, each in its own loop."""
        with self._lock:
            loops = list(self._loops.items())
        for loop, connections in loops:
            # A closed loop has closed its connections.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(connections.close_idle)

    def abandon(self) -> None:
        """Drop all connections in a forked process, but free nothing.

        Closing one there would remove it from the selector that the parent goes on using.
        """
        self._inherited.append(self._loops)
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopConnections] = (
            WeakKeyDictionary()
        )

    async def _connections_of(self, loop: asyncio.AbstractEventLoop) -> "_LoopConnections":
        with self._lock:
            connections = self._loops.setdefault(loop, _LoopConnections(self._answer_s))
        await connections.begin()
        return connections


@final
class _LoopConnections:
    """Connections of one event loop; other threads do not use them."""

    def __init__(self, answer_s: float) -> None:
        self._answer_s = answer_s
        self.idle: deque[redis.asyncio.Connection] = deque()
        self._closing: asyncio.Task[None] | None = None
        self._end: AsyncGenerator[None] | None = None

    async def begin(self) -> None:
        """Close the connections when the loop ends, which finishes asynchronous generators."""
        if self._end is None:
            self._end = self._close_at_loop_end()
            await anext(self._end)

    async def execute(
        self, connection: "redis.asyncio.Connection", command: tuple[bytes | str | int, ...]
    ) -> Answer:
        try:
            # One timeout for all steps: redis-py has one for each, which costs more than they do.
            async with asyncio.timeout(self._answer_s):
                await _send(connection, command)
                answer = await connection.read_response()
        except TimeoutError as exc:
            await connection.disconnect(nowait=True)
            raise RedisTimeoutError from exc
        except BaseException as exc:
            # Also when the task is cancelled: no other command may read the pending answer.
            if isinstance(exc, Exception) and is_error_reply(exc):
                self.idle.append(connection)
            else:
                await connection.disconnect(nowait=True)
            raise
        if len(self.idle) < _MAX_IDLE:
            self.idle.append(connection)
        else:
            await connection.disconnect(nowait=True)
        return answer

    def close_idle(self) -> None:
        self._closing = asyncio.ensure_future(self._close())

    async def _close_at_loop_end(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await self._close()

    async def _close(self) -> None:
        connections = list(self.idle)
        self.idle.clear()
        # Closing a TLS connection takes a round trip, for which a loop that has ended has no time.
        await asyncio.gather(*(idle.disconnect() for idle in connections), return_exceptions=True)


# The result is awaitable for a connection of redis.asyncio.
def _send(connection: Any, command: tuple[bytes | str | int, ...]) -> Any:  # noqa: ANN401
    if len(command) == 1:
        return connection.send_packed_command(command, check_health=False)
    return connection.send_command(*command)
