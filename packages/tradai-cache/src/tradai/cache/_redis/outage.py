"""Loss and return of Redis: stop callers; find it again, replay invalidations, let callers ask."""

import copy
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast, final

from redis.exceptions import AuthenticationError, RedisError, TimeoutError as RedisTimeoutError

from tradai.cache._redis.circuit_breaker import CircuitBreaker
from tradai.cache._redis.connection_options import ConnectionOptions
from tradai.cache._redis.connections import ConnectionPool
from tradai.cache._redis.errors import is_error_reply, outage_reason, translated
from tradai.cache._redis.leases import LeaseWaiters
from tradai.cache._redis.listener import GapError, Listener, Message
from tradai.cache._redis.publisher import Publisher
from tradai.cache._redis.server_requirements import check_greeting, tls_mismatch
from tradai.cache._tier.shared_tier import TierDown, TierEvents
from tradai.core import LoggerMixin
from tradai.core.exceptions import TradAIError


@final
@dataclass(slots=True, eq=False)
class _Attempt:
    """The first attempt to find Redis, and its error if the settings are wrong."""

    is_done: threading.Event = field(default_factory=threading.Event)
    error: TradAIError | None = None


@final
class OutageHandler(LoggerMixin):
    """Delegate of the listener: closes the breaker when Redis is found, opens it when it is lost.

    Attributes:
        breaker: Whether callers may ask Redis.
        publisher: Sends and replays invalidations.
        waiters: Calls that wait for the end of a lease.
        was_up: Whether Redis was ever found.
    """

    def __init__(
        self,
        options: ConnectionOptions,
        events: TierEvents,
        pool: ConnectionPool,
        *,
        on_loss: Callable[[], None],
        on_gap: Callable[[], None],
    ) -> None:
        """Call `on_loss` when Redis is lost, `on_gap` when invalidations may have been missed."""
        self._options = options
        self._events = events
        self._pool = pool
        self._on_loss = on_loss
        self._on_gap = on_gap
        self._server = str(options.address)
        self.was_up = False
        self._is_reported_up = True
        self._is_closed = False
        self.begin()

    def begin(self) -> None:
        """Start without listener and messages; also in a forked process."""
        self.waiters = LeaseWaiters()
        self.breaker = CircuitBreaker(self._on_open)
        self._lock = threading.Lock()
        self.publisher = Publisher(self._options.address.database, self._lock)
        self._attempt: _Attempt | None = None
        self._has_long_timeout = False
        self._listener: Listener | None = None

    def close(self) -> None:
        """Stop the listener for good."""
        with self._lock:
            self._is_closed = True
            listener, self._listener = self._listener, None
        self.breaker.open("it was closed")
        self._end_attempt()
        if listener is not None:
            listener.stop()

    # Called in the threads of callers.

    @property
    def is_first_attempt_open(self) -> bool:
        """Whether the first attempt of this process has not ended yet."""
        return self._attempt is None or not self._attempt.is_done.is_set()

    def require_up(self) -> None:
        """Return when Redis may be asked; the first call starts the listener.

        Raises:
            TierDown: Redis is away, or this was closed.
            ConfigurationError: Redis was never usable, and cannot be with these settings.
        """
        if not self.breaker.is_open:
            return
        with self._lock:
            if self._is_closed:
                raise TierDown(self.breaker.reason)
            if self._listener is None:
                self._attempt = _Attempt()
                self._listener = Listener(self, self._options)
                self._listener.start()
            attempt = cast("_Attempt", self._attempt)
        attempt.is_done.wait(self._options.first_s)
        if attempt.error is not None:
            # A copy for each caller: a traceback grows with every raise.
            raise copy.copy(attempt.error)
        if self.breaker.is_open:
            raise TierDown(self.breaker.reason)

    # Called by the listener, in its thread.

    @property
    def is_lost(self) -> bool:
        """Whether callers have found that Redis is away."""
        return self.breaker.is_open

    @property
    def answer_s(self) -> float:
        """The present limit for one answer; longer when the first attempt met silence."""
        return self._options.first_s if self._has_long_timeout else self._options.answer_s

    def synchronise(self, greeting: Mapping[bytes, object], nonce: str) -> None:
        """Check the server; then replay, read the epochs, and have `nonce` published."""
        check_greeting(greeting, self._server)
        self.replay()
        self.publisher.synchronise(nonce, self._pool.execute)

    def replay(self) -> None:
        """Publish the unsent invalidations."""
        self.publisher.replay(self._pool.execute)

    def resume(self) -> bool:
        """Let callers ask again; False when there are unsent invalidations to replay first."""
        with self._lock:
            if self.publisher.has_unsent or self._is_closed:
                return False
            self._on_gap()
            self._use_usual_timeout()
            self.breaker.close()
        self.was_up = True
        self._end_attempt()
        if not self._is_reported_up:
            self._is_reported_up = True
            reason = f"the cache at {self._server} can be used again"
            self._events.on_tier_change(is_up=True, reason=reason)
        return True

    def receive(self, message: Message) -> None:
        """Apply a message: forget values, wake waiters."""
        is_own = message.node == self.publisher.node
        if message.kind == "cleared":
            epochs = self.publisher.epochs
            epochs.record(
                message.namespace,
                message.text,
                message.number,
                numbering_when_asked=epochs.numbering,
            )
            self.waiters.wake_all(message.namespace)
            if not is_own:
                self._events.cleared(message.namespace)
        elif message.kind in {"ended", "invalidated"}:
            self.waiters.wake(message.key)
            if message.kind == "invalidated" and not is_own:
                self._events.invalidated(message.key)

    def handle_loss(self, error: Exception | None) -> bool:
        """Open the breaker; False when the settings are wrong, which the next caller raises."""
        if self._is_closed:
            return False
        if isinstance(error, AuthenticationError):
            self._options.forget_password()
            self._on_loss()
        if not isinstance(error, RedisError | TradAIError | GapError | None):
            self.logger.error("cache listener failed", exc_info=error)
        if error is not None:
            self.breaker.open(outage_reason(error, f"the cache at {self._server}"))
        settings_error = None if self.was_up else self._settings_error(error)
        if settings_error is not None:
            self._end_attempt(settings_error)
            return False
        if self._use_long_timeout(error):
            return True
        if self._is_reported_up:
            self._is_reported_up = False
            self._events.on_tier_change(is_up=False, reason=self.breaker.reason)
        self._end_attempt()
        return True

    def _on_open(self, _: str) -> None:
        self._on_gap()
        self._on_loss()
        self.waiters.wake_all()

    def _settings_error(self, error: Exception | None) -> TradAIError | None:
        known = (
            translated(error, f"the cache at {self._server}")
            if isinstance(error, RedisError)
            else error
        )
        if isinstance(known, TradAIError) and not known.retryable:
            return known
        is_unanswered = isinstance(error, RedisError) and not is_error_reply(error)
        return self._tls_mismatch(error) if is_unanswered else None

    def _tls_mismatch(self, error: Exception | None) -> TradAIError | None:
        address = self._options.address
        # A TLS server cuts a plain connection. A plain server stays silent when it is asked for
        # TLS: waiting longer for that answer would be in vain.
        has_answer = address.is_encrypted or not isinstance(error, RedisTimeoutError)
        is_worth_it = self.is_first_attempt_open and has_answer
        answer_s = self._options.first_s if is_worth_it else self._options.answer_s
        return tls_mismatch(address, answer_s=answer_s)

    def _end_attempt(self, error: TradAIError | None = None) -> None:
        """Wake the callers that wait for the first attempt."""
        self._use_usual_timeout()
        with self._lock:
            attempt = self._attempt
            if error is not None:
                # The next caller tries again.
                self._listener = None
        if attempt is not None and not attempt.is_done.is_set():
            attempt.error = error
            attempt.is_done.set()

    def _use_long_timeout(self, error: Exception | None) -> bool:
        """Wait longer for answers from now on; False when that was tried, or is of no use.

        A timeout may mean an outage or wrong settings. A busy server or machine rejects wrong
        settings slowly, so wait longer once.
        """
        is_silent = isinstance(error, RedisTimeoutError)
        if self.was_up or self._has_long_timeout or not (is_silent and self.is_first_attempt_open):
            return False
        self._has_long_timeout = True
        self._pool.renew()
        return True

    def _use_usual_timeout(self) -> None:
        """Wait as long as usual from now on, and close connections with the longer limit."""
        if self._has_long_timeout:
            self._has_long_timeout = False
            self._pool.renew()
