"""Epochs of the namespaces that this process uses; `scripts.py` says what an epoch is."""

import threading
from collections.abc import Mapping
from typing import NamedTuple, final

from tradai.cache._redis.scripts import value_key_prefix


class Epoch(NamedTuple):
    """An epoch, the prefix of its value keys, and the number of the message that named it."""

    text: str
    prefix: bytes
    number: int


@final
class Epochs:
    """Epochs by namespace; of two, the one from the later message holds.

    Attributes:
        known: The epochs; read without a lock.
        numbering: Grows each time Redis is found, since message numbers may start anew there: an
            answer that was requested under an older numbering is not kept.
    """

    def __init__(self) -> None:
        self.known: dict[str, Epoch] = {}
        self._used: set[str] = set()
        self.numbering = 0
        self._lock = threading.Lock()

    def record(self, namespace: str, text: str, number: int, *, numbering_when_asked: int) -> Epoch:
        """Record that `text` held at message `number`; return the epoch that holds now.

        `numbering_when_asked` is the `numbering` at the time of the request.
        """
        with self._lock:
            answered = Epoch(text, value_key_prefix(namespace, text), number)
            known = self.known.get(namespace)
            if numbering_when_asked != self.numbering:
                # Numbers of two numberings cannot be compared: the next caller asks again.
                self.known.pop(namespace, None)
                return answered
            if known is None or number >= known.number:
                self.known[namespace] = answered
                return answered
            return known

    def use(self, namespace: str) -> None:
        """Keep the epoch of `namespace` from one connection to the next."""
        self._used.add(namespace)

    def used(self) -> list[str]:
        """Return the namespaces of this process; a fleet may have many more."""
        return sorted(self._used)

    def forget(self, namespace: str) -> None:
        """Ask for the epoch again when it is next needed."""
        with self._lock:
            self.known.pop(namespace, None)

    def replace_all(self, texts: Mapping[str, str | None], number: int) -> None:
        """Replace all epochs by those that hold at message `number`."""
        with self._lock:
            self.numbering += 1
            self.known = {
                namespace: Epoch(text, value_key_prefix(namespace, text), number)
                for namespace, text in texts.items()
                if text is not None
            }
