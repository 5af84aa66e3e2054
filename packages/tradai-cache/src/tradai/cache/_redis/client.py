"""Redis client: commands of threads and tasks, epochs, and invalidations to publish."""

import asyncio
from collections.abc import Callable
from typing import TypeVar, final

import redis
from redis.exceptions import RedisError

from tradai.cache._redis.async_connections import AsyncConnectionPool
from tradai.cache._redis.commands import Commands
from tradai.cache._redis.connection_options import Answer, ConnectionOptions
from tradai.cache._redis.connections import ConnectionPool
from tradai.cache._redis.epochs import Epoch
from tradai.cache._redis.errors import is_error_reply, is_full, outage_reason
from tradai.cache._redis.leases import LeaseWaiters
from tradai.cache._redis.outage import OutageHandler
from tradai.cache._redis.publisher import Publisher
from tradai.cache._tier.shared_tier import CacheKey, TierDown, TierEvents
from tradai.cache._tier.steps import run, run_async
from tradai.core.exceptions import TradAIError

T = TypeVar("T")


@final
class TierFull(TierDown):
    """Redis has no room for new values; stored ones can still be read and removed."""


@final
class RedisClient:
    """Executes commands while Redis is up, and raises `TierDown` while it is away."""

    def __init__(
        self, options: ConnectionOptions, events: TierEvents, *, on_gap: Callable[[], None]
    ) -> None:
        """Call `on_gap` whenever an invalidation may have been missed."""
        self._options = options
        self._pool = ConnectionPool(self._make_pool)
        self._async_pool = AsyncConnectionPool(
            options.async_pool, answer_s=options.answer_s, busy_s=options.first_s
        )
        self._on_gap = on_gap
        self._outage_handler = OutageHandler(
            options, events, self._pool, on_loss=self._renew_pools, on_gap=on_gap
        )

    @property
    def publisher(self) -> Publisher:
        """The publisher of invalidations."""
        return self._outage_handler.publisher

    @property
    def waiters(self) -> LeaseWaiters:
        """The calls that wait for the end of a lease."""
        return self._outage_handler.waiters

    def after_fork_in_child(self) -> None:
        """Start anew: the parent goes on using the inherited connections."""
        self._options.renew_lock()
        self._pool.abandon()
        self._async_pool.abandon()
        self._outage_handler.begin()
        self._on_gap()

    def close(self) -> None:
        """Close connections and the listener for good."""
        self._outage_handler.close()
        self._renew_pools()

    def execute(self, *command: bytes | str | int) -> Answer:
        """Return the answer to `command`; without one, only find Redis.

        Raises:
            TierDown: Redis did not answer.
            ConfigurationError: Redis was never usable, and cannot be with these settings.
        """
        self._outage_handler.require_up()
        if not command:
            return None
        cycle = self._outage_handler.breaker.cycle
        try:
            answer = self._pool.execute(*command, check=self._check)
        except (RedisError, TradAIError) as exc:
            raise self._failed(exc, cycle) from exc
        self._outage_handler.breaker.record_success()
        return answer

    def known_epoch(self, namespace: str) -> Epoch | None:
        """Return the epoch of `namespace`; None before Redis has named it."""
        return self.publisher.epochs.known.get(namespace)

    async def join_async(self, namespace: str) -> None:
        """Find Redis and the epoch of `namespace`, once for all tasks of the running loop."""
        async with await self._async_pool.joining():
            await self.run_async(self.epoch(namespace))

    async def execute_async(self, *command: bytes | str | int) -> Answer:
        """Do the same as `execute` without blocking the running loop."""
        handler = self._outage_handler
        if handler.breaker.is_open:
            if handler.was_up and not handler.is_first_attempt_open:
                raise TierDown(handler.breaker.reason)
            await asyncio.to_thread(handler.require_up)
        if not command:
            return None
        cycle = handler.breaker.cycle
        try:
            answer = await self._async_pool.execute(*command, check=self._check)
        except (RedisError, TradAIError) as exc:
            raise self._failed(exc, cycle) from exc
        handler.breaker.record_success()
        return answer

    def run(self, commands: Commands[T]) -> T:
        """Return the result of `commands`; errors are those of `execute`."""
        return run(commands, lambda command: self.execute(*command))

    async def run_async(self, commands: Commands[T]) -> T:
        """Do the same as `run` without blocking the running loop."""
        return await run_async(commands, lambda command: self.execute_async(*command))

    def epoch(self, namespace: str) -> Commands[Epoch]:
        """Return the epoch of `namespace`; a new one when it has none."""
        known = self.known_epoch(namespace)
        if known is not None:
            return known
        self.publisher.epochs.use(namespace)
        # First of all find Redis, which begins a new numbering of messages.
        yield ()
        return (yield from self.publisher.join(namespace))

    def renewed_epoch(self, namespace: str) -> Commands[Epoch]:
        """Return the epoch of `namespace` after the known one has ended."""
        self.publisher.epochs.forget(namespace)
        return (yield from self.epoch(namespace))

    def publish_invalidation(self, target: CacheKey | str) -> None:
        """Invalidate a key or clear a namespace: now, or when Redis is found again."""
        try:
            self._outage_handler.require_up()
            self.publisher.publish(target, self.execute)
        except TierDown as exc:
            self.publisher.add_unsent(target)
            # Other processes have not heard of it: no call may go on as if they had.
            self._outage_handler.breaker.open(str(exc))

    def _make_pool(self) -> redis.ConnectionPool:
        return self._options.pool(answer_s=self._outage_handler.answer_s)

    def _renew_pools(self) -> None:
        self._pool.renew()
        self._async_pool.renew()

    def _check(self) -> None:
        """Ask nothing more of Redis when an outage has begun while a call waited."""
        if self._outage_handler.breaker.is_open:
            raise TierDown(self._outage_handler.breaker.reason)

    def _failed(self, error: Exception, cycle: int) -> TierDown:
        reason = outage_reason(error, f"the cache at {self._options.address}")
        # A full server still reads and removes: only new values are not stored.
        if is_full(error):
            return TierFull(reason)
        breaker = self._outage_handler.breaker
        breaker.record_failure(reason, cycle=cycle, opens_at_once=is_error_reply(error))
        return TierDown(reason)
