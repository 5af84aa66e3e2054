"""Which epoch each namespace is in, as far as this process knows."""

import threading
from collections.abc import Mapping
from typing import NamedTuple, final

from tradai.cache._redis.scripts import value_key_prefix

__all__ = ["Epoch", "Epochs"]


class Epoch(NamedTuple):
    """An epoch, and how the names of its values begin."""

    text: str
    prefix: bytes
    number: int


@final
class Epochs:
    """Epochs by namespace; of two, the one told by the later message is right.

    Attributes:
        known: The epochs; read without a lock.
    """

    def __init__(self) -> None:
        self.known: dict[str, Epoch] = {}
        self._lock = threading.Lock()
        self._round = 0

    @property
    def round(self) -> int:
        """Changes when numbers begin anew, so that an answer from before is not believed."""
        return self._round

    def learn(self, namespace: str, text: str, number: int, *, asked_in: int) -> Epoch:
        """Note the epoch `text`, which was true at message `number`; return the one that counts."""
        with self._lock:
            told = Epoch(text, value_key_prefix(namespace, text), number)
            known = self.known.get(namespace)
            if asked_in != self._round:
                # Which of the two is newer nobody can tell: the next caller asks.
                self.known.pop(namespace, None)
                return told
            if known is None or number >= known.number:
                self.known[namespace] = told
                return told
            return known

    def forget(self, namespace: str) -> None:
        """Ask for the epoch again when it is next needed."""
        with self._lock:
            self.known.pop(namespace, None)

    def renew(self, texts: Mapping[str, str | None], number: int) -> None:
        """Take the epochs that hold at message `number`, and forget all others."""
        with self._lock:
            self._round += 1
            self.known = {
                namespace: Epoch(text, value_key_prefix(namespace, text), number)
                for namespace, text in texts.items()
                if text is not None
            }
