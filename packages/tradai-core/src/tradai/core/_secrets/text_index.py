"""Index of words that tells which of them may be in a text, however many words there are."""

import re
import sys
from collections.abc import Sequence, Set as AbstractSet
from typing import Final, NamedTuple, final


class _Layer(NamedTuple):
    """Windows of one width: any text with a word of `shortest` characters has a part as a window.

    Attributes:
        names: The names of the words of the layer, by window.
    """

    shortest: int
    stride: int
    pattern: re.Pattern[str]
    names: dict[str, dict[str, None]]

    def over(self, text: str) -> list[str]:
        """Return the windows into `text`, one every `stride` characters."""
        windows: list[str] = self.pattern.findall(text)
        return windows

    def collect(self, pieces: Sequence[str], names: set[str]) -> None:
        """Add the names of the words that `pieces` may have to `names`."""
        windows = self.over(" ".join([each for each in pieces if len(each) >= self.shortest]))
        if not self.names.keys().isdisjoint(windows):
            for window in windows:
                names.update(tuple(self.names.get(window, ())))

    def within(self, word: str) -> set[str]:
        """Return the parts of `word` of which a longer text with it has one as its window."""
        # The middle: many tokens begin or end alike.
        start = (len(word) - self.shortest) // 2
        part = word[start : start + self.shortest]
        return {window for at in range(self.stride) for window in self.over(part[at:])}


SHORTEST: Final = 2
_NONE: Final[frozenset[str]] = frozenset()


@final
class TextIndex:
    """Names by words, which have no white space.

    The time of a search depends on the length of the text only: each of its windows is one look
    into a dictionary. One thread at a time may change the index; any number may read meanwhile.

    Attributes:
        shortest: Number of characters that a text must have for `names_in` to return any name.
    """

    def __init__(self) -> None:
        """Start empty."""
        # The longer a word, the fewer windows must be looked at.
        self._layers = (
            _Layer(15, 8, re.compile("(?s).{8}"), {}),
            _Layer(7, 4, re.compile("(?s).{4}"), {}),
            _Layer(4, 1, re.compile("(?s)(?=(.{4}))"), {}),
            _Layer(SHORTEST, 1, re.compile("(?s)(?=(.{2}))"), {}),
        )
        self._note_use()

    def add(self, word: str, name: str) -> None:
        """Find `name` by `word`, which has `SHORTEST` characters or more."""
        layer = self._layer(word)
        for window in layer.within(word):
            layer.names.setdefault(window, {})[name] = None
        self._note_use()

    def remove(self, word: str, name: str) -> None:
        """Find `name` by `word` no longer."""
        layer = self._layer(word)
        for window in layer.within(word):
            names = layer.names.get(window, {})
            names.pop(name, None)
            if not names:
                layer.names.pop(window, None)
        self._note_use()

    def names_in(self, text: str) -> AbstractSet[str]:
        """Return the names of which a word may be in `text`, and perhaps others."""
        if not self._used:
            return _NONE
        pieces = text.split()
        longest = max(map(len, pieces)) if pieces else 0
        if longest < self.shortest:
            return _NONE
        names: set[str] = set()
        for layer in self._used:
            if longest >= layer.shortest:
                layer.collect(pieces, names)
        return names

    def _note_use(self) -> None:
        self._used = tuple(layer for layer in self._layers if layer.names)
        self.shortest = self._used[-1].shortest if self._used else sys.maxsize

    def _layer(self, word: str) -> _Layer:
        return next(layer for layer in self._layers if len(word) >= layer.shortest)
