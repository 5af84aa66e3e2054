"""The shared tier on Redis, or on Valkey, which speaks the same."""

import asyncio
import contextlib
import os
import secrets
import threading
from collections.abc import Callable
from typing import Final, final
from weakref import WeakSet

from tradai.cache._address import parse_address
from tradai.cache._epochs import Epoch
from tradai.cache._leases import LEASE_MS, RedisBusy, RedisClaim, Renewals
from tradai.cache._redis_lines import packed_get
from tradai.cache._redis_link import Link, TierFull
from tradai.cache._redis_profile import ANSWER_S, FIRST_S, Answer, Profile
from tradai.cache._redis_scripts import CLAIM, RELEASE, RENEW, STORE, epoch_key
from tradai.cache._settings import CacheSettings
from tradai.cache._tier import Place, TierDown, TierEvents
from tradai.core import LoggerMixin, Secret, SecretReference, resolve_secret
from tradai.core.exceptions import TradAIError, ValidationError

__all__ = ["RedisTier", "connect"]

_CLAIM_ATTEMPTS: Final = 3


def connect(
    settings: CacheSettings,
    *,
    events: TierEvents,
    answer_s: float = ANSWER_S,
    first_s: float = FIRST_S,
) -> "RedisTier":
    """Return the tier that `settings` name; nothing is connected yet.

    Args:
        settings: The server, and as whom.
        events: Told what is heard.
        answer_s: How long an answer is waited for.
        first_s: How long the first ones are, and how long callers wait until all have come.

    Raises:
        ConfigurationError: The file of certificates cannot be used.
        ValidationError: The address names no server.
    """
    address = parse_address(settings.url or "memory:")
    if not address.is_shared:
        expected = "an address of a server, redis[s]://HOST[:PORT][/DATABASE]"
        raise ValidationError(f"no tier is shared: expected {expected}", expected=expected)
    profile = Profile(
        address=address,
        username=settings.username,
        password=_password_at(settings.password),
        ca_file=settings.ca_file,
        answer_s=answer_s,
        first_s=first_s,
    )
    profile.check()
    return RedisTier(profile, events=events)


def _password_at(reference: SecretReference | None) -> "Callable[[], Secret] | None":
    return None if reference is None else lambda: resolve_secret(reference)


