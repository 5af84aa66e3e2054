"""Lines of a job's output, from the pieces that the daemon hands out."""

from collections.abc import Iterable, Iterator
from typing import Final

from tradai.core import CUT_LOOK_AHEAD, LONGEST_LINE, JobLine, JobLog, redact, safe_cut

_MOST_KEPT: Final = LONGEST_LINE + CUT_LOOK_AHEAD


def numbered_lines(
    pieces: Iterable[bytes], *, is_whole: bool, log: JobLog | None = None
) -> Iterator[JobLine]:
    """Yield each line once, as soon as it is whole. Secrets are masked.

    Bytes that are not UTF-8 become replacement characters. A line of more than 64 KiB arrives in
    pieces, which are numbered like lines.

    A log that ``tradai-entrypoint contain`` wrote has numbers of its own, which are taken over. The
    daemon hands lines out in order, so one that is passed over was lost before.

    Args:
        pieces: Output of the job from its start.
        is_whole: Whether the output ends where `pieces` end, so that the last line may lack its
            newline.
        log: A new log to take the lines, whose summary the caller wants.
    """
    log = log or JobLog()
    for data in _lines(pieces, is_whole=is_whole):
        text = data.decode(errors="replace").removesuffix("\n").removesuffix("\r")
        yield from log.add(text)
        if log.is_waiting:
            yield from log.give_up()
    if is_whole:
        yield from log.give_up()


def _lines(pieces: Iterable[bytes], *, is_whole: bool) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        rest += piece
        while cut := _cut(rest, is_last=False):
            yield rest[:cut]
            rest = rest[cut:]
    while is_whole and rest:
        cut = _cut(rest, is_last=True)
        yield rest[:cut]
        rest = rest[cut:]


def _cut(data: bytes, *, is_last: bool) -> int:
    """Return the length of the first line or piece in `data`; 0 when it is not whole yet."""
    end = data.find(b"\n", 0, _MOST_KEPT) + 1
    if not (end or is_last or len(data) >= _MOST_KEPT):
        return 0
    line = data[: end or _MOST_KEPT]
    is_short = len(line.removesuffix(b"\n")) <= LONGEST_LINE
    return len(line) if is_short else safe_cut(line, LONGEST_LINE, redact)
