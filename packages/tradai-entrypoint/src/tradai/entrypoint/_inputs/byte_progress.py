"""Progress of many objects, in objects and bytes."""

from collections.abc import Callable, Collection
from typing import Final, final

_MIB: Final = 1024 * 1024


@final
class ByteProgress:
    """Says how many objects, and how much of their bytes, are done."""

    def __init__(self, say: Callable[[str], object], verb: str, sizes: Collection[int]) -> None:
        """Call `say` with phrases that begin with `verb`, for objects of these `sizes`."""
        self._say = say
        self._verb = verb
        self._objects = len(sizes)
        self._bytes = sum(sizes)
        self._done_objects = 0
        self._done_bytes = 0

    def add(self, size: int) -> None:
        """Count one more object."""
        self._done_objects += 1
        self._done_bytes += size
        self._say(
            f"{self._verb} {self._done_objects} of {self._objects} objects, "
            f"{self._done_bytes / _MIB:,.0f} of {self._bytes / _MIB:,.0f} MiB"
        )
