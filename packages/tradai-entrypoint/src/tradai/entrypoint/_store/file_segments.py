"""A file of lines, cut into numbered segments for a store that cannot append."""

from collections.abc import Mapping
from pathlib import Path
from typing import final

from tradai.core import file_errors
from tradai.entrypoint._store.names import segment_name, segment_of


@final
class FileSegments:
    """Segments of the file at one path, and which of them the store has.

    A segment that was not confirmed is offered again as it was: it may be there.
    """

    def __init__(self, path: Path) -> None:
        """Cut the file at `path`, which need not exist yet; the store has nothing of it."""
        self._path = path
        self._sizes: list[int] = []
        self._offered = b""

    def offer(self) -> tuple[str, bytes] | None:
        """Return name and content of the next segment; None when the store has every entry.

        Raises:
            StorageError: The file cannot be read.
        """
        self._offered = self._offered or self._new_entries()
        return (self._name(len(self._sizes) + 1), self._offered) if self._offered else None

    def confirm(self) -> None:
        """Note that the store has the segment that was offered."""
        self._sizes.append(len(self._offered))
        self._offered = b""

    def resume(self, stored: Mapping[str, int]) -> list[str]:
        """Go on behind the segments among the files `stored`; return those that lie behind a gap.

        Args:
            stored: Files of the run in the store, with their number of bytes.
        """
        segments = (segment_of(name) for name in stored)
        numbers = {each[1] for each in segments if each and each[0] == self._path.name}
        count = next(number for number in range(len(numbers) + 1) if number + 1 not in numbers)
        if count > len(self._sizes):
            self._offered = b""
        self._sizes = [stored[self._name(number + 1)] for number in range(count)]
        return [self._name(number) for number in sorted(numbers) if number > count]

    def _name(self, number: int) -> str:
        return segment_name(number, self._path.name)

    def _new_entries(self) -> bytes:
        if not self._path.exists():
            return b""
        with file_errors("read", self._path), self._path.open("rb") as file:
            file.seek(sum(self._sizes))
            lines = file.read()
        return lines[: lines.rfind(b"\n") + 1]
