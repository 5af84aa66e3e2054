"""Listener thread: receives invalidations on the pub/sub channel, and reconnects after a loss."""

import contextlib
import random
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, final

from redis.exceptions import TimeoutError as RedisTimeoutError

from tradai.cache._redis.connection_options import Connection, ConnectionOptions
from tradai.cache._redis.scripts import channel_of
from tradai.cache._tier.shared_tier import CacheKey

# After this time without a message, a PING shows whether the connection still works.
_SILENCE_S: Final = 0.5
# Longest wait for a message before the thread checks its state.
_POLL_S: Final = 0.25
# Pause between attempts to find Redis; spread, so that a fleet does not return in one instant.
_PAUSE_S: Final = 0.1


@final
@dataclass(frozen=True, slots=True)
class Message:
    """A pub/sub message from this or another process.

    Attributes:
        kind: ``invalidated``, ``cleared``, ``ended`` (a lease) or ``here`` (a listener).
        number: Counts the ``invalidated`` and ``cleared`` messages of all processes; 0 in
            ``ended``, and in ``here`` the number of the last message that counts.
        node: Name of the sending process.
        text: The digest, the epoch, or the nonce of a listener.
        namespace: The namespace it is about.
    """

    kind: str
    number: int
    node: str
    text: str
    namespace: str

    @property
    def is_numbered(self) -> bool:
        """Whether it counts in the sequence of messages."""
        return self.kind in {"invalidated", "cleared"}

    @property
    def key(self) -> CacheKey:
        """The cache key it is about."""
        return CacheKey(self.namespace, bytes.fromhex(self.text))

    @classmethod
    def read(cls, data: bytes) -> "Message | None":
        """Return the message in `data`; None when it is not one of ours."""
        parts = data.decode(errors="replace").split(" ", 4)
        try:
            kind, number, node, text, namespace = parts
            return cls(kind, int(number), node, text, namespace)
        except ValueError:
            return None


class ListenerDelegate(Protocol):
    """Receiver of a listener's events, called from its thread only."""

    @property
    def is_lost(self) -> bool:
        """Whether callers have found that Redis is away."""

    @property
    def answer_s(self) -> float:
        """The present limit for one answer; longer when the first attempt met silence."""

    def synchronise(self, greeting: Mapping[bytes, object], nonce: str) -> None:
        """Check the server; then replay, read the epochs, and have `nonce` published."""

    def resume(self) -> bool:
        """Let callers ask again; False when there are unsent invalidations to replay first."""

    def replay(self) -> None:
        """Publish the unsent invalidations."""

    def receive(self, message: Message) -> None:
        """Apply a message."""

    def handle_loss(self, error: Exception | None) -> bool:
        """Handle the loss of the connection; return whether another attempt can succeed."""


@final
class Listener:
    """One thread with one connection, from the first use until it is stopped."""

    def __init__(self, delegate: ListenerDelegate, options: ConnectionOptions) -> None:
        self._delegate = delegate
        self._options = options
        self._stopped = threading.Event()
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="tradai-cache", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop and wait for the end; not to be called in the thread itself."""
        self._stopped.set()
        connection = self._connection
        if connection is not None:
            # Wakes the thread from its read.
            connection.disconnect()
        self._thread.join(timeout=4 * self._options.answer_s)

    def _run(self) -> None:
        goes_on = True
        while goes_on and not self._stopped.is_set():
            began = time.monotonic()
            goes_on = self._delegate.handle_loss(self._listen_until_lost())
            # A connection that lasted for a while can probably be made again at once.
            if goes_on and time.monotonic() - began < _SILENCE_S:
                # Randomness only spreads the attempts, and is not for security.
                self._stopped.wait(_PAUSE_S * (1 + random.random()))  # noqa: S311

    def _listen_until_lost(self) -> Exception | None:
        """Listen until Redis is lost; return the error, or None when callers found out first."""
        try:
            pubsub = PubSubConnection(self._options, self._delegate.answer_s)
            with contextlib.closing(pubsub):
                self._connection = pubsub.connection
                self._listen(pubsub)
        # If this thread ended, the process would miss every invalidation: retry after any error.
        except Exception as exc:  # noqa: BLE001
            return exc
        finally:
            self._connection = None
        return None

    def _listen(self, pubsub: "PubSubConnection") -> None:
        greeting = pubsub.execute("HELLO")
        # PING tests a silent connection later: a user without permission for it must fail now.
        pubsub.execute("PING")
        pubsub.execute("SUBSCRIBE", channel_of(self._options.address.database))
        nonce = secrets.token_hex(8)
        self._delegate.synchronise(dict(zip(greeting[::2], greeting[1::2], strict=False)), nonce)
        number = pubsub.number_at(nonce)
        while not (self._delegate.resume() or self._stopped.is_set()):
            self._delegate.replay()
        pubsub.answer_s = self._delegate.answer_s
        while not (self._delegate.is_lost or self._stopped.is_set()):
            message = pubsub.next_message()
            if message is None:
                continue
            if message.is_numbered:
                number += 1
                if message.number != number:
                    raise GapError(number, message.number)
            self._delegate.receive(message)


class GapError(Exception):
    """A message was missed, or the numbers started anew."""

    def __init__(self, expected: int, number: int) -> None:
        super().__init__(f"message {expected} was missed, {number} came instead")


@final
class PubSubConnection:
    """The subscribed connection, in RESP 2: every version of redis-py reads its messages alike.

    Attributes:
        answer_s: Limit for one answer. Changing it leaves the timeout of the socket, which matters
            only when the first part of a message has arrived.
    """

    def __init__(self, options: ConnectionOptions, answer_s: float) -> None:
        self.answer_s = answer_s
        self.connection = options.connection(protocol=2, answer_s=answer_s)
        self._heard_at = time.monotonic()

    def execute(self, *command: str) -> list[Any]:
        """Return the answer to one command."""
        self.connection.send_command(*command)
        answer: list[Any] = self.connection.read_response()
        return answer

    def number_at(self, nonce: str) -> int:
        """Return the number that came with `nonce`, skipping older messages."""
        deadline = time.monotonic() + 2 * self.answer_s
        while time.monotonic() < deadline:
            message = self.next_message()
            if message is not None and message.text == nonce:
                return message.number
        raise RedisTimeoutError

    def next_message(self) -> Message | None:
        """Return the next message; None when there is none for a while.

        Raises:
            RedisError: The connection is cut, or does not answer a PING.
        """
        if not self.connection.can_read(timeout=_POLL_S):
            self._ping_if_silent()
            return None
        self._heard_at = time.monotonic()
        kind, *_, data = self.connection.read_response()
        return Message.read(data) if kind == b"message" else None

    def close(self) -> None:
        """Close the connection."""
        self.connection.disconnect()

    def _ping_if_silent(self) -> None:
        if time.monotonic() - self._heard_at < _SILENCE_S:
            return
        self.connection.send_command("PING")
        if not self.connection.can_read(timeout=self.answer_s):
            raise RedisTimeoutError
