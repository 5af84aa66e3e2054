"""Connections for tasks: renewed while some are in use."""

import asyncio

from tradai.cache._redis.async_connections import AsyncConnectionPool


class _Connection:
    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.is_open = True

    async def send_command(self, *_: object) -> None:
        pass

    async def read_response(self) -> str:
        await self.may_answer.wait()
        return "answer"

    async def disconnect(self, *, nowait: bool) -> None:
        self.is_open = not nowait


class _Pool:
    """A pool of one connection, which like that of redis-py does not close it when it is in use."""

    def __init__(self) -> None:
        self.connection = _Connection()
        self.is_in_use = False

    async def get_connection(self, *_: object) -> _Connection:
        self.is_in_use = True
        return self.connection

    async def release(self, _: _Connection) -> None:
        self.is_in_use = False

    async def disconnect(self, *, inuse_connections: bool) -> None:
        self.connection.is_open = self.is_in_use and not inuse_connections


async def _until_idle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_connection_that_is_renewed_while_in_use_is_closed_after_its_answer() -> None:
    pools: list[_Pool] = []

    def make() -> _Pool:
        pools.append(_Pool())
        return pools[-1]

    async def answers() -> list[str]:
        tasks = AsyncConnectionPool(make, answer_s=60, busy_s=60)
        first = asyncio.ensure_future(tasks.execute("GET", "x"))
        await _until_idle()
        tasks.renew()
        await _until_idle()
        second = asyncio.ensure_future(tasks.execute("GET", "y"))
        await _until_idle()
        for pool in pools:
            pool.connection.may_answer.set()
        found = [await first, await second]
        assert [pool.connection.is_open for pool in pools] == [False, True]
        return found

    assert asyncio.run(answers()) == ["answer", "answer"]
