"""The shared tier on Redis, or on Valkey, which speaks the same."""

import asyncio
import contextlib
import os
import secrets
import threading
from collections.abc import Callable
from typing import Final, final
from weakref import WeakSet

from tradai.cache._options.address import parse_address
from tradai.cache._options.settings import CacheSettings
from tradai.cache._redis.claims import LEASE_MS, ClaimRenewer, RedisBusy, RedisClaim
from tradai.cache._redis.client import RedisClient, TierFull
from tradai.cache._redis.connection_options import Answer, ConnectionOptions
from tradai.cache._redis.connections import pack_get
from tradai.cache._redis.epochs import Epoch
from tradai.cache._redis.scripts import CLAIM, RELEASE, RENEW, STORE, epoch_key
from tradai.cache._tier.shared_tier import CacheKey, TierDown, TierEvents
from tradai.core import LoggerMixin, Secret, SecretReference, resolve_secret
from tradai.core.exceptions import TradAIError, ValidationError

__all__ = ["RedisTier", "connect"]

_CLAIM_ATTEMPTS: Final = 3


def connect(settings: CacheSettings, *, events: TierEvents) -> "RedisTier":
    """Return the tier that `settings` name; nothing is connected yet.

    Raises:
        ConfigurationError: The file of certificates cannot be used.
        ValidationError: The address names no server.
    """
    address = parse_address(settings.url or "memory:")
    if not address.is_shared:
        expected = "an address of a server, redis[s]://HOST[:PORT][/DATABASE]"
        raise ValidationError(f"no tier is shared: expected {expected}", expected=expected)
    options = ConnectionOptions(
        address=address,
        username=settings.username,
        password=_password_at(settings.password),
        ca_file=settings.ca_file,
    )
    options.check()
    return RedisTier(options, events=events)


def _password_at(reference: SecretReference | None) -> "Callable[[], Secret] | None":
    return None if reference is None else lambda: resolve_secret(reference)


