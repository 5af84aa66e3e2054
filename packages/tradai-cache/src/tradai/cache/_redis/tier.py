"""`RedisTier`: the shared tier on Redis, or on Valkey, which has the same protocol."""

import contextlib
import os
import secrets
import threading
from collections.abc import Iterator
from typing import Final, TypeVar, final
from weakref import WeakSet

from tradai.cache._options.address import parse_address
from tradai.cache._options.settings import CacheSettings
from tradai.cache._redis.client import RedisClient, TierFull
from tradai.cache._redis.commands import Commands, Part, pack_get
from tradai.cache._redis.connection_options import ANSWER_S, FIRST_S, Answer, ConnectionOptions
from tradai.cache._redis.epochs import Epoch
from tradai.cache._redis.leases import LEASE_MS, LeaseRenewer, RedisBusy, RedisLease
from tradai.cache._redis.scripts import ACQUIRE, RELEASE, RENEW, STORE, epoch_key
from tradai.cache._tier.background import run_in_background
from tradai.cache._tier.shared_tier import CacheKey, TierDown, TierEvents
from tradai.core import LoggerMixin
from tradai.core.exceptions import TradAIError, ValidationError

T = TypeVar("T")

_LEASE_ATTEMPTS: Final = 3


def connect(
    settings: CacheSettings,
    *,
    events: TierEvents,
    answer_s: float = ANSWER_S,
    first_s: float = FIRST_S,
) -> "RedisTier":
    """Return the tier of `settings`; it connects on first use.

    Args:
        settings: Address and credentials of the server.
        events: Receiver of invalidations and outages.
        answer_s: Limit for one answer.
        first_s: Limit for the first answers, and for callers that wait until all have come.

    Raises:
        ConfigurationError: The certificate file cannot be used.
        ValidationError: The address does not name a server.
    """
    address = parse_address(settings.url or "memory:")
    if not address.is_shared:
        expected = "an address of a server, redis[s]://HOST[:PORT][/DATABASE]"
        raise ValidationError(
            f"memory: is not a shared tier: expected {expected}", expected=expected
        )
    options = ConnectionOptions.from_settings(settings, address)
    options.answer_s, options.first_s = answer_s, first_s
    options.check()
    return RedisTier(options, events=events)


