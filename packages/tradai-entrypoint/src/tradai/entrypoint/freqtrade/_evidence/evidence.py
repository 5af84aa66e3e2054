"""Facts from the engine's log records; they were observed with freqtrade 2026.9."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, final

from tradai.core import StrategyConfig, TradingMode
from tradai.entrypoint._runs.parameters import RunParameters
from tradai.entrypoint.freqtrade._engine.records import EngineRecord
from tradai.entrypoint.freqtrade._evidence import strategy_errors
from tradai.entrypoint.freqtrade._evidence.log_patterns import facts_in
from tradai.entrypoint.freqtrade._evidence.strategy_errors import StrategyErrors, place_in, shown

_CONFIGURATION: Final = "Configuration error: "
_CRASH: Final = "Fatal exception!"
_ADVICE: Final = "Please make sure to review the documentation"
# The look-ahead analysis ends so, with exit code 0, where it cannot import the strategy.
_LOOKAHEAD: Final = "freqtrade.optimize.analysis.lookahead_helpers"
_NO_STRATEGY: Final = "There were no strategies specified"
_USAGE: Final = re.compile(r"freqtrade(?: [\w-]+)?: error: (?P<text>.+)")
_RAISED: Final = re.compile(r"^[A-Za-z_][\w.]*(?:: .*)?$", re.MULTILINE)
_TRACEBACK: Final = "Traceback (most recent call last)"
# Limits on what is kept, whatever the engine logs; more series than a strategy can have.
MOST_KEPT: Final = 2_000
_LONGEST: Final = 600
_SILENT: Final = "it did not say why, as when a strategy calls sys.exit()"
# Errors in these lines of the engine's own code happen while it loads the strategy.
_LOADING: Final = "/freqtrade/resolvers/"
# The engine's own line that takes the answer of that callback, outside its guard.
_LEVERAGE: Final = "leverage = min(max(leverage, 1.0), max_leverage)"
# ENOSPC, EROFS and EDQUOT, as `EngineRecord.raised` shows them, and the database's own word.
_DISK: Final = re.compile(
    r"\(<class '\w*Error'>, OSError\((?:28|30|122), '(?P<why>[^']+)'"
    r"|\(<class 'sqlalchemy\.exc\.\w+'>, .*(?P<full>database or disk is full)"
)


@final
class EngineEvidence:
    """Facts found in the engine's log records; memory stays bounded.

    Attributes:
        state: The bot's state as it reports it: ``RUNNING``, ``PAUSED``, ``STOPPED``.
        has_run: Whether the bot was ever running.
        configuration_error: Why the engine refused its configuration.
        refusal: Why it gave up by itself.
        exception: The exception that ended it.
        exception_place: The strategy's line that it came from, as ``file.py:12``.
        has_bad_leverage: Whether it came of an answer of the callback `leverage`.
        was_loading: Whether it came while the strategy was being loaded.
        disk_error: Why the disk refused the write that ended it.
        taken_port: Port of its API that another program had, so that it waits for ever.
        imports: Modules that the strategy imports from elsewhere, each with the line that does.
        unimportable: Why a file of the strategy source could not be imported.
        startup_candles: Candles laid out before the range that is traded on; None is no limit.
        wanted_startup: Candles that the strategy wants there, when they are more than that.
        traded: Pairs that the run trades.
        informative: Further series that the run names.
        asks_exchange: Whether the market rules are those of the exchange, and not of a file.
        goes_without: Whether the series of a pair and a timeframe may be missing.
        contract_data: Mark candles and funding rates that the range of a run of futures has, such
            as ``BTC/USDT:USDT@1h-mark``; a part of the range that the engine reads may lack them.
        missing: Series it did not find, as ``BTC/USDT 5m``.
        dropped: Pairs it left out because the exchange's rules do not offer them.
        fixed: Parameters that a hyperopt was to search, and that have one value in all its epochs.
        skipped_epochs: Epochs of a hyperopt that it left out, as it had tried their parameters.
        stops_early: Whether a hyperopt ended as `parameters.early_stop` says.
        has_bad_parameters: Whether it could not read the parameter file, and ran without it.
        strategy_errors: Exceptions of the strategy that did not end it.
        stopped_by: Why the bot stopped trading by itself.
        untrained: Messages about models that could not be trained.
        undownloaded: Pairs of which a download failed, each with the reason; it went on.
    """

    contract_data: frozenset[str] = frozenset()
    imports: Mapping[str, str] = MappingProxyType({})
    traded: tuple[str, ...] = ()
    informative: tuple[str, ...] = ()
    asks_exchange = False
    taken_port: str | None = None
    has_bad_leverage = False
    undownloaded: tuple[str, ...] = ()

    def __init__(self) -> None:
        """Start without facts."""
        self.state: str | None = None
        self.has_run = False
        self.configuration_error: str | None = None
        self._key: str | None = None
        self._usage_error: str | None = None
        self._has_records = False
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
        self.skipped_epochs = 0
        self.stops_early = False
        self.has_bad_parameters = False
        self.strategy_errors = StrategyErrors()
        self.stopped_by: str | None = None
        self.untrained: list[str] = []

    def expect(self, config: StrategyConfig, parameters: RunParameters, mode: TradingMode) -> None:
        """Take what the run was given, to tell what is missing and what would help."""
        self.traded = tuple(config.pairs)
        self.asks_exchange = mode.holds_positions
        self.informative = parameters.informative
        self.goes_without = parameters.goes_without

    @property
    def is_running(self) -> bool:
        """Whether the bot reports that its loop runs; a paused one opens no position."""
        return self.state in {"RUNNING", "PAUSED"}

    @property
    def is_stopped(self) -> bool:
        """Whether the bot reports that it has stopped trading."""
        return self.state == "STOPPED"

    @property
    def has_stopped_itself(self) -> bool:
        """Whether the bot stopped trading without being asked to, or is about to."""
        return self.is_stopped or self.stopped_by is not None

    @property
    def untrained_pairs(self) -> set[str]:
        """The pairs whose training has failed at least once."""
        return {message.split()[1] for message in self.untrained}

    @property
    def usage_error(self) -> str | None:
        """Why the engine refused its command line, which it does before it logs anything."""
        return None if self._has_records else self._usage_error

    @property
    def shortfalls(self) -> int:
        """The number of things that make the engine's work wrong, though it goes on."""
        return len(self.missing) + len(self.fixed) + (self.wanted_startup is not None)

    @property
    def last_error(self) -> str:
        """The engine's last message on what went wrong."""
        messages = (self.exception, self.configuration_error, self.refusal, self.usage_error)
        return next(filter(None, (*messages, self.strategy_errors.last)), _SILENT)

    def feed_printed(self, line: str) -> None:
        """Read one line of the output; a strategy can print any line, so little counts in it."""
        usage = _USAGE.match(line[:_LONGEST])
        if usage is not None:
            self._usage_error = usage["text"]

    def feed(self, record: EngineRecord) -> None:
        """Read one record."""
        self._has_records = True
        if record.logger == "freqtrade" and record.level == "ERROR":
            self._feed_error(record)
        elif record.logger == _LOOKAHEAD and record.text.startswith(_NO_STRATEGY):
            self.refusal = "Impossible to load Strategy."
        elif record.logger == strategy_errors.LOGGER:
            self.strategy_errors.feed(record)
        else:
            facts = facts_in(record)
            self._take_state(facts)
            self._take_fact(facts)

    def _feed_error(self, record: EngineRecord) -> None:
        """Read the error that ends the engine."""
        text = record.text
        if text.startswith(_CONFIGURATION):
            reason = text.removeprefix(_CONFIGURATION).partition(_ADVICE)[0]
            words = " ".join(filter(None, map(str.strip, reason.splitlines())))
            key = f"{self._key}: " if self._key else ""
            self.configuration_error = (key + words)[:_LONGEST]
        elif text.startswith(_CRASH):
            self._feed_crash(record)
        else:
            self.refusal = text.partition("\n")[0][:_LONGEST]

    def _feed_crash(self, record: EngineRecord) -> None:
        last = record.text.rpartition(_TRACEBACK)[2]
        raised = _RAISED.search(last)
        self.exception = shown(raised[0]) if raised else _CRASH
        self.exception_place = place_in(record.text)
        self.has_bad_leverage = _LEVERAGE in last
        self.was_loading = _LOADING in last
        disk = _DISK.match(record.raised)
        self.disk_error = disk and (disk["why"] or disk["full"])

    def _take_state(self, facts: Mapping[str, str]) -> None:
        match facts:
            case {"state": state}:
                self.state = state
                self.has_run = self.has_run or self.is_running
                self.stopped_by = None if self.is_running else self.stopped_by
            case {"stopping": exception}:
                self.stopped_by = shown(exception)

    def _take_fact(self, facts: Mapping[str, str]) -> None:
        match facts:
            case {"unimportable": reason}:
                self.unimportable = shown(reason)
            case {"dropped": text} | {"fixed": text} | {"untrained": text}:
                (name,) = facts
                _keep(getattr(self, name), text)
            case {"taken_port": port}:
                self.taken_port = port
            case {"key": steps}:
                self._key = ".".join(re.findall(r"\w+", steps))
            case {"skipped": count}:
                self.skipped_epochs = int(count)
            case {"stops_early": _}:
                self.stops_early = True
            case {"bad_parameters": _}:
                self.has_bad_parameters = True
            case _:
                self._take_shortage(facts)

    def _take_shortage(self, facts: Mapping[str, str]) -> None:
        match facts:
            case {"undownloaded": pair, "reason": reason}:
                failure = f"{pair} ({reason[:_LONGEST]})"
                self.undownloaded = tuple(dict.fromkeys([*self.undownloaded, failure]))
            case {"startup": count}:
                if self.startup_candles is not None and int(count) > self.startup_candles:
                    self.wanted_startup = int(count)
            case {"pair": pair, "missing": timeframe, "kind": kind} if (
                f"{pair}@{timeframe}-{kind}" in self.contract_data
            ):
                pass
            case {"pair": pair, "missing": timeframe} if not self.goes_without(pair, timeframe):
                _keep(self.missing, f"{pair} {timeframe}")


def _keep(kept: list[str], text: str) -> None:
    if len(kept) < MOST_KEPT and (fact := shown(text)) not in kept:
        kept.append(fact)
