"""The way to Redis: who may ask, what may have been missed, and how it is found again."""

import asyncio
import copy
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, cast, final

from redis.exceptions import AuthenticationError, RedisError

from tradai.cache._redis.circuit_breaker import CircuitBreaker
from tradai.cache._redis.claims import ClaimWaiters
from tradai.cache._redis.connection_options import ANSWER_S, Answer, ConnectionOptions
from tradai.cache._redis.connections import AsyncConnectionPool, ConnectionPool
from tradai.cache._redis.epochs import Epoch, Epochs
from tradai.cache._redis.errors import is_error_reply, is_full, translated
from tradai.cache._redis.listener import GapError, Listener, Message
from tradai.cache._redis.scripts import (
    CLEAR,
    INVALIDATE,
    JOIN,
    SYNCHRONISE,
    channel_of,
    epoch_key,
    number_key,
    probe_key,
)
from tradai.cache._redis.server_check import check_greeting, tls_mismatch
from tradai.cache._redis.unsent import UnsentInvalidations
from tradai.cache._tier.shared_tier import CacheKey, TierDown, TierEvents
from tradai.core import LoggerMixin
from tradai.core.exceptions import TradAIError

__all__ = ["RedisClient", "TierFull"]

Ask: TypeAlias = Callable[..., Answer]

# The first caller waits for the listener: to connect, and for one answer that does not come.
_FIRST_S: Final = 2 * ANSWER_S


@final
class TierFull(TierDown):
    """There is no room for new values; what is kept can still be read and removed."""


@final
class _Attempt:
    """What came of trying to reach Redis for the first time."""

    def __init__(self) -> None:
        self.is_made = threading.Event()
        self.refusal: TradAIError | None = None