@final
class RedisTier(LoggerMixin):
    """Sealed values on one server, with leases and invalidations that reach every process.

    Attributes:
        generation: Changes whenever an invalidation may have been missed.
    """

    def __init__(self, options: ConnectionOptions, *, events: TierEvents) -> None:
        """Connect with `options` on first use; report messages and outages to `events`."""
        self.generation = 0
        self._client = RedisClient(options, events, on_gap=self._start_generation)
        self._renewer = LeaseRenewer(self._renew)
        self._is_full = False
        _TIERS.add(self)

    def has_joined(self, namespace: str) -> bool:
        """Whether Redis has answered, and the epoch of `namespace` is known."""
        return self._client.known_epoch(namespace) is not None

    def join(self, namespace: str) -> None:
        """Find Redis and the epoch of `namespace`; raise as `fetch` does."""
        self._join(namespace)

    async def join_async(self, namespace: str) -> None:
        """Do the same as `join` without blocking the running loop."""
        await self._client.join_async(namespace)

    def run(self, commands: Commands[T]) -> T:
        """Return the result of `commands`."""
        return self._client.run(commands)

    async def run_async(self, commands: Commands[T]) -> T:
        """Do the same as `run` without blocking the running loop."""
        return await self._client.run_async(commands)

    def fetch(self, key: CacheKey) -> bytes | None:
        """Return the sealed value of `key`.

        Raises:
            TierDown: Redis cannot be asked.
            ConfigurationError: Redis was never usable, and cannot be with these settings.
        """
        epoch = self._client.known_epoch(key.namespace) or self._join(key.namespace)
        value: bytes | None = self._client.execute(_pack_fetch(epoch, key))
        return value

    async def fetch_async(self, key: CacheKey) -> bytes | None:
        """Do the same as `fetch` without blocking the running loop."""
        epoch = self._client.known_epoch(key.namespace)
        if epoch is None:
            epoch = await self.run_async(self._client.epoch(key.namespace))
        value: bytes | None = await self._client.execute_async(_pack_fetch(epoch, key))
        return value

    def acquire(self, key: CacheKey) -> bytes | RedisLease | RedisBusy:
        """Return the value stored by now, or the lease to load it, or that of another call.

        Raises:
            TierDown: Redis cannot be asked, or has no room.
        """
        return self.run(self._acquiring(key))

    async def acquire_async(self, key: CacheKey) -> bytes | RedisLease | RedisBusy:
        """Do the same as `acquire` without blocking the running loop."""
        return await self.run_async(self._acquiring(key))

    def invalidate(self, key: CacheKey) -> None:
        """Remove the value, end its lease, notify every process; when away, after recovery."""
        self._client.publish_invalidation(key)

    def clear(self, namespace: str) -> None:
        """Invalidate every key of `namespace` at once."""
        self._client.publish_invalidation(namespace)

    def close(self) -> None:
        """Close connections and threads; closing twice has no effect."""
        self._client.close()
        self._renewer.clear()

    def _join(self, namespace: str) -> Epoch:
        return self.run(self._client.epoch(namespace))

    def _acquiring(self, key: CacheKey) -> Commands[bytes | RedisLease | RedisBusy]:
        # Waits before it asks, so that no message about the end of the lease is missed.
        event = self._client.waiters.add(key)
        answer = None
        try:
            answer = yield from self._try_acquire(key, event)
        finally:
            if not isinstance(answer, RedisBusy):
                self._client.waiters.remove(key, event)
        if isinstance(answer, RedisLease):
            self._renewer.add(answer)
        return answer

    def _try_acquire(
        self, key: CacheKey, event: threading.Event
    ) -> Commands[bytes | RedisLease | RedisBusy]:
        token = secrets.token_hex(8)
        epoch = yield from self._client.epoch(key.namespace)
        for _ in range(_LEASE_ATTEMPTS):
            lease = RedisLease(self, key, epoch=epoch.text, token=token)
            with _released_if_cancelled(lease):
                keys = _redis_keys(epoch.text, key)
                state, *rest = yield from self._write(ACQUIRE, keys, token, epoch.text, LEASE_MS)
            if state == b"value":
                value: bytes = rest[0]
                return value
            if state == b"acquired":
                return lease
            if state == b"busy":
                return RedisBusy(self._client.waiters, key, event, left_s=rest[0] / 1000)
            epoch = yield from self._client.renewed_epoch(key.namespace)
        raise TierDown("the namespace is cleared again and again")

    def storing(self, lease: RedisLease, sealed: bytes, *, keep_ms: int) -> Commands[bool]:
        """Store `sealed` if `lease` still holds, and end the lease."""
        self._renewer.remove(lease)
        if keep_ms < 1:
            yield from self.releasing(lease)
            return False
        keys = _redis_keys(lease.epoch, lease.key)
        ended = self._client.publisher.lease_ended(lease.key)
        arguments = (lease.token, lease.epoch, sealed, keep_ms, *ended)
        try:
            with _released_if_cancelled(lease):
                stored = yield from self._write(STORE, keys, *arguments)
        except TierFull:
            # A full server can still notify the processes that wait.
            yield from self.releasing(lease)
            raise
        return bool(stored)

    def releasing(self, lease: RedisLease) -> Commands[None]:
        """End `lease` without a value; while Redis is away, it expires by itself."""
        self._renewer.remove(lease)
        lease_key = _redis_keys(lease.epoch, lease.key)[0]
        ended = self._client.publisher.lease_ended(lease.key)
        with contextlib.suppress(TierDown, TradAIError):
            yield "EVAL", RELEASE, 1, lease_key, lease.token, *ended

    def _write(self, script: str, keys: tuple[str, ...], *arguments: Part) -> Commands[Answer]:
        """Run a script that a full server rejects; log when that begins and ends."""
        try:
            answer = yield "EVAL", script, len(keys), *keys, *arguments
        except TierFull as exc:
            if not self._is_full:
                self._is_full = True
                self.logger.warning("cache full", extra={"reason": str(exc)})
            raise
        if self._is_full:
            self._is_full = False
            self.logger.info("cache has room again")
        return answer

    def _renew(self, lease: RedisLease) -> bool:
        """Renew `lease`; False when it is certainly lost."""
        lease_key = _redis_keys(lease.epoch, lease.key)[0]
        try:
            return bool(self._client.execute("EVAL", RENEW, 1, lease_key, lease.token, LEASE_MS))
        except (TierDown, TradAIError):
            return True

    def _start_generation(self) -> None:
        self.generation += 1

    def after_fork_in_child(self) -> None:
        """Start anew in a forked process."""
        self._renewer.reset()
        self._client.after_fork_in_child()


_TIERS: Final[WeakSet[RedisTier]] = WeakSet()


def _after_fork_in_child() -> None:
    for tier in list(_TIERS):
        tier.after_fork_in_child()


# Registered at import, because it must be known before the first fork.
os.register_at_fork(after_in_child=_after_fork_in_child)


@contextlib.contextmanager
def _released_if_cancelled(lease: RedisLease) -> Iterator[None]:
    """Release `lease` when its call was cancelled or interrupted: Redis may have granted it."""
    try:
        yield
    except Exception:
        raise
    except BaseException:
        run_in_background(lease.release)
        raise


def _pack_fetch(epoch: Epoch, key: CacheKey) -> bytes:
    return pack_get(epoch.prefix + key.digest.hex().encode())


def _redis_keys(epoch: str, key: CacheKey) -> tuple[str, str, str]:
    """Return the Redis keys of lease, value and epoch."""
    namespace = epoch_key(key.namespace)
    value = f"{namespace}:{epoch}:{key.digest.hex()}"
    return f"{value}:lease", value, namespace
