"""Log of a job that came through a log service: its lines in order, and proof that all arrived.

The log of a container is *numbered* when its lines were written by ``tradai-entrypoint contain``.
Each line, or piece of a long line, is then a record of its own: a random id of the log, a number
that counts from 1, and the text after a space, or after ``+`` when the line goes on in the next
record. The records around them are markers::

    5f0c9a1e:0!tradai-log 1
    5f0c9a1e:1 Loading candles
    5f0c9a1e:2 done
    5f0c9a1e:3!end 2

All that a job prints comes after a number, so that it cannot pass for a marker.
"""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from tradai.core._ports.job_runner import JobLine
from tradai.core._ports.line_pieces import LinePieces
from tradai.core._secrets.redaction import redact

# First and last number of the lines that are missing.
Gap: TypeAlias = tuple[int, int]

_RECORD: Final = re.compile(
    r"([0-9a-f]{8}):(0|[1-9][0-9]{0,14})(?:([ +!])(.*))?", re.ASCII | re.DOTALL
)
_START: Final = "tradai-log 1"
_END: Final = re.compile(r"end (0|[1-9][0-9]{0,14})", re.ASCII)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LogSummary:
    """Lines of a job that arrived, compared with those that it wrote.

    Attributes:
        complete: Whether it is proven that every line arrived: the log has its end marker, no line
            is missing, and no other text is in between.
        expected: Number of lines by the end marker; None where there is none.
        seen: Number of lines that arrived.
        gaps: First and last number of each run of missing lines.
        strays: Texts in a numbered log that do not belong to it, such as lines of a container that
            was started again; they are not among the lines.
    """

    complete: bool
    expected: int | None
    seen: int
    gaps: tuple[Gap, ...] = ()
    strays: int = 0

    def followed_by(self, later: "LogSummary", *, begun: int) -> "LogSummary":
        """Return the summary of this log and a later one, numbered on from `begun`.

        >>> first = LogSummary(complete=True, expected=2, seen=2)
        >>> later = LogSummary(complete=False, expected=2, seen=1, gaps=((1, 1),))
        >>> first.followed_by(later, begun=2)
        LogSummary(complete=False, expected=4, seen=3, gaps=((3, 3),), strays=0)
        """
        expected = (self.expected, later.expected)
        return LogSummary(
            complete=self.complete and later.complete,
            expected=None if None in expected else sum(filter(None, expected)),
            seen=self.seen + later.seen,
            gaps=(*self.gaps, *((begun + first, begun + last) for first, last in later.gaps)),
            strays=self.strays + later.strays,
        )

    def sentence(self) -> str:
        """Return whether the log is complete, or what is missing.

        >>> LogSummary(complete=True, expected=2, seen=2).sentence()
        'log complete: 2 lines'
        >>> LogSummary(complete=False, expected=4, seen=1, gaps=((1, 2), (4, 4))).sentence()
        'log not complete: 1 of 4 lines; missing: 1-2, 4'
        >>> LogSummary(complete=False, expected=None, seen=2, strays=1).sentence()
        'log not proven complete: 2 lines; no end marker; texts of another writer: 1'
        """
        if self.complete:
            return f"log complete: {_lines(self.seen)}"
        is_proven = bool(self.gaps)
        has_end = self.expected is not None
        lines = (
            _lines(self.seen) if self.expected is None else f"{self.seen} of {self.expected} lines"
        )
        missing = ", ".join(
            str(first) if first == last else f"{first}-{last}" for first, last in self.gaps
        )
        parts = (
            f"log not {'' if is_proven else 'proven '}complete: {lines}",
            missing and f"missing: {missing}",
            "" if has_end else "no end marker",
            f"texts of another writer: {self.strays}" if self.strays else "",
        )
        return "; ".join(filter(None, parts))


