"""Epochs of namespaces, as far as this process knows them."""

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
        round: Changes when message numbers start anew, so that an older answer is not believed.
    """

    def __init__(self) -> None:
        self.known: dict[str, Epoch] = {}
        self.round = 0
        self._lock = threading.Lock()

    def record(self, namespace: str, text: str, number: int, *, asked_in: int) -> Epoch:
        """Record that `text` held at message `number`; return the epoch that holds now."""
        with self._lock:
            answered = Epoch(text, value_key_prefix(namespace, text), number)
            known = self.known.get(namespace)
            if asked_in != self.round:
                # Either of the two may be the newer one: the next caller asks again.
                self.known.pop(namespace, None)
                return answered
            if known is None or number >= known.number:
                self.known[namespace] = answered
                return answered
            return known

    def forget(self, namespace: str) -> None:
        """Ask for the epoch again when it is next needed."""
        with self._lock:
            self.known.pop(namespace, None)

    def replace_all(self, texts: Mapping[str, str | None], number: int) -> None:
        """Replace all epochs by those that hold at message `number`."""
        with self._lock:
            self.round += 1
            self.known = {
                namespace: Epoch(text, value_key_prefix(namespace, text), number)
                for namespace, text in texts.items()
                if text is not None
            }
