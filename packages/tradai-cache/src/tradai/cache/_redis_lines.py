"""Connections that wait to be used: one command at a time each, no lock on the way."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, Final, final
from weakref import WeakKeyDictionary

from redis.exceptions import TimeoutError as RedisTimeoutError

from tradai.cache._redis_errors import is_cut, is_final
from tradai.cache._redis_profile import Answer, Connection

if TYPE_CHECKING:
    import redis.asyncio

__all__ = ["AsyncLines", "Lines", "packed_get"]

# More callers than this at once get connections as well, but those are not kept.
_KEPT: Final = 32


def packed_get(key: bytes) -> bytes:
    """Return GET as it goes over the line: redis-py takes longer to write it than to send it."""
    return b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n" % (len(key), key)


@final
class Lines:
    """Connections for threads."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._idle: deque[Connection] = deque()

    def ask(self, *command: bytes | str | int) -> Answer:
        """Return the answer to one command; one that is a single part is sent as it is.

        A line that was idle may have been cut since: then a new one is asked, once. So a command
        may be carried out twice, and every command of ours may.

        Raises:
            RedisError: Redis refused, or did not answer in time.
        """
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._ask(self._connect(), command)
        try:
            return self._ask(connection, command)
        except Exception as exc:
            if not is_cut(exc):
                raise
        return self._ask(self._connect(), command)

    def forget(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().disconnect()

    def abandon(self) -> None:
        """Let go of what is idle in a forked process: its parent goes on using the lines."""
        self._idle = deque()

    def _ask(self, connection: Connection, command: tuple[bytes | str | int, ...]) -> Answer:
        try:
            _send(connection, command)
            answer = connection.read_response()
        except BaseException as exc:
            if isinstance(exc, Exception) and is_final(exc):
                self._keep(connection)
            else:
                connection.disconnect()
            raise
        self._keep(connection)
        return answer

    def _keep(self, connection: Connection) -> None:
        if len(self._idle) < _KEPT:
            self._idle.append(connection)
        else:
            connection.disconnect()


@final
class AsyncLines:
    """Connections for tasks, those of each event loop apart; they close with their loop."""

    def __init__(
        self, connect: "Callable[[], redis.asyncio.Connection]", *, answer_s: float
    ) -> None:
        self._connect = connect
        self._answer_s = answer_s
        self._inherited: list[object] = []
        self._begin()

    async def ask(self, *command: bytes | str | int) -> Answer:
        """Return the answer to one command, as `Lines.ask` does."""
        loop = asyncio.get_running_loop()
        lines = self._loops.get(loop) or await self._lines_of(loop)
        try:
            connection = lines.idle.pop()
        except IndexError:
            return await lines.ask(self._connect(), command)
        try:
            return await lines.ask(connection, command)
        except Exception as exc:
            if not is_cut(exc):
                raise
        return await lines.ask(self._connect(), command)

    def forget(self) -> None:
        """Close what is idle, each in its own loop."""
        with self._lock:
            loops = list(self._loops.items())
        for loop, lines in loops:
            # A loop that is closed has closed its lines.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(lines.forget)

    def abandon(self) -> None:
        """Let go of everything in a forked process, but free nothing.

        Closing a line there would take it from the selector that its parent goes on using.
        """
        self._inherited.append(self._loops)
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopLines] = WeakKeyDictionary()

    async def _lines_of(self, loop: asyncio.AbstractEventLoop) -> "_LoopLines":
        with self._lock:
            lines = self._loops.setdefault(loop, _LoopLines(self._answer_s))
        await lines.begin()
        return lines


@final
class _LoopLines:
    """Connections of one event loop; nothing here is shared with other threads."""

    def __init__(self, answer_s: float) -> None:
        self.idle: deque[redis.asyncio.Connection] = deque()
        self._answer_s = answer_s
        self._closing: asyncio.Task[None] | None = None
        self._end: AsyncGenerator[None] | None = None

    async def begin(self) -> None:
        """Have the lines closed when the loop ends: it finishes all asynchronous generators."""
        if self._end is None:
            self._end = self._until_the_loop_ends()
            await anext(self._end)

    async def ask(
        self, connection: "redis.asyncio.Connection", command: tuple[bytes | str | int, ...]
    ) -> Answer:
        try:
            # Once for all of it: redis-py's own, for each step, takes longer than the steps.
            async with asyncio.timeout(self._answer_s):
                await _send(connection, command)
                answer = await connection.read_response()
        except TimeoutError as exc:
            await connection.disconnect(nowait=True)
            raise RedisTimeoutError from exc
        except BaseException as exc:
            # Also when the task is cancelled: the answer that is on its way is for nobody else.
            if isinstance(exc, Exception) and is_final(exc):
                self.idle.append(connection)
            else:
                await connection.disconnect(nowait=True)
            raise
        if len(self.idle) < _KEPT:
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
        lines = list(self.idle)
        self.idle.clear()
        # An encrypted line takes leave, for which there is no time once the loop has ended.
        await asyncio.gather(*(line.disconnect() for line in lines), return_exceptions=True)


# Of a connection for tasks, the sending is to be awaited.
def _send(connection: Any, command: tuple[bytes | str | int, ...]) -> Any:  # noqa: ANN401
    if len(command) == 1:
        return connection.send_packed_command(command, check_health=False)
    return connection.send_command(*command)