@final
class JobLog:
    """Puts the lines of one job in order, each once. Secrets are masked.

    The texts of a numbered log may come in any order, and more than once. A log that is not
    numbered is taken as it comes, and is never proven to be complete. A long line arrives in
    pieces, each with a number of its own. A piece is returned once the next one is there, or there
    is none: a secret that is in both is moved to the second, and masked there.

    >>> log = JobLog()
    >>> [log.add(f"5f0c9a1e:{rest}") for rest in ("0!tradai-log 1", "2 two", "3!end 2")]
    [[], [], []]
    >>> log.summary().gaps
    ((1, 1),)
    >>> [line.text for line in log.add("5f0c9a1e:1 one")]
    ['one', 'two']
    >>> log.summary()
    LogSummary(complete=True, expected=2, seen=2, gaps=(), strays=0)

    Attributes:
        is_numbered: Whether the log is numbered; None until its first text tells.
        stream_id: Id of a numbered log; empty until it is known.
        given_up: Missing lines that are no longer waited for.
    """

    def __init__(
        self,
        *,
        is_numbered: bool | None = None,
        stream_id: str = "",
        after: int = 0,
        given_up: tuple[Gap, ...] = (),
    ) -> None:
        """Start with the first line, or go on after another reader.

        Args:
            is_numbered: Whether the log is numbered; by default its first text tells, which is the
                start marker of a numbered one.
            stream_id: Id of the log, where it is known.
            after: Number of the last line that the other reader took.
            given_up: Lines before that one which the other reader did not get.
        """
        self.is_numbered = is_numbered
        self.stream_id = stream_id
        self.given_up = given_up
        self._next = after + 1
        self._seen = after - sum(last - first + 1 for first, last in given_up)
        # Text, and whether it goes on in the next record.
        self._held: dict[int, tuple[str, bool]] = {}
        self._pieces = LinePieces()
        self._expected: int | None = None
        self._strays = 0

    @property
    def has_ended(self) -> bool:
        """Whether the end marker has arrived."""
        return self._expected is not None

    @property
    def is_whole(self) -> bool:
        """Whether every line has arrived, by the end marker."""
        return self.has_ended and not self.is_waiting and not self.given_up

    @property
    def is_waiting(self) -> bool:
        """Whether a line is missing although a later one, or the end marker, has arrived."""
        return bool(self._held) or self._next <= (self._expected or 0)

    def add(self, text: str) -> list[JobLine]:
        """Take a text of the log, and return the lines that come next."""
        if self.is_numbered is None:
            self.is_numbered = _is_start(text)
        if not self.is_numbered:
            return self._take(self._next, text, goes_on=False)
        record = _RECORD.fullmatch(text)
        if record is None or record[1] != (self.stream_id or record[1]):
            self._strays += 1
            return []
        self.stream_id = record[1]
        if record[3] == "!":
            self._mark(int(record[2]), record[4])
            return self._in_order()
        return self._take(int(record[2]), record[4] or "", goes_on=record[3] == "+")

    def give_up(self) -> list[JobLine]:
        """Wait no longer for missing lines, and return those that came after them."""
        lines: list[JobLine] = []
        while self.is_waiting:
            until = min(self._held, default=(self._expected or 0) + 1)
            self.given_up = (*self.given_up, (self._next, until - 1))
            self._next = until
            lines += [*self._pieces.release(), *self._in_order()]
        return [*lines, *self._pieces.release()]

    def resume_after(self, number: int) -> int:
        """Return the last line up to `number` after which another reader may go on.

        A piece whose end was moved to the next one has to be read again.
        """
        while number in self._pieces.shared:
            number -= 1
        return number

    def summary(self) -> LogSummary:
        """Return how many lines have arrived, and whether these are all."""
        gaps = (*self.given_up, *self._waiting_for())
        return LogSummary(
            complete=self.is_whole and not self._strays,
            expected=self._expected,
            seen=self._seen + len(self._held),
            gaps=gaps,
            strays=self._strays,
        )

    def _mark(self, number: int, text: str) -> None:
        end = _END.fullmatch(text)
        if end and int(end[1]) == number - 1:
            self._expected = number - 1

    def _take(self, number: int, text: str, *, goes_on: bool) -> list[JobLine]:
        if self._expected is not None and number > self._expected:
            self._strays += 1
            return []
        if number >= self._next:
            self._held[number] = text, goes_on
            return self._in_order()
        for index, (first, last) in enumerate(self.given_up):
            if first <= number <= last:
                rest = [
                    gap for gap in ((first, number - 1), (number + 1, last)) if gap[0] <= gap[1]
                ]
                self.given_up = (*self.given_up[:index], *rest, *self.given_up[index + 1 :])
                self._seen += 1
                return [JobLine(number=number, text=redact(text))]
        return []

    def _in_order(self) -> list[JobLine]:
        lines: list[JobLine] = []
        while (held := self._held.pop(self._next, None)) is not None:
            text, goes_on = held
            lines += self._pieces.add(JobLine(number=self._next, text=text), goes_on=goes_on)
            self._next += 1
            self._seen += 1
        return [*lines, *self._pieces.release()] if self.is_whole else lines

    def _waiting_for(self) -> list[Gap]:
        ends = sorted(self._held)
        if self._expected is not None:
            ends.append(self._expected + 1)
        starts = (self._next, *(number + 1 for number in ends))
        return [(start, end - 1) for start, end in zip(starts, ends, strict=False) if start < end]


def _lines(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"


def _is_start(text: str) -> bool:
    record = _RECORD.fullmatch(text)
    return record is not None and (record[2], record[3], record[4]) == ("0", "!", _START)
