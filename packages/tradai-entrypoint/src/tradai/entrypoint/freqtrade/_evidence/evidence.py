"""Facts from the engine's output; its lines were observed with freqtrade 2026.9."""

import re
from collections.abc import Callable, Mapping
from typing import Final, final

from tradai.entrypoint.freqtrade._evidence.log_patterns import read_record

_CONFIGURATION: Final = "Configuration error: "
_CRASH: Final = "Fatal exception!"
_ADVICE: Final = "Please make sure to review the documentation"
_USAGE: Final = re.compile(r"freqtrade(?: [\w-]+)?: error: (?P<text>.+)")
# The schema check names the key in its own, long message, and not in the error that follows.
_KEY: Final = re.compile(r"On instance(?P<steps>(?:\['?\w+'?\])+):")
_FRAME: Final = re.compile(r'  File "(?:.*/)?strategies/(?P<file>[^"]+)", line (?P<line>\d+)')
_RAISED: Final = re.compile(r"[A-Za-z_][\w.]*(?:: .*)?")
# Limits on what is kept, whatever the engine prints.
_MOST: Final = 100
_LONGEST: Final = 600
# Errors in these lines of the engine's own code happen while it loads the strategy.
_LOADING: Final = "/freqtrade/resolvers/"
_DISK: Final = re.compile(r"No space left on device|Read-only file system|Disk quota exceeded")


@final
class EngineEvidence:
    """Facts found in the engine's output, line by line; memory stays bounded.

    Attributes:
        state: The bot's state as it reports it: ``RUNNING``, ``STOPPED``.
        has_run: Whether the bot was ever running.
        configuration_error: Why the engine refused its configuration.
        usage_error: Why it refused its command line.
        refusal: Why it gave up by itself.
        exception: The exception that ended it.
        exception_place: The strategy's line that it came from, as ``file.py:12``.
        was_loading: Whether it came while the strategy was being loaded.
        disk_error: Why the disk refused a write.
        unimportable: Why a file of the strategy source could not be imported.
        startup_candles: Candles laid out before the range that is traded on; None is no limit.
        wanted_startup: Candles that the strategy wants there, when they are more than that.
        goes_without: Whether the series of a pair and a timeframe may be missing.
        missing: Series it did not find, as ``BTC/USDT 5m``.
        dropped: Pairs it left out because the exchange's rules do not offer them.
        fixed: Parameters that a hyperopt was to search, and that have one value in all its epochs.
        has_bad_parameters: Whether it could not read the parameter file, and ran without it.
        strategy_errors: Number of exceptions of the strategy that did not end the bot.
        last_strategy_error: The last one of them.
        untrained: Messages about models that could not be trained.
    """

    def __init__(self) -> None:
        """Start without facts."""
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
        self.startup_candles: int | None = None
        self.wanted_startup: int | None = None
        self.goes_without: Callable[[str, str], bool] = lambda _pair, _timeframe: False
        self.missing: list[str] = []
        self.dropped: list[str] = []
        self.fixed: list[str] = []
        self.has_bad_parameters = False
        self.strategy_errors = 0
        self.last_strategy_error: str | None = None
        self.untrained: list[str] = []
        self._continue: Callable[[str], None] = self._feed_plain

    @property
    def is_running(self) -> bool:
        """Whether the bot reports that it is trading."""
        return self.state == "RUNNING"

    @property
    def is_stopped(self) -> bool:
        """Whether the bot reports that it has stopped trading."""
        return self.state == "STOPPED"

    @property
    def shortfalls(self) -> int:
        """The number of things that make the engine's work wrong, though it goes on."""
        return len(self.missing) + len(self.fixed) + (self.wanted_startup is not None)

    @property
    def last_error(self) -> str:
        """The engine's last message on what went wrong."""
        messages = (self.exception, self.configuration_error, self.refusal, self.usage_error)
        return next(filter(None, (*messages, self.last_strategy_error)), "it did not say why")

    def feed(self, line: str) -> None:
        """Read one line."""
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
            self._take_fact(record.facts)

    def _feed_error(self, text: str) -> None:
        """Read the first line of the error that ends the engine."""
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

    def _take_fact(self, facts: Mapping[str, str]) -> None:
        match facts:
            case {"state": state}:
                self.state = state
                self.has_run = self.has_run or self.is_running
            case {"unimportable": reason}:
                self.unimportable = reason
            case {"dropped": text} | {"fixed": text} | {"untrained": text}:
                (name,) = facts
                _keep(getattr(self, name), text)
            case {"raised": error}:
                self.strategy_errors += 1
                self.last_strategy_error = error
            case {"bad_parameters": _}:
                self.has_bad_parameters = True
            case _:
                self._take_shortage(facts)

    def _take_shortage(self, facts: Mapping[str, str]) -> None:
        match facts:
            case {"startup": count}:
                if self.startup_candles is not None and int(count) > self.startup_candles:
                    self.wanted_startup = int(count)
            case {"pair": pair, "missing": timeframe} if not self.goes_without(pair, timeframe):
                _keep(self.missing, f"{pair} {timeframe}")


def _keep(kept: list[str], text: str) -> None:
    if len(kept) < _MOST and text not in kept:
        kept.append(text)