@final
class RedisClient(LoggerMixin):
    """Asks Redis, hears what others tell, and keeps what could not be told.

    Attributes:
        node: What this process calls itself in messages.
        channel: Where all messages go.
        waiters: Who waits for the end of a claim.
    """

    def __init__(
        self, options: ConnectionOptions, events: TierEvents, *, doubted: Callable[[], None]
    ) -> None:
        """Call `doubted` whenever an invalidation may have been missed."""
        self._options = options
        self._events = events
        self._doubted = doubted
        self._server = str(options.address)
        self.channel = channel_of(options.address.database)
        self._pool = ConnectionPool(options.connection)
        self._async_pool = AsyncConnectionPool(options.connection_async)
        self._was_up = False
        self._is_told_up = True
        self._is_closed = False
        self._begin()

    def _begin(self) -> None:
        self.node = secrets.token_hex(4)
        self.waiters = ClaimWaiters()
        self._breaker = CircuitBreaker(self._gave_up)
        self._epochs = Epochs()
        self._pending = UnsentInvalidations()
        self._lock = threading.Lock()
        self._attempt: _Attempt | None = None
        self._listener: Listener | None = None

    def begin_in_fork(self) -> None:
        """Begin anew in a forked process, whose parent goes on using the connections."""
        self._options.renew_lock()
        self._pool.abandon()
        self._async_pool.abandon()
        self._begin()
        self._doubted()

    def close(self) -> None:
        """End for good."""
        with self._lock:
            self._is_closed = True
            listener, self._listener = self._listener, None
        self._breaker.open("it was closed")
        if listener is not None:
            listener.stop()
        self._forget_lines()

    # What callers do, in any thread.

    def execute(self, *command: bytes | str | int) -> Answer:
        """Return the answer to `command`.

        Raises:
            TierDown: There is none.
            ConfigurationError: Redis has never been of use, and will not be as it is.
        """
        self._reach()
        cycle = self._breaker.cycle
        try:
            answer = self._pool.execute(*command)
        except (RedisError, TradAIError) as exc:
            raise self._failed(exc, cycle) from exc
        self._breaker.succeeded()
        return answer

    async def execute_async(self, *command: bytes | str | int) -> Answer:
        """Do the same without blocking the running loop."""
        if self._breaker.is_open:
            if self._was_up and not self._is_first:
                raise TierDown(self._breaker.reason)
            await asyncio.to_thread(self._await_first)
        cycle = self._breaker.cycle
        try:
            answer = await self._async_pool.execute(*command)
        except (RedisError, TradAIError) as exc:
            raise self._failed(exc, cycle) from exc
        self._breaker.succeeded()
        return answer

    def known_epoch(self, namespace: str) -> Epoch | None:
        """Return the epoch of `namespace`, if that needs no asking."""
        return self._epochs.known.get(namespace)

    def epoch(self, namespace: str) -> Epoch:
        """Return the epoch of `namespace`; a new one when it has none."""
        known = self.known_epoch(namespace)
        if known is not None:
            return known
        self._reach()
        return self._change(self.execute, JOIN, namespace)

    def renewed_epoch(self, namespace: str) -> Epoch:
        """Return the epoch of `namespace` when the known one is over."""
        self._epochs.forget(namespace)
        return self.epoch(namespace)

    def publish_invalidation(self, what: CacheKey | str) -> None:
        """Invalidate a place, or clear a namespace: now, or when Redis is found again."""
        try:
            self._reach()
            self._publish(what, self.execute)
        except TierDown as exc:
            with self._lock:
                self._pending.add(what)
            # Not heard elsewhere, so nobody may go on as if it were.
            self._breaker.open(str(exc))

    def _publish(self, what: CacheKey | str, execute: Ask) -> None:
        if isinstance(what, str):
            self._change(execute, CLEAR, what)
        else:
            self._change(execute, INVALIDATE, what.namespace, what.digest.hex())

    def _change(self, execute: Ask, script: str, namespace: str, digest: str = "") -> Epoch:
        # Read when Redis is known to be there, as finding it begins a round.
        asked_in = self._epochs.round
        keys = (epoch_key(namespace), number_key())
        arguments = (self.channel, self.node, namespace, secrets.token_hex(8), digest)
        text, number = execute("EVAL", script, len(keys), *keys, *arguments)
        return self._epochs.learn(namespace, text.decode(), number, asked_in=asked_in)

    @property
    def _is_first(self) -> bool:
        """Whether it has not been tried yet, in this process."""
        return self._attempt is None or not self._attempt.is_made.is_set()

    def _reach(self) -> None:
        if self._breaker.is_open:
            self._await_first()

    def _await_first(self) -> None:
        """Return when Redis may be asked; the first to come starts the listener."""
        with self._lock:
            if self._is_closed:
                raise TierDown(self._breaker.reason)
            if self._listener is None:
                self._attempt = _Attempt()
                self._listener = Listener(self, self._options)
                self._listener.start()
            attempt = cast("_Attempt", self._attempt)
        attempt.is_made.wait(_FIRST_S)
        if attempt.refusal is not None:
            # Each caller one of its own: a traceback grows with every raise.
            raise copy.copy(attempt.refusal)
        if self._breaker.is_open:
            raise TierDown(self._breaker.reason)

    def _failed(self, error: Exception, cycle: int) -> TierDown:
        reason = self._reason(error)
        # A full server still serves and still forgets: only new values go without it.
        if is_full(error):
            return TierFull(reason)
        self._breaker.failed(reason, cycle=cycle, is_final=is_error_reply(error))
        return TierDown(reason)

    def _reason(self, error: Exception) -> str:
        if isinstance(error, RedisError):
            return str(translated(error, self._server))
        if isinstance(error, TradAIError):
            return str(error)
        return f"the cache at {self._server} cannot be used: {error}"

    def _gave_up(self, _: str) -> None:
        self._doubted()
        self._forget_lines()
        self.waiters.wake_all()

    def _forget_lines(self) -> None:
        self._pool.forget()
        self._async_pool.forget()

    # What the listener does, in its thread.

    @property
    def is_lost(self) -> bool:
        """Whether callers gave Redis up."""
        return self._breaker.is_open

    def synchronise(self, greeting: Mapping[bytes, object], nonce: str) -> None:
        """Refuse a server that will not do; else replay, read epochs, have `nonce` told."""
        check_greeting(greeting, self._server)
        self.replay()
        namespaces = list(self._epochs.known)
        keys = (number_key(), probe_key(self.node), *map(epoch_key, namespaces))
        arguments = (self.channel, self.node, nonce)
        number, *epochs = self._pool.execute("EVAL", SYNCHRONISE, len(keys), *keys, *arguments)
        texts = [None if epoch is None else epoch.decode() for epoch in epochs]
        self._epochs.renew(dict(zip(namespaces, texts, strict=True)), number)

    def replay(self) -> None:
        """Tell what could not be told."""
        with self._lock:
            untold = self._pending.take()
        try:
            while untold:
                self._publish(untold[-1], self._pool.execute)
                untold.pop()
        finally:
            with self._lock:
                for what in untold:
                    self._pending.add(what)

    def settled(self) -> bool:
        """Let everybody ask, unless something is to be replayed first."""
        with self._lock:
            if self._pending or self._is_closed:
                return False
            self._doubted()
            self._breaker.close()
        self._was_up = True
        self._made()
        if not self._is_told_up:
            self._is_told_up = True
            self._events.on_tier_change(
                is_up=True, reason=f"the cache at {self._server} can be used again"
            )
        return True

    def heard(self, message: Message) -> None:
        """Do what a message says."""
        is_own = message.node == self.node
        if message.kind == "cleared":
            self._epochs.learn(
                message.namespace, message.text, message.number, asked_in=self._epochs.round
            )
            self.waiters.wake_all(message.namespace)
            if not is_own:
                self._events.cleared(message.namespace)
        elif message.kind in {"ended", "invalidated"}:
            self.waiters.wake(message.key)
            if message.kind == "invalidated" and not is_own:
                self._events.invalidated(message.key)

    def lost(self, error: Exception | None) -> bool:
        """Give Redis up; False when it will not be of use as it is, which the next caller hears."""
        if self._is_closed:
            return False
        if isinstance(error, AuthenticationError):
            self._options.forget_password()
        if not isinstance(error, RedisError | TradAIError | GapError | None):
            self.logger.error("cache listener failed", exc_info=error)
        if error is not None:
            self._breaker.open(self._reason(error))
        refusal = None if self._was_up else self._refusal(error)
        if refusal is not None:
            self._made(refusal)
            return False
        if self._is_told_up:
            self._is_told_up = False
            self._events.on_tier_change(is_up=False, reason=self._breaker.reason)
        self._made()
        return True

    def _refusal(self, error: Exception | None) -> TradAIError | None:
        found = translated(error, self._server) if isinstance(error, RedisError) else error
        if isinstance(found, TradAIError) and not found.retryable:
            return found
        is_unanswered = isinstance(error, RedisError) and not is_error_reply(error)
        return tls_mismatch(self._options.address) if is_unanswered else None

    def _made(self, refusal: TradAIError | None = None) -> None:
        """Let those go on who waited for the first attempt."""
        with self._lock:
            attempt = self._attempt
            if refusal is not None:
                # Whoever comes next tries again.
                self._listener = None
        if attempt is not None and not attempt.is_made.is_set():
            attempt.refusal = refusal
            attempt.is_made.set()
