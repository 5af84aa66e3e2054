"""The thread that hears what others invalidate, and finds Redis again after it was lost."""

import contextlib
import random
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, final

from redis.exceptions import TimeoutError as RedisTimeoutError

from tradai.cache._redis_profile import Connection, Profile
from tradai.cache._redis_scripts import channel_of
from tradai.cache._tier import Place

__all__ = ["GapError", "Listener", "Message", "Side"]

# How long silence is believed, and how often the thread looks up from the line.
_SILENCE_S: Final = 0.5
_LOOK_S: Final = 0.25
# Between attempts to find Redis again: spread, so that a fleet does not return in one instant.
_PAUSE_S: Final = 0.1


@final
@dataclass(frozen=True, slots=True)
class Message:
    """What somebody told everybody.

    Attributes:
        kind: ``invalidated``, ``cleared``, ``ended`` (a claim) or ``here`` (a listener).
        number: One more than that of the message before; 0 for an ended claim, and that of the
            message before for a listener.
        node: Who told it.
        text: The digest, the epoch, or what a listener recognises itself by.
        namespace: Where it holds.
    """

    kind: str
    number: int
    node: str
    text: str
    namespace: str

    @property
    def is_numbered(self) -> bool:
        """Whether it counts when messages are counted."""
        return self.kind in {"invalidated", "cleared"}

    @property
    def place(self) -> Place:
        """The place it is about."""
        return Place(self.namespace, bytes.fromhex(self.text))

    @classmethod
    def read(cls, data: bytes) -> "Message | None":
        """Return the message; None when it is not one of ours."""
        parts = data.decode(errors="replace").split(" ", 4)
        try:
            kind, number, node, text, namespace = parts
            return cls(kind, int(number), node, text, namespace)
        except ValueError:
            return None


class Side(Protocol):
    """The tier, as its listener sees it, which alone calls this, from its thread."""

    @property
    def is_lost(self) -> bool:
        """Whether those who ask Redis have given it up."""
        ...

    @property
    def answer_s(self) -> float:
        """How long to wait for an answer now: longer when the first attempt met silence."""
        ...

    def synchronise(self, greeting: Mapping[bytes, object], nonce: str) -> None:
        """Refuse a server that will not do; else replay, read epochs, have `nonce` told."""
        ...

    def settled(self) -> bool:
        """Go on, with everything known; False when something is to be replayed first."""
        ...

    def replay(self) -> None:
        """Tell what could not be told."""
        ...

    def heard(self, message: Message) -> None:
        """Do what a message says."""
        ...

    def lost(self, error: Exception | None) -> bool:
        """Give Redis up; False when there is no use in trying again."""
        ...


@final
class Listener:
    """One line and one thread, from the first use until it is stopped."""

    def __init__(self, side: Side, profile: Profile) -> None:
        self._side = side
        self._profile = profile
        self._stopped = threading.Event()
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="tradai-cache", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the end; not from the thread itself."""
        self._stopped.set()
        connection = self._connection
        if connection is not None:
            # Wakes the thread from the line.
            connection.disconnect()
        self._thread.join(timeout=4 * self._profile.answer_s)

    def _run(self) -> None:
        goes_on = True
        while goes_on and not self._stopped.is_set():
            began = time.monotonic()
            goes_on = self._side.lost(self._attended())
            # After it went well for a while it probably will again.
            if goes_on and time.monotonic() - began < _SILENCE_S:
                # Not for security: only to spread.
                self._stopped.wait(_PAUSE_S * (1 + random.random()))  # noqa: S311

    def _attended(self) -> Exception | None:
        """Listen for as long as it goes well; why it did not, None when others found out."""
        try:
            with contextlib.closing(_Line(self._profile, self._side.answer_s)) as line:
                self._connection = line.connection
                self._attend(line)
        # The end of the thread would leave the process deaf: whatever it is, begin again.
        except Exception as exc:  # noqa: BLE001
            return exc
        finally:
            self._connection = None
        return None

    def _attend(self, line: "_Line") -> None:
        greeting = line.ask("HELLO")
        # Silence is broken by it later: whoever may not is to hear of it now.
        line.ask("PING")
        line.ask("SUBSCRIBE", channel_of(self._profile.address.database))
        nonce = secrets.token_hex(8)
        self._side.synchronise(dict(zip(greeting[::2], greeting[1::2], strict=False)), nonce)
        number = line.number_told_with(nonce)
        while not (self._side.settled() or self._stopped.is_set()):
            self._side.replay()
        line.answer_s = self._side.answer_s
        while not (self._side.is_lost or self._stopped.is_set()):
            message = line.next_message()
            if message is None:
                continue
            if message.is_numbered:
                number += 1
                if message.number != number:
                    raise GapError(number, message.number)
            self._side.heard(message)


class GapError(Exception):
    """Messages are missing, or their numbers began anew."""

    def __init__(self, expected: int, number: int) -> None:
        super().__init__(f"message {expected} was missed, {number} came instead")


@final
class _Line:
    """The connection that is subscribed. Every redis-py reads messages of protocol 2 alike.

    Attributes:
        answer_s: How long to wait for an answer. The connection goes on as it began: there it
            counts only for a message of which a part has come.
    """

    def __init__(self, profile: Profile, answer_s: float) -> None:
        self.answer_s = answer_s
        self.connection = profile.connection(protocol=2, answer_s=answer_s)
        self._heard_at = time.monotonic()

    def ask(self, *command: str) -> list[Any]:
        self.connection.send_command(*command)
        answer: list[Any] = self.connection.read_response()
        return answer

    def number_told_with(self, nonce: str) -> int:
        """Return the number that came with `nonce`; older messages are passed over."""
        deadline = time.monotonic() + 2 * self.answer_s
        while time.monotonic() < deadline:
            message = self.next_message()
            if message is not None and message.text == nonce:
                return message.number
        raise RedisTimeoutError

    def next_message(self) -> Message | None:
        """Return what came, after a while at most None.

        Raises:
            RedisError: The line is cut, or silent even when asked to speak.
        """
        if not self.connection.can_read(timeout=_LOOK_S):
            self._break_silence()
            return None
        self._heard_at = time.monotonic()
        kind, *_, data = self.connection.read_response()
        return Message.read(data) if kind == b"message" else None

    def close(self) -> None:
        self.connection.disconnect()

    def _break_silence(self) -> None:
        if time.monotonic() - self._heard_at < _SILENCE_S:
            return
        self.connection.send_command("PING")
        if not self.connection.can_read(timeout=self.answer_s):
            raise RedisTimeoutError
