"""What the engine says about itself, and the verdict that follows.

The engine's exit code alone proves nothing: it is 0 after a configuration error, after an unknown
argument, and after a hyperopt that was interrupted. The lines looked for here were observed with
freqtrade 2026.9.
"""

import re
from collections.abc import Callable, Mapping
from signal import SIGKILL, Signals
from typing import Final, final

from tradai.core import redact
from tradai.entrypoint._verdict import ExitCode, Verdict
from tradai.entrypoint.freqtrade._engine_log import read_record
from tradai.entrypoint.freqtrade._engine_process import EngineExit

__all__ = ["EngineEvidence", "judge"]

_CONFIGURATION: Final = "Configuration error: "
_CRASH: Final = "Fatal exception!"
_ADVICE: Final = "Please make sure to review the documentation"
_USAGE: Final = re.compile(r"freqtrade(?: [\w-]+)?: error: (?P<text>.+)")
# The schema check names the key in its own, long message, and not in the error that follows.
_KEY: Final = re.compile(r"On instance(?P<steps>(?:\['?\w+'?\])+):")
_FRAME: Final = re.compile(r'  File "(?:.*/)?strategies/(?P<file>[^"]+)", line (?P<line>\d+)')
_RAISED: Final = re.compile(r"[A-Za-z_][\w.]*(?:: .*)?")
# Whatever the engine prints, no more than this of it is kept.
_MOST: Final = 100
_LONGEST: Final = 600
# Errors in these lines of the engine's own code happen while it loads the strategy.
_LOADING: Final = "/freqtrade/resolvers/"
_DISK: Final = re.compile(r"No space left on device|Read-only file system|Disk quota exceeded")


@final
class EngineEvidence:
    """Facts found in the engine's output, line by line; memory stays bounded.

    Attributes:
        state: The bot's state by its own word: ``RUNNING``, ``STOPPED``.
        has_run: Whether the bot was ever running.
        configuration_error: Why the engine refused its configuration.
        usage_error: Why it refused its command line.
        refusal: Why it gave up in good order.
        exception: The exception that ended it.
        exception_place: The strategy's line that it came from, as ``file.py:12``.
        was_loading: Whether it came while the strategy was being loaded.
        disk_error: Why the disk refused a write.
        unimportable: Why a file of the strategy source could not be imported.
        missing: Series it looked for and did not find, as ``BTC/USDT 5m``.
        dropped: Pairs it left out because the exchange's rules do not offer them.
        parameters: Strategy parameters it ran with, as text by name.
        has_bad_parameters: Whether it could not read the parameter file, and went on without.
        strategy_errors: How often the strategy raised while the bot went on.
        last_strategy_error: What it raised last.
        untrained: Models that could not be trained, and why.
    """

    def __init__(self) -> None:
        """Start with none."""
        self.state: str | None = None
        self.has_run = False
        self.configuration_error: str | None = None
        self._key: str | None = None
        self.usage_error: str | None = None
        self.refusal: str | None = None
        self.exception: str | None = None
        self.exception_place: str | None = None
        self.was_loading = False
        self.disk_error: str | None = None
        self.unimportable: str | None = None
        self.missing: list[str] = []
        self.dropped: list[str] = []
        self.parameters: dict[str, str] = {}
        self.has_bad_parameters = False
        self.strategy_errors = 0
        self.last_strategy_error: str | None = None
        self.untrained: list[str] = []
        self._continue: Callable[[str], None] = self._feed_plain

    @property
    def is_running(self) -> bool:
        """Whether the bot says that it is trading."""
        return self.state == "RUNNING"

    @property
    def is_stopped(self) -> bool:
        """Whether the bot says that it has stopped trading."""
        return self.state == "STOPPED"

    @property
    def last_error(self) -> str:
        """The engine's last word on what went wrong."""
        said = (self.exception, self.configuration_error, self.refusal, self.usage_error)
        return next(filter(None, (*said, self.last_strategy_error)), "it did not say why")

    def feed(self, line: str) -> None:
        """Look at one line."""
        line = line[:_LONGEST]
        disk = _DISK.search(line)
        if disk is not None:
            self.disk_error = disk[0]
        record = read_record(line)
        if record is None:
            self._continue(line)
        elif record.ends_the_engine:
            self._feed_error(record.text)
        else:
            self._continue = self._feed_plain
            self._take(record.facts)

    def _feed_error(self, text: str) -> None:
        """Look at the first line of the error that ends the engine."""
        if text.startswith(_CONFIGURATION):
            key = f"{self._key}: " if self._key else ""
            self.configuration_error = key + text.removeprefix(_CONFIGURATION)
            self._continue = self._feed_configuration_error
        elif text == _CRASH:
            self._continue = self._feed_traceback
        else:
            self.refusal = text
            self._continue = self._feed_plain

    def _feed_configuration_error(self, line: str) -> None:
        if line.strip() and not line.startswith(_ADVICE):
            self.configuration_error = f"{self.configuration_error} {line.strip()}"[:_LONGEST]

    def _feed_traceback(self, line: str) -> None:
        frame = _FRAME.match(line)
        if frame is not None:
            self.exception_place = f"{frame['file']}:{frame['line']}"
        elif line.startswith("Traceback"):
            self.exception_place, self.was_loading = None, False
        elif _LOADING in line:
            self.was_loading = True
        elif _RAISED.fullmatch(line):
            self.exception = line

    def _feed_plain(self, line: str) -> None:
        usage = _USAGE.match(line)
        if usage is not None:
            self.usage_error = usage["text"]
        key = _KEY.match(line)
        if key is not None:
            self._key = ".".join(re.findall(r"\w+", key["steps"]))

    def _take(self, found: Mapping[str, str]) -> None:
        match found:
            case {"state": state}:
                self.state = state
                self.has_run = self.has_run or self.is_running
            case {"unimportable": why}:
                self.unimportable = why
            case {"pair": pair, "missing": timeframe}:
                _keep(self.missing, f"{pair} {timeframe}")
            case {"dropped": pair}:
                _keep(self.dropped, pair)
            case {"untrained": why}:
                _keep(self.untrained, why)
            case _:
                self._take_of_strategy(found)

    def _take_of_strategy(self, found: Mapping[str, str]) -> None:
        match found:
            case {"parameter": name, "value": value} if len(self.parameters) < _MOST:
                self.parameters[name] = value
            case {"raised": what}:
                self.strategy_errors += 1
                self.last_strategy_error = what
            case {"bad_parameters": _}:
                self.has_bad_parameters = True


