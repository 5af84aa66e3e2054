"""Pieces of long lines, of which the next may have the rest of a secret."""

from typing import final

from tradai.core._ports.job_runner import JobLine
from tradai.core._secrets.redaction import redact
from tradai.core._secrets.safe_cut import safe_cut


@final
class LinePieces:
    """Keeps a piece back until the next has come, and moves a secret that is in both to that one.

    Attributes:
        shared: Numbers of the pieces whose end was moved to the next one.
    """

    def __init__(self) -> None:
        """Keep nothing back."""
        self.shared: set[int] = set()
        self._kept: JobLine | None = None

    def add(self, line: JobLine, *, goes_on: bool) -> list[JobLine]:
        """Take the next line or piece, not masked yet, and return those to yield, masked.

        Args:
            line: The line or piece.
            goes_on: Whether it is a piece with more to come.
        """
        before, self._kept = self._joined(line)
        return before if goes_on else [*before, *self.release()]

    def release(self) -> list[JobLine]:
        """Return the piece that was kept back, as the next one will not come."""
        kept, self._kept = self._kept, None
        return [_masked(kept.number, kept.text)] if kept else []

    def _joined(self, line: JobLine) -> tuple[list[JobLine], JobLine]:
        if self._kept is None:
            return [], line
        number, text = self._kept.number, self._kept.text
        cut = len(_cut(text, line.text))
        if cut < len(text):
            self.shared.add(number)
        rest = text[cut:] + line.text
        return [_masked(number, text[:cut])], JobLine(number=line.number, text=rest)


def _cut(text: str, following: str) -> str:
    """Return the beginning of `text` before a secret that goes on in `following`."""
    data = text.encode(errors="surrogatepass")
    whole = data + following.encode(errors="surrogatepass")
    return data[: safe_cut(whole, len(data), redact)].decode(errors="surrogatepass")


def _masked(number: int, text: str) -> JobLine:
    return JobLine(number=number, text=redact(text))
