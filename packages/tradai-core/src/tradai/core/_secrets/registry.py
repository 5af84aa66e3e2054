"""Registry of the values to mask: found by value, forgotten when they are of no use any more."""

from collections import deque
from collections.abc import Iterator, Sequence, Set as AbstractSet
from typing import Final, final

from tradai.core._fork_lock import ForkLock
from tradai.core._secrets.encodings import EncodedText, base64_forms, longest_word
from tradai.core._secrets.text_index import SHORTEST as SHORTEST_WORD, TextIndex

_SHORTEST: Final = 4
_SHORTEST_LINE: Final = 8
# Values that no holder has any more, but which a client that was built with one may still print.
_MOST_UNHELD: Final = 256


@final
class SecretRegistry:
    """The values to mask, each with the number of its holders.

    A value without a holder stays for a while, until enough others have lost theirs.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._index = TextIndex()
        self._holders: dict[str, int] = {}
        self._unheld: dict[str, None] = {}
        # Values without a word to index them by, which are looked for one by one.
        self._wordless: dict[str, None] = {}
        self._compiled: dict[str, EncodedText] = {}
        self._released: deque[str] = deque()
        self._lock = ForkLock()

    def hold(self, text: str) -> None:
        """Mask `text`, and each of its lines alone, while it is held."""
        with self._lock:
            self._settle()
            for value in _values(text):
                self._add(value)

    def release(self, text: str) -> None:
        """Count one holder of `text` less, later: garbage collection calls this at any moment."""
        self._released.append(text)

    def finds(self, texts: Sequence[str]) -> bool:
        """Tell whether there is a value in any of `texts`."""
        if self._released:
            with self._lock:
                self._settle()
        shortest = 0 if self._wordless else self._index.shortest
        # Written out, because each log line pays for it: most texts, and their words, are shorter.
        for text in texts:
            if len(text) >= shortest:
                for piece in text.split():
                    if len(piece) >= shortest:
                        if self._is_in(text):
                            return True
                        break
        return False

    def _is_in(self, text: str) -> bool:
        return any(self._encoded(value).is_in(text) for value in self._candidates(text))

    def replace(self, text: str, mask: str) -> str:
        """Return `text` with `mask` in place of each value in it, the longest first."""
        for value in sorted(self._candidates(text), key=len, reverse=True):
            text = self._encoded(value).replace(text, mask)
        return text

    def _candidates(self, text: str) -> AbstractSet[str]:
        return self._index.names_in(text) | frozenset(tuple(self._wordless))

    def _add(self, value: str) -> None:
        if value not in self._holders:
            for key in _keys(value):
                self._index.add(key, value)
            if len(longest_word(value)) < SHORTEST_WORD:
                self._wordless[value] = None
        self._holders[value] = self._holders.get(value, 0) + 1
        self._unheld.pop(value, None)

    def _settle(self) -> None:
        while self._released:
            for value in _values(self._released.popleft()):
                self._release(value)

    def _release(self, value: str) -> None:
        if self._holders.get(value, 0) == 0:
            return
        self._holders[value] -= 1
        if self._holders[value] == 0:
            self._unheld[value] = None
        while len(self._unheld) > _MOST_UNHELD:
            self._forget(next(iter(self._unheld)))

    def _forget(self, value: str) -> None:
        del self._holders[value], self._unheld[value]
        for key in _keys(value):
            self._index.remove(key, value)
        self._wordless.pop(value, None)
        self._compiled.pop(value, None)

    def _encoded(self, value: str) -> EncodedText:
        encoded = self._compiled.get(value)
        if encoded is None:
            encoded = self._compiled[value] = EncodedText(value)
        return encoded


def _values(text: str) -> Iterator[str]:
    """Yield `text` and its longer lines, for a line of a private key may be shown alone."""
    text = text.strip()
    if len(text) < _SHORTEST:
        return
    lines = {line.strip() for line in text.splitlines()} - {text}
    yield text
    yield from (line for line in lines if len(line) >= _SHORTEST_LINE)


def _keys(value: str) -> Iterator[str]:
    """Yield texts of which one is in any text that has `value` in one of its forms."""
    words = map(longest_word, (value, *base64_forms(value)))
    return (word for word in words if len(word) >= SHORTEST_WORD)