@final
class RedisTier(LoggerMixin):
    """Sealed values on one server, whose claims and invalidations every process hears of.

    Attributes:
        generation: Changes whenever an invalidation may have been missed.
    """

    def __init__(self, profile: Profile, *, events: TierEvents) -> None:
        """Connect when first asked, as `profile` says; tell `events` what is heard."""
        self.generation = 0
        self._link = Link(profile, events, doubted=self._doubt)
        self._renewals = Renewals(self._renewed)
        self._is_full = False
        _TIERS.add(self)

    def fetch(self, place: Place) -> bytes | None:
        """Return what is kept at `place`.

        Raises:
            TierDown: Redis cannot be asked.
            ConfigurationError: It never could, and the operator must change something first.
        """
        epoch = self._link.epoch(place.namespace)
        value: bytes | None = self._link.ask(_packed(epoch, place))
        return value

    async def fetch_async(self, place: Place) -> bytes | None:
        """Do the same without blocking the running loop."""
        epoch = self._link.known_epoch(place.namespace)
        if epoch is None:
            epoch = await asyncio.to_thread(self._link.epoch, place.namespace)
        value: bytes | None = await self._link.ask_async(_packed(epoch, place))
        return value

    def claim(self, place: Place) -> bytes | RedisClaim | RedisBusy:
        """Return what is kept by now, or the right to load it, or who has that right.

        Raises:
            TierDown: Redis cannot be asked, or has no room.
        """
        # Before it is asked for, so that no message about its end is missed.
        event = self._link.waiters.add(place)
        found = None
        try:
            found = self._claimed(place, event)
        finally:
            if not isinstance(found, RedisBusy):
                self._link.waiters.remove(place, event)
        if isinstance(found, RedisClaim):
            self._renewals.add(found)
        return found

    def invalidate(self, place: Place) -> None:
        """Remove what is kept, end the claim on it, and tell everybody; when down, on recovery."""
        self._link.tell(place)

    def clear(self, namespace: str) -> None:
        """Do so for every place of `namespace` at once."""
        self._link.tell(namespace)

    def close(self) -> None:
        """Let go of connections and threads; closing twice is no error."""
        self._link.close()
        self._renewals.clear()

    def _claimed(self, place: Place, event: threading.Event) -> bytes | RedisClaim | RedisBusy:
        token = secrets.token_hex(8)
        epoch = self._link.epoch(place.namespace)
        for _ in range(_CLAIM_ATTEMPTS):
            keys = _keys(epoch.text, place)
            kind, *rest = self._write(CLAIM, keys, token, epoch.text, LEASE_MS)
            if kind == b"value":
                value: bytes = rest[0]
                return value
            if kind == b"claimed":
                return RedisClaim(self, place, epoch=epoch.text, token=token)
            if kind == b"busy":
                return RedisBusy(self._link.waiters, place, event, left_s=rest[0] / 1000)
            epoch = self._link.renewed_epoch(place.namespace)
        raise TierDown("the namespace is cleared again and again")

    def store_claimed(self, claim: RedisClaim, sealed: bytes, *, keep_ms: int) -> bool:
        """Keep `sealed` if `claim` still holds, and end the claim."""
        self._renewals.remove(claim)
        if keep_ms < 1:
            self.release_claimed(claim)
            return False
        arguments = (claim.token, claim.epoch, sealed, keep_ms, *self._ended(claim.place))
        try:
            stored = self._write(STORE, _keys(claim.epoch, claim.place), *arguments)
        except TierFull:
            # It can still be told that others need not wait.
            self.release_claimed(claim)
            raise
        return bool(stored)

    def release_claimed(self, claim: RedisClaim) -> None:
        """End `claim` without a value; should Redis be away, it ends by itself."""
        self._renewals.remove(claim)
        lease = _keys(claim.epoch, claim.place)[0]
        with contextlib.suppress(TierDown, TradAIError):
            self._link.ask("EVAL", RELEASE, 1, lease, claim.token, *self._ended(claim.place))

    def _write(self, script: str, keys: tuple[str, ...], *arguments: bytes | str | int) -> Answer:
        """Run a script that a full server refuses; say when that begins and ends."""
        try:
            answer = self._link.ask("EVAL", script, len(keys), *keys, *arguments)
        except TierFull as exc:
            if not self._is_full:
                self._is_full = True
                self.logger.warning("cache full", extra={"reason": str(exc)})
            raise
        if self._is_full:
            self._is_full = False
            self.logger.info("cache has room again")
        return answer

    def _renewed(self, claim: RedisClaim) -> bool:
        """Renew `claim`; False when it is lost for certain."""
        lease = _keys(claim.epoch, claim.place)[0]
        try:
            return bool(self._link.ask("EVAL", RENEW, 1, lease, claim.token, LEASE_MS))
        except (TierDown, TradAIError):
            return True

    def _ended(self, place: Place) -> tuple[str, str]:
        """Return the channel, and the message that the claim on `place` has ended."""
        return (
            self._link.channel,
            f"ended 0 {self._link.node} {place.digest.hex()} {place.namespace}",
        )

    def _doubt(self) -> None:
        self.generation += 1

    def begin_in_fork(self) -> None:
        """Begin anew in a forked process."""
        self._renewals.reset()
        self._link.begin_in_fork()


_TIERS: Final[WeakSet[RedisTier]] = WeakSet()


def _begin_in_fork() -> None:
    for tier in list(_TIERS):
        tier.begin_in_fork()


# Must be known to Python before the first fork.
os.register_at_fork(after_in_child=_begin_in_fork)


def _packed(epoch: Epoch, place: Place) -> bytes:
    return packed_get(epoch.prefix + place.digest.hex().encode())


def _keys(epoch: str, place: Place) -> tuple[str, str, str]:
    """Return the names of lease, value and epoch."""
    namespace = epoch_key(place.namespace)
    value = f"{namespace}:{epoch}:{place.digest.hex()}"
    return f"{value}:lease", value, namespace
