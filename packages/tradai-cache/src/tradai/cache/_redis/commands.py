"""Redis commands as steps, described once for threads and for tasks."""

from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import TypeAlias, TypeVar

from tradai.cache._redis.connection_options import Answer

Part: TypeAlias = bytes | str | int
T = TypeVar("T")
# Commands to send one after the other; each answer, or error, is sent back.
Commands: TypeAlias = Generator[tuple[Part, ...], Answer, T]


def pack_get(key: bytes) -> bytes:
    """Return GET in wire format: redis-py takes longer to build it than to send it."""
    return b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n" % (len(key), key)


def run(commands: Commands[T], execute: Callable[..., Answer]) -> T:
    """Send `commands` with `execute`, and return their result."""
    advance: Callable[[], tuple[Part, ...]] = partial(next, commands)
    while True:
        try:
            command = advance()
        except StopIteration as end:
            # `StopIteration` does not carry the type of the generator's result.
            return end.value  # type: ignore[no-any-return]
        try:
            advance = partial(commands.send, execute(*command))
        # The commands decide what follows an error, even an interrupt.
        except BaseException as error:  # noqa: BLE001
            advance = partial(commands.throw, error)


async def run_async(commands: Commands[T], execute: Callable[..., Awaitable[Answer]]) -> T:
    """Do the same as `run` in the running task."""
    advance: Callable[[], tuple[Part, ...]] = partial(next, commands)
    while True:
        try:
            command = advance()
        except StopIteration as end:
            # `StopIteration` does not carry the type of the generator's result.
            return end.value  # type: ignore[no-any-return]
        try:
            advance = partial(commands.send, await execute(*command))
        # The commands decide what follows an error, even a cancellation.
        except BaseException as error:  # noqa: BLE001
            advance = partial(commands.throw, error)