def judge(ended: EngineExit, evidence: EngineEvidence, *, result_present: bool) -> Verdict:
    """Return the verdict on an engine that `ended`.

    Args:
        ended: How it ended.
        evidence: What it said.
        result_present: Whether it left the file that proves its work.
    """
    if ended.interrupted_by is not None:
        return _interrupted(ended, ended.interrupted_by, evidence)
    return (
        _refused(evidence)
        or _broke_off(ended, evidence)
        or _doubtful(evidence, result_present=result_present)
        or _verdict(ExitCode.DONE, "the engine finished its work")
    )


def _interrupted(ended: EngineExit, number: int, evidence: EngineEvidence) -> Verdict:
    name = Signals(number).name
    if not evidence.has_run:
        return _verdict(
            ExitCode(128 + number),
            f"{name} ended the engine before its work was done",
        )
    if ended.signal == SIGKILL:
        return _verdict(
            ExitCode.MISMATCH,
            f"after {name} the engine did not stop in time and was killed: look at its orders "
            "before it runs again",
        )
    return _verdict(ExitCode.DONE, f"the engine stopped on request ({name})")


def _refused(evidence: EngineEvidence) -> Verdict | None:
    """Return the verdict when the engine itself said why it gave up."""
    if evidence.disk_error is not None:
        return _verdict(
            ExitCode.RESULT,
            f"the disk refused the engine ({evidence.disk_error}): free some space and run again",
        )
    if evidence.configuration_error is not None:
        return _verdict(
            ExitCode.CONFIGURATION,
            f"the engine refused its configuration: {evidence.configuration_error}; change the "
            "strategy configuration",
        )
    if evidence.usage_error is not None:
        return _verdict(
            ExitCode.CONFIGURATION,
            f"the engine refused its command line: {evidence.usage_error}; change the run "
            "parameters, or install a version of the engine that this tradai knows",
        )
    if evidence.exception is not None:
        return _crash(evidence.exception, evidence)
    return None if evidence.refusal is None else _gave_up(evidence.refusal, evidence)


