"""What the engine says about itself, and the verdict that follows; its exit code is no proof.

The lines are those of freqtrade 2026.9, which exits 0 on configuration errors.
"""

import re
import signal
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, final

from tradai.entrypoint._verdict import ExitCode, Verdict
from tradai.entrypoint.freqtrade._engine_process import EngineExit

__all__ = ["EngineEvidence", "Finding", "judge"]


@final
class Finding(StrEnum):
    """What can be wrong, the most telling first; the value begins the verdict's sentence."""

    DISK = "the disk refused the engine"
    CONFIGURATION = "the engine refused its configuration"
    UNREACHABLE = "the exchange is not reachable; try again later"
    STRATEGY = "the strategy cannot be loaded"
    DATA = "the engine looked for candles it was not given"


_EXIT_CODES: Final[Mapping[Finding, ExitCode]] = {
    Finding.DISK: ExitCode.RESULT,
    Finding.CONFIGURATION: ExitCode.CONFIGURATION,
    Finding.UNREACHABLE: ExitCode.UNAVAILABLE,
    Finding.STRATEGY: ExitCode.CONFIGURATION,
    Finding.DATA: ExitCode.DATA,
}
_MARKERS: Final[Mapping[Finding, re.Pattern[str]]] = {
    Finding.DISK: re.compile(r"No space left on device|Read-only file system|Disk quota exceeded"),
    Finding.CONFIGURATION: re.compile(r"^Configuration error: "),
    Finding.UNREACHABLE: re.compile(
        r"Could not load markets|Unable to initialize markets|ExchangeNotAvailable"
        r"|Exchange .* is not reachable|RequestTimeout|Could not load exchange metadata"
    ),
    Finding.STRATEGY: re.compile(r"^Impossible to load Strategy|^Could not import .*\.py"),
    Finding.DATA: re.compile(r"^No data found|^No history for |^No pair in whitelist"),
}
_RECORD: Final = re.compile(
    r"^\d{4}-\d\d-\d\d \S+ - (?P<logger>\S+) - (?P<level>[A-Z]+) - (?P<text>.*)$"
)
_RAISED: Final = re.compile(r"^(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt)\b")
_LOADING: Final = re.compile(r'^\s+File ".*[/\\]resolvers[/\\]strategy_resolver\.py"')
_FATAL: Final = "Fatal exception!"
_RUNNING: Final = "to: RUNNING"
_STOPPED: Final = "to: STOPPED"
_MAX_WORDS: Final = 400


@final
class EngineEvidence:
    """What was found in the engine's output, line by line, in bounded memory.

    Attributes:
        is_running: Whether it said that it trades.
        is_stopped: Whether it said that it paused.
        findings: What is wrong, with the engine's first words on it.
    """

    def __init__(self) -> None:
        """Start with nothing found."""
        self.is_running = False
        self.is_stopped = False
        self.findings: dict[Finding, str] = {}
        self._error: str | None = None
        self._raised: str | None = None
        self._is_loading = False

    @property
    def last_words(self) -> str:
        """What it last said about something going wrong."""
        return self._raised or self._error or "it did not say why"

    def feed(self, line: str) -> None:
        """Look at one line."""
        record = _RECORD.match(line)
        if record is None:
            self._feed_continuation(line)
        else:
            self._feed_record(record["level"], record["text"])

    def _feed_record(self, level: str, text: str) -> None:
        self.is_running = self.is_running or _RUNNING in text
        self.is_stopped = self.is_stopped or _STOPPED in text
        self._find(text)
        if level in {"ERROR", "CRITICAL"} and text != _FATAL:
            self._error = text[:_MAX_WORDS]
        if text == _FATAL:
            self._is_loading = False

    def _feed_continuation(self, line: str) -> None:
        self._is_loading = self._is_loading or bool(_LOADING.match(line))
        if not _RAISED.match(line):
            return
        self._raised = line[:_MAX_WORDS]
        self._find(line)
        if self._is_loading:
            self.findings.setdefault(Finding.STRATEGY, self._raised)

    def _find(self, text: str) -> None:
        for finding, marker in _MARKERS.items():
            if marker.search(text):
                words = text.removeprefix("Configuration error: ").strip()
                self.findings.setdefault(finding, words[:_MAX_WORDS])


def judge(ended: EngineExit, evidence: EngineEvidence, *, result_present: bool) -> Verdict:
    """Return the verdict on an engine that `ended`.

    Args:
        ended: How it ended.
        evidence: What it said.
        result_present: Whether it left the file that proves its work.
    """
    if ended.interrupted_by is not None:
        return _interrupted(ended, evidence)
    if ended.timed_out:
        sentence = f"the engine did not start in time: {evidence.last_words}"
        return Verdict(exit_code=ExitCode.START_DEADLINE, sentence=sentence)
    for finding in Finding:
        if finding in evidence.findings:
            sentence = f"{finding}: {evidence.findings[finding]}"
            return Verdict(exit_code=_EXIT_CODES[finding], sentence=sentence)
    return _without_finding(ended, evidence, result_present=result_present)


def _interrupted(ended: EngineExit, evidence: EngineEvidence) -> Verdict:
    if evidence.is_running and ended.signal is None:
        return Verdict(exit_code=ExitCode.DONE, sentence="the engine stopped on request")
    is_term = ended.interrupted_by == signal.SIGTERM
    return Verdict(
        exit_code=ExitCode.TERMINATED if is_term else ExitCode.INTERRUPTED,
        sentence=f"{'SIGTERM' if is_term else 'Ctrl-C'} ended the run before its work was done",
    )


def _without_finding(
    ended: EngineExit, evidence: EngineEvidence, *, result_present: bool
) -> Verdict:
    if ended.signal is not None:
        sentence = f"the engine was killed by signal {ended.signal}; was it out of memory?"
        return Verdict(exit_code=ExitCode.CRASHED, sentence=sentence)
    if ended.return_code != 0:
        sentence = f"the engine failed with exit code {ended.return_code}: {evidence.last_words}"
        return Verdict(exit_code=ExitCode.CRASHED, sentence=sentence)
    if not result_present:
        sentence = f"the engine ended without a result: {evidence.last_words}"
        return Verdict(exit_code=ExitCode.RESULT, sentence=sentence)
    return Verdict(exit_code=ExitCode.DONE, sentence="the engine finished its work")
