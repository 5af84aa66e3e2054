"""Connections that wait to be used: one command at a time each, no lock on the way."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, Final, final
from weakref import WeakKeyDictionary

from redis.exceptions import TimeoutError as RedisTimeoutError

from tradai.cache._redis.connection_options import ANSWER_S, Answer, Connection
from tradai.cache._redis.errors import is_disconnect, is_error_reply

if TYPE_CHECKING:
    import redis.asyncio

__all__ = ["AsyncConnectionPool", "ConnectionPool", "pack_get"]

# More callers than this at once get connections as well, but those are not kept.
_MAX_IDLE: Final = 32


def pack_get(key: bytes) -> bytes:
    """Return GET as it goes over the line: redis-py takes longer to write it than to send it."""
    return b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n" % (len(key), key)


@final
class ConnectionPool:
    """Connections for threads."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._idle: deque[Connection] = deque()

    def execute(self, *command: bytes | str | int) -> Answer:
        """Return the answer to one command; one that is a single part is sent as it is.

        A line that was idle may have been cut since: then a new one is asked, once. So a command
        may be carried out twice, and every command of ours may.

        Raises:
            RedisError: Redis refused, or did not answer in time.
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

    def forget(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().disconnect()

    def abandon(self) -> None:
        """Let go of what is idle in a forked process: its parent goes on using the lines."""
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
    """Connections for tasks, those of each event loop apart; they close with their loop."""

    def __init__(self, connect: "Callable[[], redis.asyncio.Connection]") -> None:
        self._connect = connect
        self._inherited: list[object] = []
        self._begin()

    async def execute(self, *command: bytes | str | int) -> Answer:
        """Return the answer to one command, as `ConnectionPool.ask` does."""
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

    def forget(self) -> None:
        """Close what is idle, each in its own loop."""
        with self._lock:
            loops = list(self._loops.items())
        for loop, connections in loops:
            # A loop that is closed has closed its lines.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(connections.forget)

    def abandon(self) -> None:
        """Let go of everything in a forked process, but free nothing.

        Closing a line there would take it from the selector that its parent goes on using.
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
            connections = self._loops.setdefault(loop, _LoopConnections())
        await connections.begin()
        return connections


@final
class _LoopConnections:
    """Connections of one event loop; nothing here is shared with other threads."""

    def __init__(self) -> None:
        self.idle: deque[redis.asyncio.Connection] = deque()
        self._closing: asyncio.Task[None] | None = None
        self._end: AsyncGenerator[None] | None = None

    async def begin(self) -> None:
        """Have the lines closed when the loop ends: it finishes all asynchronous generators."""
        if self._end is None:
            self._end = self._until_the_loop_ends()
            await anext(self._end)

    async def execute(
        self, connection: "redis.asyncio.Connection", command: tuple[bytes | str | int, ...]
    ) -> Answer:
        try:
            # Once for all of it: redis-py's own, for each step, takes longer than the steps.
            async with asyncio.timeout(ANSWER_S):
                await _send(connection, command)
                answer = await connection.read_response()
        except TimeoutError as exc:
            await connection.disconnect(nowait=True)
            raise RedisTimeoutError from exc
        except BaseException as exc:
            # Also when the task is cancelled: the answer that is on its way is for nobody else.
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

    def forget(self) -> None:
        self._closing = asyncio.ensure_future(self._close())

    async def _until_the_loop_ends(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await self._close()

    async def _close(self) -> None:
        connections = list(self.idle)
        self.idle.clear()
        # An encrypted line takes leave, for which there is no time once the loop has ended.
        await asyncio.gather(*(line.disconnect() for line in connections), return_exceptions=True)


# Of a connection for tasks, the sending is to be awaited.
def _send(connection: Any, command: tuple[bytes | str | int, ...]) -> Any:  # noqa: ANN401
    if len(command) == 1:
        return connection.send_packed_command(command, check_health=False)
    return connection.send_command(*command)