def _crash(exception: str, evidence: EngineEvidence) -> Verdict:
    place = evidence.exception_place
    if evidence.was_loading:
        where = f" at {place}" if place else ""
        return _verdict(
            ExitCode.CONFIGURATION,
            f"the strategy cannot be loaded, it raised {exception}{where}: correct its source",
        )
    if place is not None:
        return _verdict(
            ExitCode.CRASHED, f"the strategy raised {exception} at {place}: correct it there"
        )
    return _verdict(
        ExitCode.CRASHED, f"the engine crashed with {exception}: its log has the traceback"
    )


def _gave_up(text: str, evidence: EngineEvidence) -> Verdict:
    for pattern, exit_code, advice in _REFUSALS:
        if pattern.match(text):
            why = f" ({evidence.unimportable})" if evidence.unimportable else ""
            return _verdict(exit_code, f"the engine gave up: {text}{why} {advice}")
    return _verdict(
        ExitCode.CONFIGURATION, f"the engine gave up: {text} Change the configuration or the run."
    )


_REFUSALS: Final = tuple(
    (re.compile(pattern), exit_code, advice)
    for pattern, exit_code, advice in (
        ("Impossible to load Strategy", ExitCode.CONFIGURATION, "Correct the strategy source."),
        ("Impossible to load", ExitCode.CONFIGURATION, "Correct the name in the run parameters."),
        (
            "Could not load markets|.*(ExchangeNotAvailable|RequestTimeout|Too Many Requests)",
            *(ExitCode.UNAVAILABLE, "Try again when the exchange answers."),
        ),
        ("No data", ExitCode.DATA, "Provide the candles of the range, or choose another range."),
        ("No pair in whitelist", ExitCode.DATA, "Capture the market rules again."),
    )
)


def _broke_off(ended: EngineExit, evidence: EngineEvidence) -> Verdict | None:
    """Return the verdict when the engine ended without saying why."""
    if ended.timed_out:
        return _verdict(
            ExitCode.START_DEADLINE,
            f"the engine had not started after {ended.seconds:.0f} s and was stopped: raise "
            "run.start_deadline_s, or look into its log",
        )
    if ended.signal is not None:
        hint = " (out of memory?)" if ended.signal == SIGKILL else ""
        name = Signals(ended.signal).name
        return _verdict(
            ExitCode.CRASHED, f"the engine was ended by {name}, which nobody here sent{hint}"
        )
    if ended.return_code != 0:
        return _verdict(
            ExitCode.CRASHED,
            f"the engine failed with exit code {ended.return_code}: {evidence.last_error}; its log "
            "has more",
        )
    return None


def _doubtful(evidence: EngineEvidence, *, result_present: bool) -> Verdict | None:
    """Return the verdict when the engine says all is well and yet it is not."""
    if not result_present:
        return _verdict(
            ExitCode.RESULT,
            f"the engine ended without a result: {evidence.last_error}; its log has more",
        )
    if evidence.has_bad_parameters:
        return _verdict(
            ExitCode.CONFIGURATION,
            "the engine could not read the parameter file and ran with defaults: correct "
            "buy_params and sell_params",
        )
    for found, problem in (
        (evidence.dropped, "the engine left out {}: capture the market rules again, or remove it"),
        (evidence.missing, "candles were asked for and missing, {}: add them to run.informative"),
        (evidence.untrained, "a model could not be trained: {} Provide more candles."),
    ):
        if found:
            return _verdict(ExitCode.DATA, problem.format(", ".join(found)))
    return None


def _verdict(exit_code: ExitCode, sentence: str) -> Verdict:
    return Verdict(exit_code=exit_code, sentence=redact(sentence))


def _keep(kept: list[str], text: str) -> None:
    if len(kept) < _MOST and text not in kept:
        kept.append(text)
