"""Parse the engine's log records and the facts in them, as freqtrade 2026.9 words them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

_RECORD: Final = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - (?P<logger>\S+) - (?P<level>[A-Z]+) - (?P<text>.*)"
)
# Facts, as named groups, in the records of each logger.
_FACTS: Final[Mapping[str, tuple[re.Pattern[str], ...]]] = {
    logger: tuple(map(re.compile, patterns))
    for logger, patterns in {
        "freqtrade.worker": (r"Changing state(?: from \w+)? to: (?P<state>\w+)",),
        "freqtrade.resolvers.strategy_resolver": (
            r"Strategy using startup_candle_count: (?P<startup>\d+)",
        ),
        "freqtrade.resolvers.iresolver": (r"Could not import .+ due to '(?P<unimportable>.+)'",),
        "freqtrade.data.history.datahandlers.idatahandler": (
            r"No history for (?P<pair>\S+), \w*, (?P<missing>\w+) found",
        ),
        "freqtrade.data.dataprovider": (
            r"No data found for \((?P<pair>\S+), (?P<missing>\w+), \w*\)",
        ),
        "freqtrade.plugins.pairlist.IPairList": (
            r"Pair (?P<dropped>\S+) is not compatible with exchange",
            r"Ignoring (?P<dropped>\S+) from whitelist\. Market is not active",
        ),
        "freqtrade.strategy.hyper": (r"(?P<bad_parameters>Invalid parameter file format)",),
        "freqtrade.strategy.parameters": (
            r"Parameter '(?P<fixed>\w*)' is part of this hyperopt run, but its value is used",
        ),
        "freqtrade.strategy.strategy_wrapper": (r"Unexpected error (?P<raised>.+) calling ",),
        "freqtrade.freqai.freqai_interface": (r"(?P<untrained>Training \S+ raised exception .*)",),
    }.items()
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One log record.

    Attributes:
        text: Its first line.
        ends_the_engine: Whether it is the error that the engine exits with.
        facts: Facts in it, by name.
    """

    text: str
    ends_the_engine: bool
    facts: Mapping[str, str]


def read_record(line: str) -> LogRecord | None:
    """Return the record that begins in `line`; None when `line` is something else."""
    found = _RECORD.match(line)
    if found is None:
        return None
    return LogRecord(
        text=found["text"],
        ends_the_engine=found["logger"] == "freqtrade" and found["level"] == "ERROR",
        facts=_facts(found["logger"], found["text"]),
    )


def _facts(logger: str, text: str) -> Mapping[str, str]:
    for pattern in _FACTS.get(logger, ()):
        found = pattern.match(text)
        if found is not None:
            return found.groupdict()
    return {}