@final
class RedisTier(LoggerMixin):
    """Sealed values on one server, whose claims and invalidations every process hears of.

    Attributes:
        generation: Changes whenever an invalidation may have been missed.
    """

    def __init__(self, options: ConnectionOptions, *, events: TierEvents) -> None:
        """Connect when first asked, as `options` says; tell `events` what is heard."""
        self.generation = 0
        self._client = RedisClient(options, events, doubted=self._doubt)
        self._renewals = ClaimRenewer(self._renew)
        self._is_full = False
        _TIERS.add(self)

    def fetch(self, key: CacheKey) -> bytes | None:
        """Return what is kept at `key`.

        Raises:
            TierDown: Redis cannot be asked.
            ConfigurationError: It never could, and the operator must change something first.
        """
        epoch = self._client.epoch(key.namespace)
        value: bytes | None = self._client.execute(_pack_fetch(epoch, key))
        return value

    async def fetch_async(self, key: CacheKey) -> bytes | None:
        """Do the same without blocking the running loop."""
        epoch = self._client.known_epoch(key.namespace)
        if epoch is None:
            epoch = await asyncio.to_thread(self._client.epoch, key.namespace)
        value: bytes | None = await self._client.execute_async(_pack_fetch(epoch, key))
        return value

    def claim(self, key: CacheKey) -> bytes | RedisClaim | RedisBusy:
        """Return what is kept by now, or the right to load it, or who has that right.

        Raises:
            TierDown: Redis cannot be asked, or has no room.
        """
        # Before it is asked for, so that no message about its end is missed.
        event = self._client.waiters.add(key)
        found = None
        try:
            found = self._try_claim(key, event)
        finally:
            if not isinstance(found, RedisBusy):
                self._client.waiters.remove(key, event)
        if isinstance(found, RedisClaim):
            self._renewals.add(found)
        return found

    def invalidate(self, key: CacheKey) -> None:
        """Remove what is kept, end the claim on it, and tell everybody; when down, on recovery."""
        self._client.publish_invalidation(key)

    def clear(self, namespace: str) -> None:
        """Do so for every place of `namespace` at once."""
        self._client.publish_invalidation(namespace)

    def close(self) -> None:
        """Let go of connections and threads; closing twice is no error."""
        self._client.close()
        self._renewals.clear()

    def _try_claim(self, key: CacheKey, event: threading.Event) -> bytes | RedisClaim | RedisBusy:
        token = secrets.token_hex(8)
        epoch = self._client.epoch(key.namespace)
        for _ in range(_CLAIM_ATTEMPTS):
            keys = _keys(epoch.text, key)
            kind, *rest = self._write(CLAIM, keys, token, epoch.text, LEASE_MS)
            if kind == b"value":
                value: bytes = rest[0]
                return value
            if kind == b"claimed":
                return RedisClaim(self, key, epoch=epoch.text, token=token)
            if kind == b"busy":
                return RedisBusy(self._client.waiters, key, event, left_s=rest[0] / 1000)
            epoch = self._client.renewed_epoch(key.namespace)
        raise TierDown("the namespace is cleared again and again")

    def store_claimed(self, claim: RedisClaim, sealed: bytes, *, keep_ms: int) -> bool:
        """Keep `sealed` if `claim` still holds, and end the claim."""
        self._renewals.remove(claim)
        if keep_ms < 1:
            self.release_claimed(claim)
            return False
        arguments = (claim.token, claim.epoch, sealed, keep_ms, *self._ended(claim.key))
        try:
            stored = self._write(STORE, _keys(claim.epoch, claim.key), *arguments)
        except TierFull:
            # It can still be told that others need not wait.
            self.release_claimed(claim)
            raise
        return bool(stored)

    def release_claimed(self, claim: RedisClaim) -> None:
        """End `claim` without a value; should Redis be away, it ends by itself."""
        self._renewals.remove(claim)
        lease = _keys(claim.epoch, claim.key)[0]
        with contextlib.suppress(TierDown, TradAIError):
            self._client.execute("EVAL", RELEASE, 1, lease, claim.token, *self._ended(claim.key))

    def _write(self, script: str, keys: tuple[str, ...], *arguments: bytes | str | int) -> Answer:
        """Run a script that a full server refuses; say when that begins and ends."""
        try:
            answer = self._client.execute("EVAL", script, len(keys), *keys, *arguments)
        except TierFull as exc:
            if not self._is_full:
                self._is_full = True
                self.logger.warning("cache full", extra={"reason": str(exc)})
            raise
        if self._is_full:
            self._is_full = False
            self.logger.info("cache has room again")
        return answer

    def _renew(self, claim: RedisClaim) -> bool:
        """Renew `claim`; False when it is lost for certain."""
        lease = _keys(claim.epoch, claim.key)[0]
        try:
            return bool(self._client.execute("EVAL", RENEW, 1, lease, claim.token, LEASE_MS))
        except (TierDown, TradAIError):
            return True

    def _ended(self, key: CacheKey) -> tuple[str, str]:
        """Return the channel, and the message that the claim on `key` has ended."""
        return (
            self._client.channel,
            f"ended 0 {self._client.node} {key.digest.hex()} {key.namespace}",
        )

    def _doubt(self) -> None:
        self.generation += 1

    def begin_in_fork(self) -> None:
        """Begin anew in a forked process."""
        self._renewals.reset()
        self._client.begin_in_fork()


_TIERS: Final[WeakSet[RedisTier]] = WeakSet()


def _begin_in_fork() -> None:
    for tier in list(_TIERS):
        tier.begin_in_fork()


# Must be known to Python before the first fork.
os.register_at_fork(after_in_child=_begin_in_fork)


def _pack_fetch(epoch: Epoch, key: CacheKey) -> bytes:
    return pack_get(epoch.prefix + key.digest.hex().encode())


def _keys(epoch: str, key: CacheKey) -> tuple[str, str, str]:
    """Return the names of lease, value and epoch."""
    namespace = epoch_key(key.namespace)
    value = f"{namespace}:{epoch}:{key.digest.hex()}"
    return f"{value}:lease", value, namespace
