"""The way to Redis: who may ask, what may have been missed, and how it is found again."""

import asyncio
import copy
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import TypeAlias, cast, final

from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tradai.cache._breaker import Breaker
from tradai.cache._epochs import Epoch, Epochs
from tradai.cache._leases import Waiters
from tradai.cache._listener import GapError, Listener, Message
from tradai.cache._pending import Pending
from tradai.cache._redis_errors import is_final, is_full, ours
from tradai.cache._redis_greeting import check_greeting, speaks_otherwise
from tradai.cache._redis_lines import AsyncLines, Lines
from tradai.cache._redis_profile import Answer, Connection, Profile
from tradai.cache._redis_scripts import (
    CLEAR,
    INVALIDATE,
    JOIN,
    SYNCHRONISE,
    channel_of,
    epoch_key,
    number_key,
    own_key,
)
from tradai.cache._tier import Place, TierDown, TierEvents
from tradai.core import LoggerMixin
from tradai.core.exceptions import TradAIError

__all__ = ["Link", "TierFull"]

Ask: TypeAlias = Callable[..., Answer]


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
class Link(LoggerMixin):
    """Asks Redis, hears what others tell, and keeps what could not be told.

    Attributes:
        node: What this process calls itself in messages.
        channel: Where all messages go.
        waiters: Who waits for the end of a claim.
    """

    def __init__(
        self, profile: Profile, events: TierEvents, *, doubted: Callable[[], None]
    ) -> None:
        """Call `doubted` whenever an invalidation may have been missed."""
        self._profile = profile
        self._events = events
        self._doubted = doubted
        self._place = str(profile.address)
        self.channel = channel_of(profile.address.database)
        self._lines = Lines(self._connection)
        self._async_lines = AsyncLines(profile.connection_async, answer_s=profile.answer_s)
        self._was_up = False
        self._is_told_up = True
        self._is_closed = False
        self._begin()

    def _begin(self) -> None:
        self.node = secrets.token_hex(4)
        self.waiters = Waiters()
        self._breaker = Breaker(self._gave_up)
        self._epochs = Epochs()
        self._pending = Pending()
        self._lock = threading.Lock()
        self._attempt: _Attempt | None = None
        self._is_patient = False
        self._listener: Listener | None = None

    def begin_in_fork(self) -> None:
        """Begin anew in a forked process, whose parent goes on using the connections."""
        self._profile.renew_lock()
        self._lines.abandon()
        self._async_lines.abandon()
        self._begin()
        self._doubted()

    def close(self) -> None:
        """End for good."""
        with self._lock:
            self._is_closed = True
            listener, self._listener = self._listener, None
        self._breaker.open("it was closed")
        self._made()
        if listener is not None:
            listener.stop()
        self._forget_lines()

    # What callers do, in any thread.

    def ask(self, *command: bytes | str | int) -> Answer:
        """Return the answer to `command`.

        Raises:
            TierDown: There is none.
            ConfigurationError: Redis has never been of use, and will not be as it is.
        """
        self._reach()
        turn = self._breaker.turn
        try:
            answer = self._lines.ask(*command)
        except (RedisError, TradAIError) as exc:
            raise self._failed(exc, turn) from exc
        self._breaker.succeeded()
        return answer

    async def ask_async(self, *command: bytes | str | int) -> Answer:
        """Do the same without blocking the running loop."""
        if self._breaker.is_open:
            if self._was_up and not self._is_untried:
                raise TierDown(self._breaker.reason)
            await asyncio.to_thread(self._await_first)
        turn = self._breaker.turn
        try:
            answer = await self._async_lines.ask(*command)
        except (RedisError, TradAIError) as exc:
            raise self._failed(exc, turn) from exc
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
        return self._change(self.ask, JOIN, namespace)

    def renewed_epoch(self, namespace: str) -> Epoch:
        """Return the epoch of `namespace` when the known one is over."""
        self._epochs.forget(namespace)
        return self.epoch(namespace)

    def tell(self, what: Place | str) -> None:
        """Invalidate a place, or clear a namespace: now, or when Redis is found again."""
        try:
            self._reach()
            self._tell(what, self.ask)
        except TierDown as exc:
            with self._lock:
                self._pending.add(what)
            # Not heard elsewhere, so nobody may go on as if it were.
            self._breaker.open(str(exc))

    def _tell(self, what: Place | str, ask: Ask) -> None:
        if isinstance(what, str):
            self._change(ask, CLEAR, what)
        else:
            self._change(ask, INVALIDATE, what.namespace, what.digest.hex())

    def _change(self, ask: Ask, script: str, namespace: str, digest: str = "") -> Epoch:
        # Read when Redis is known to be there, as finding it begins a round.
        asked_in = self._epochs.round
        keys = (epoch_key(namespace), number_key())
        arguments = (self.channel, self.node, namespace, secrets.token_hex(8), digest)
        text, number = ask("EVAL", script, len(keys), *keys, *arguments)
        return self._epochs.learn(namespace, text.decode(), number, asked_in=asked_in)

    @property
    def _is_untried(self) -> bool:
        """Whether it has not been tried yet, in this process."""
        return self._attempt is None or not self._attempt.is_made.is_set()

    def _connection(self) -> Connection:
        return self._profile.connection(answer_s=self.answer_s)

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
                self._listener = Listener(self, self._profile)
                self._listener.start()
            attempt = cast("_Attempt", self._attempt)
        attempt.is_made.wait(self._profile.first_s)
        if attempt.refusal is not None:
            # Each caller one of its own: a traceback grows with every raise.
            raise copy.copy(attempt.refusal)
        if self._breaker.is_open:
            raise TierDown(self._breaker.reason)

    def _failed(self, error: Exception, turn: int) -> TierDown:
        reason = self._reason(error)
        # A full server still serves and still forgets: only new values go without it.
        if is_full(error):
            return TierFull(reason)
        self._breaker.failed(reason, turn=turn, is_final=is_final(error))
        return TierDown(reason)

    def _reason(self, error: Exception) -> str:
        if isinstance(error, RedisError):
            return str(ours(error, self._place))
        if isinstance(error, TradAIError):
            return str(error)
        return f"the cache at {self._place} cannot be used: {error}"

    def _gave_up(self, _: str) -> None:
        self._doubted()
        self._forget_lines()
        self.waiters.wake_all()

    def _forget_lines(self) -> None:
        self._lines.forget()
        self._async_lines.forget()

    # What the listener does, in its thread.

    @property
    def is_lost(self) -> bool:
        """Whether callers gave Redis up."""
        return self._breaker.is_open

    @property
    def answer_s(self) -> float:
        """How long to wait for an answer now."""
        return self._profile.first_s if self._is_patient else self._profile.answer_s

    def synchronise(self, greeting: Mapping[bytes, object], nonce: str) -> None:
        """Refuse a server that will not do; else replay, read epochs, have `nonce` told."""
        check_greeting(greeting, self._place)
        self.replay()
        namespaces = list(self._epochs.known)
        keys = (number_key(), own_key(self.node), *map(epoch_key, namespaces))
        arguments = (self.channel, self.node, nonce)
        number, *epochs = self._lines.ask("EVAL", SYNCHRONISE, len(keys), *keys, *arguments)
        texts = [None if epoch is None else epoch.decode() for epoch in epochs]
        self._epochs.renew(dict(zip(namespaces, texts, strict=True)), number)

    def replay(self) -> None:
        """Tell what could not be told."""
        with self._lock:
            untold = self._pending.take()
        try:
            while untold:
                self._tell(untold[-1], self._lines.ask)
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
            self._end_patience()
            self._breaker.close()
        self._was_up = True
        self._made()
        if not self._is_told_up:
            self._is_told_up = True
            self._events.went(is_up=True, reason=f"the cache at {self._place} can be used again")
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
            self.waiters.wake(message.place)
            if message.kind == "invalidated" and not is_own:
                self._events.invalidated(message.place)

    def lost(self, error: Exception | None) -> bool:
        """Give Redis up; False when it will not be of use as it is, which the next caller hears."""
        if self._is_closed:
            return False
        if isinstance(error, AuthenticationError):
            self._profile.forget_password()
        if not isinstance(error, RedisError | TradAIError | GapError | None):
            self.logger.error("cache listener failed", exc_info=error)
        if error is not None:
            self._breaker.open(self._reason(error))
        refusal = None if self._was_up else self._refusal(error)
        if refusal is not None:
            self._made(refusal)
            return False
        if self._begin_patience(error):
            return True
        if self._is_told_up:
            self._is_told_up = False
            self._events.went(is_up=False, reason=self._breaker.reason)
        self._made()
        return True

    def _refusal(self, error: Exception | None) -> TradAIError | None:
        found = ours(error, self._place) if isinstance(error, RedisError) else error
        if isinstance(found, TradAIError) and not found.retryable:
            return found
        is_unanswered = isinstance(error, RedisError) and not is_final(error)
        return self._speaks_otherwise(error) if is_unanswered else None

    def _speaks_otherwise(self, error: Exception | None) -> TradAIError | None:
        address = self._profile.address
        # Where TLS is spoken a line that speaks otherwise is cut. A plain server is silent instead,
        # when it is asked whether it speaks TLS: to wait for that answer would be in vain.
        has_answer = address.is_encrypted or not isinstance(error, RedisTimeoutError)
        is_worth_it = self._is_untried and has_answer
        wait_s = self._profile.first_s if is_worth_it else self._profile.answer_s
        return speaks_otherwise(address, answer_s=wait_s)

    def _made(self, refusal: TradAIError | None = None) -> None:
        """Let those go on who waited for the first attempt."""
        self._end_patience()
        with self._lock:
            attempt = self._attempt
            if refusal is not None:
                # Whoever comes next tries again.
                self._listener = None
        if attempt is not None and not attempt.is_made.is_set():
            attempt.refusal = refusal
            attempt.is_made.set()

    def _begin_patience(self, error: Exception | None) -> bool:
        """Wait for longer from now on; False when it was done, or would be of no use.

        Until it was tried with patience, silence does not tell an outage from wrong settings,
        which a busy machine, or a busy server, is slow to refuse.
        """
        is_silent = isinstance(error, RedisTimeoutError)
        if self._was_up or self._is_patient or not (is_silent and self._is_untried):
            return False
        self._is_patient = True
        return True

    def _end_patience(self) -> None:
        """Wait as usual from now on, also on lines that were made to wait for longer."""
        if self._is_patient:
            self._is_patient = False
            self._lines.forget()
