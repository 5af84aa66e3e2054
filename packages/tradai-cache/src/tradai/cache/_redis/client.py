"""Redis client: commands of threads and tasks, epochs, and invalidations to publish."""

import asyncio
from collections.abc import Callable
from typing import final

from redis.exceptions import RedisError

from tradai.cache._redis.connection_options import Answer, Connection, ConnectionOptions
from tradai.cache._redis.connections import AsyncConnectionPool, ConnectionPool
from tradai.cache._redis.epochs import Epoch
from tradai.cache._redis.errors import is_error_reply, is_full, outage_reason
from tradai.cache._redis.leases import LeaseWaiters
from tradai.cache._redis.outage import OutageHandler
from tradai.cache._redis.publisher import Publisher
from tradai.cache._tier.shared_tier import CacheKey, TierDown, TierEvents
from tradai.core.exceptions import TradAIError


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
        self._pool = ConnectionPool(self._connect)
        self._async_pool = AsyncConnectionPool(options.connection_async, answer_s=options.answer_s)
        self._on_gap = on_gap
        self._outage_handler = OutageHandler(
            options, events, self._pool, on_loss=self._close_idle, on_gap=on_gap
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
        self._close_idle()

    def execute(self, *command: bytes | str | int) -> Answer:
        """Return the answer to `command`.

        Raises:
            TierDown: Redis did not answer.
            ConfigurationError: Redis was never usable, and cannot be with these settings.
        """
        self._outage_handler.ensure_up()
        cycle = self._outage_handler.breaker.cycle
        try:
            answer = self._pool.execute(*command)
        except (RedisError, TradAIError) as exc:
            raise self._failed(exc, cycle) from exc
        self._outage_handler.breaker.record_success()
        return answer

    async def execute_async(self, *command: bytes | str | int) -> Answer:
        """Do the same as `execute` without blocking the running loop."""
        if self._outage_handler.breaker.is_open:
            if self._outage_handler.was_up and not self._outage_handler.is_first_attempt_open:
                raise TierDown(self._outage_handler.breaker.reason)
            await asyncio.to_thread(self._outage_handler.ensure_up)
        cycle = self._outage_handler.breaker.cycle
        try:
            answer = await self._async_pool.execute(*command)
        except (RedisError, TradAIError) as exc:
            raise self._failed(exc, cycle) from exc
        self._outage_handler.breaker.record_success()
        return answer

    def epoch(self, namespace: str) -> Epoch:
        """Return the epoch of `namespace`; a new one when it has none."""
        known = self.publisher.epochs.known.get(namespace)
        if known is not None:
            return known
        self._outage_handler.ensure_up()
        return self.publisher.join(namespace, self.execute)

    def renewed_epoch(self, namespace: str) -> Epoch:
        """Return the epoch of `namespace` after the known one has ended."""
        self.publisher.epochs.forget(namespace)
        return self.epoch(namespace)

    def publish_invalidation(self, target: CacheKey | str) -> None:
        """Invalidate a key or clear a namespace: now, or when Redis is found again."""
        try:
            self._outage_handler.ensure_up()
            self.publisher.publish(target, self.execute)
        except TierDown as exc:
            self.publisher.add_unsent(target)
            # Other processes have not heard of it: no call may go on as if they had.
            self._outage_handler.breaker.open(str(exc))

    def _connect(self) -> Connection:
        return self._options.connection(answer_s=self._outage_handler.answer_s)

    def _close_idle(self) -> None:
        self._pool.close_idle()
        self._async_pool.close_idle()

    def _failed(self, error: Exception, cycle: int) -> TierDown:
        reason = outage_reason(error, str(self._options.address))
        # A full server still reads and removes: only new values are not stored.
        if is_full(error):
            return TierFull(reason)
        breaker = self._outage_handler.breaker
        breaker.record_failure(reason, cycle=cycle, opens_at_once=is_error_reply(error))
        return TierDown(reason)
