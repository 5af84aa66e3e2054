"""Exceptions of a strategy's callbacks, after which the engine goes on by a rule of its own."""

import re
from collections.abc import Collection
from typing import Final, final

from tradai.core import mask_named_values, redact
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint.freqtrade._engine.records import EngineRecord

LOGGER: Final = "freqtrade.strategy.strategy_wrapper"
# As freqtrade 2026.9 words them; a ValueError has a record of its own kind, without a traceback.
_UNEXPECTED: Final = re.compile(
    r".*Unexpected error (?P<error>.+) "
    r"calling <(?:bound method|function) (?:[\w<>]+\.)*(?P<name>\w+)"
)
_VALUE_ERROR: Final = re.compile(
    r".*Strategy caused the following exception: (?P<error>.+) in (?P<place>\S*), "
    r"calling (?P<name>\w+)"
)
_FRAME: Final = re.compile(r'  File "(?:.*/)?strategies/(?P<file>[^"]+)", line (?P<line>\d+)')
_UNKNOWN: Final = "unknown"
_LONGEST: Final = 600


@final
class StrategyErrors:
    """Counts the exceptions by callback, and keeps the first.

    Attributes:
        counts: Number of exceptions of each callback.
        first: The first one, as ``KeyError('x')``.
        place: Its line as ``file.py:12``, or its function as ``Class.callback:12``.
        last: The last one.
    """

    def __init__(self) -> None:
        """Start without an exception."""
        self.counts: dict[str, int] = {}
        self.first: str | None = None
        self.place: str | None = None
        self.last: str | None = None

    @property
    def total(self) -> int:
        """Number of exceptions of all callbacks."""
        return sum(self.counts.values())

    def __str__(self) -> str:
        """Say how many there are of which callbacks, and name the first."""
        counts = ", ".join(f"{name} {count:,}" for name, count in self.counts.items())
        where = f" at {self.place}" if self.place else ""
        return (
            f"the strategy raised {self.total:,} errors, after which the engine traded by a rule "
            f"of its own ({counts}), the first {self.first}{where}"
        )

    def feed(self, record: EngineRecord) -> None:
        """Count the exception in a record of `LOGGER`."""
        text = record.text
        found = _UNEXPECTED.match(text) or _VALUE_ERROR.match(text)
        facts = found.groupdict() if found else {"error": text.partition("\n")[0]}
        name = facts.get("name", _UNKNOWN)
        self.counts[name] = self.counts.get(name, 0) + 1
        self.last = shown(facts["error"])
        if self.first is None:
            self.first = self.last
            self.place = place_in(text) or facts.get("place")


def judge_errors(verdict: Verdict, errors: StrategyErrors, accepted: Collection[str]) -> Verdict:
    """Return `verdict`, or that callbacks not in `accepted` raised though the engine did its work.

    The work is then done by other rules than the strategy's, so it does not count as a success.
    """
    raised = [name for name in errors.counts if name not in accepted]
    if not raised or not verdict.is_success:
        return verdict
    names = ",".join(raised)
    sentence = (
        f"{verdict.sentence}; but {errors}: correct it there, or accept it with "
        f"run.accepted_strategy_errors=[{names}]"
    )
    return Verdict(exit_code=ExitCode.STRATEGY_ERRORS, sentence=redact(sentence))


def shown(text: str) -> str:
    """Return a text that a strategy may have written as verdicts show it: no secrets, not long."""
    return mask_named_values(text)[:_LONGEST]


def place_in(traceback: str) -> str | None:
    """Return the strategy's line that an exception came from; None when it has no part in it."""
    frames = list(_FRAME.finditer(traceback.rpartition("Traceback (most recent call last)")[2]))
    return f"{frames[-1]['file']}:{frames[-1]['line']}" if frames else None
