"""Bounded connection pools for tasks, one for each event loop."""

import asyncio
import contextlib
import threading
from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator, Callable
from typing import Final, final

from redis.exceptions import RedisError, TimeoutError as RedisTimeoutError

from tradai.cache._redis.commands import Part
from tradai.cache._redis.connection_options import Answer
from tradai.cache._redis.connections import (
    COMMAND_NAME,
    MAX_CONNECTIONS,
    Check,
    Pool,
    no_check,
    send,
)
from tradai.cache._redis.errors import is_disconnect, is_error_reply

# To connect takes more than one answer: TCP, TLS, AUTH and SELECT.
_CONNECT_ANSWERS: Final = 4
# A time limit that ends later than this shows that the event loop was busy.
_LATE_S: Final = 0.01


@final
class AsyncConnectionPool:
    """Connections for tasks, separate for each event loop; they close with their loop."""

    def __init__(
        self,
        make: Callable[[], Pool],
        *,
        answer_s: float,
        busy_s: float,
    ) -> None:
        """Make a pool of redis-py with `make`.

        `answer_s` is the limit of one answer, and `busy_s` after the loop was too busy to see it.
        """
        self._make = make
        self._answer_s = answer_s
        self._busy_s = busy_s
        self._inherited: list[object] = []
        self._begin()

    async def execute(self, *command: Part, check: Check = no_check) -> Answer:
        """Return the answer to one command, as `ConnectionPool.execute` does."""
        connections = self._loops.get(asyncio.get_running_loop()) or await self._begin_in_loop()
        return await connections.execute(command, check)

    async def joining(self) -> asyncio.Lock:
        """Return a lock of the running loop, so that one of its tasks joins a namespace for all."""
        connections = self._loops.get(asyncio.get_running_loop()) or await self._begin_in_loop()
        return connections.joining

    def renew(self) -> None:
        """Make new connections from now on, and close the idle ones, each in its own loop."""
        with self._lock:
            loops = list(self._loops.items())
        for loop, connections in loops:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(connections.renew)

    def abandon(self) -> None:
        """Drop all connections in a forked process, but free nothing.

        Closing one there would remove it from the selector that the parent goes on using.
        """
        self._inherited.append(self._loops)
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._loops: dict[AbstractEventLoop, _LoopConnections] = {}

    async def _begin_in_loop(self) -> "_LoopConnections":
        """Return the connections of the running loop."""
        loop = asyncio.get_running_loop()
        with self._lock:
            # A connection refers to its loop, so neither would ever be freed by itself.
            for closed in [known for known in self._loops if known.is_closed()]:
                del self._loops[closed]
            made = _LoopConnections(self._make, self._answer_s, self._busy_s)
            connections = self._loops.setdefault(loop, made)
        await connections.begin()
        return connections


@final
class _LoopConnections:
    """Connections of one event loop; other threads do not use them."""

    def __init__(self, make: Callable[[], Pool], answer_s: float, busy_s: float) -> None:
        self._make = make
        self._answer_s = answer_s
        self._busy_s = busy_s
        self.joining = asyncio.Lock()
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self._pool: Pool = None
        self._closing: asyncio.Task[None] | None = None
        self._end: AsyncGenerator[None] | None = None

    async def begin(self) -> None:
        """Close the connections when the loop ends, which finishes asynchronous generators."""
        if self._end is None:
            self._end = self._close_at_loop_end()
            await anext(self._end)

    async def execute(self, command: tuple[Part, ...], check: Check) -> Answer:
        async with self._slots:
            check()
            answer_s = self._answer_s
            try:
                return await self._execute(command, answer_s)
            except _BusyLoopError:
                # The answer may have been there all the time: ask again, and wait longer.
                answer_s = self._busy_s
            except RedisError as exc:
                if not is_disconnect(exc):
                    raise
            return await self._execute(command, answer_s)

    def renew(self) -> None:
        self._closing = asyncio.ensure_future(self._close())

    async def _execute(self, command: tuple[Part, ...], answer_s: float) -> Answer:
        if self._pool is None:
            self._pool = self._make()
        pool, connection = self._pool, None
        # One limit for all steps: redis-py has one for each, which costs more than they do.
        limit = asyncio.timeout(_CONNECT_ANSWERS * answer_s)
        try:
            async with limit:
                connection = await pool.get_connection(*COMMAND_NAME)
                limit.reschedule(asyncio.get_running_loop().time() + answer_s)
                await send(connection, command)
                return await connection.read_response()
        except BaseException as exc:
            # Also when the task is cancelled: no other command may read the pending answer.
            if connection is not None and not (isinstance(exc, Exception) and is_error_reply(exc)):
                await connection.disconnect(nowait=True)
            if isinstance(exc, TimeoutError):
                raise _silence(limit) from exc
            raise
        finally:
            if connection is not None:
                await pool.release(connection)
                if pool is not self._pool:
                    # Renewed meanwhile: no command follows on it, and nothing closes it.
                    await connection.disconnect(nowait=True)

    async def _close_at_loop_end(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await self._close()

    async def _close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            # Closing a TLS connection takes a round trip, for which an ended loop has no time.
            with contextlib.suppress(RedisError, OSError):
                await pool.disconnect(inuse_connections=False)


class _BusyLoopError(RedisTimeoutError):
    """There was no answer in time, but the event loop was too busy to see one."""


def _silence(limit: asyncio.Timeout) -> RedisTimeoutError:
    """Return the error for an answer that did not come within `limit`."""
    late_s = asyncio.get_running_loop().time() - (limit.when() or 0.0)
    return _BusyLoopError() if late_s > _LATE_S else RedisTimeoutError()
