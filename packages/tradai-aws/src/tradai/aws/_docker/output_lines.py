"""Lines of a job's output, from the pieces that the daemon hands out."""

from collections.abc import Iterable, Iterator
from typing import Final

from tradai.core import JobLine, JobLog

# A longer line is cut into pieces, so that memory stays bounded whatever the job prints.
LONGEST_LINE: Final = 64 * 1024


def numbered_lines(pieces: Iterable[bytes], *, is_whole: bool) -> Iterator[JobLine]:
    """Yield each line once, as soon as it is whole. Secrets are masked.

    Bytes that are not UTF-8 become replacement characters. A line of more than 64 KiB arrives in
    pieces, which are numbered like lines.

    A log that ``tradai-entrypoint contain`` wrote has numbers of its own, which are taken over. The
    daemon hands lines out in order, so one that is passed over was lost before.

    Args:
        pieces: Output of the job from its start.
        is_whole: Whether the output ends where `pieces` end, so that the last line may lack its
            newline.
    """
    log = JobLog()
    for data in _lines(pieces, is_whole=is_whole):
        text = data.decode(errors="replace").removesuffix("\n").removesuffix("\r")
        yield from log.add(text)
        yield from log.give_up()


def _lines(pieces: Iterable[bytes], *, is_whole: bool) -> Iterator[bytes]:
    rest, is_cut = b"", False
    for piece in pieces:
        rest += piece
        while cut := _cut(rest):
            data, rest = rest[:cut], rest[cut:]
            # The newline of a line that was yielded in pieces.
            if not (is_cut and data == b"\n"):
                yield data
            is_cut = not data.endswith(b"\n")
    if rest and is_whole:
        yield rest


def _cut(data: bytes) -> int:
    """Return the length of the first line or piece in `data`; 0 when it is not whole yet."""
    end = data.find(b"\n", 0, LONGEST_LINE) + 1
    return end or (LONGEST_LINE if len(data) >= LONGEST_LINE else 0)
