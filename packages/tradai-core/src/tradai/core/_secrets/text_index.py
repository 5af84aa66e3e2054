"""Index of words that tells which of them may be in a text, however many words there are."""

import re
from collections.abc import Iterator, Sequence
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

    def within(self, word: str) -> set[str]:
        """Return the parts of `word` of which a longer text with it has one as its window."""
        # The middle: many tokens begin or end alike.
        start = (len(word) - self.shortest) // 2
        part = word[start : start + self.shortest]
        return {window for at in range(self.stride) for window in self.over(part[at:])}


SHORTEST: Final = 2


@final
class TextIndex:
    """Names by words, which have no white space.

    The time of a search depends on the length of the text only: each of its windows is one look
    into a dictionary. One thread at a time may change the index; any number may read meanwhile.
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

    def add(self, word: str, name: str) -> None:
        """Find `name` by `word`, which has `SHORTEST` characters or more."""
        layer = self._layer(word)
        for window in layer.within(word):
            layer.names.setdefault(window, {})[name] = None

    def remove(self, word: str, name: str) -> None:
        """Find `name` by `word` no longer."""
        layer = self._layer(word)
        for window in layer.within(word):
            names = layer.names.get(window, {})
            names.pop(name, None)
            if not names:
                layer.names.pop(window, None)

    def names_in(self, text: str) -> set[str]:
        """Return the names of which a word may be in `text`, and perhaps others."""
        names: set[str] = set()
        for layer, windows in self._windows(text):
            if not layer.names.keys().isdisjoint(windows):
                for window in windows:
                    names.update(tuple(layer.names.get(window, ())))
        return names

    def _windows(self, text: str) -> Iterator[tuple[_Layer, Sequence[str]]]:
        layers = [layer for layer in self._layers if layer.names]
        pieces = text.split() if layers else ()
        for layer in layers:
            # Most of a text is pieces too short for a word.
            if long := [piece for piece in pieces if len(piece) >= layer.shortest]:
                yield layer, layer.over(" ".join(long))

    def _layer(self, word: str) -> _Layer:
        return next(layer for layer in self._layers if len(word) >= layer.shortest)
