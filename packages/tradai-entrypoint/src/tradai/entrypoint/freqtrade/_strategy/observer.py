"""A strategy that counts what becomes of another strategy's entry signals."""

from pathlib import Path
from typing import Final

from tradai.entrypoint.freqtrade._strategy.source import SourceFacts

OBSERVER_CLASS: Final = "TradaiObserver"
COUNTS_NAME: Final = "entry-signals.json"
_STEM: Final = "tradai_observer"

# Kept as text because only the engine's process may import the engine. It uses the interface that
# the engine documents for strategies, as freqtrade 2026.9 calls it.
_SOURCE: Final = '''\
"""Counts what becomes of the entry signals of a strategy."""

import atexit
import importlib
import json
from pathlib import Path

import pandas
from freqtrade.configuration import TimeRange

Observed = importlib.import_module("{module}").{class_name}
# Counts by pair.
COUNTS = {{}}
FILE = Path("{counts}").resolve()
# The engine raises a stake by up to this much to reach the smallest one.
TOP_UP = 1.3


@atexit.register
def write_counts():
    FILE.write_text(json.dumps(COUNTS))


def counts_of(pair):
    return COUNTS.setdefault(pair, dict.fromkeys({names!r}, 0))


class {observer}(Observed):
    def populate_exit_trend(self, dataframe, metadata):
        dataframe = super().populate_exit_trend(dataframe, metadata)
        counts = counts_of(metadata["pair"])
        start = TimeRange.parse_timerange(self.config.get("timerange")).startts
        # A signal is acted on in the next candle, and never in the last one.
        rows = dataframe[dataframe["date"] >= pandas.Timestamp(start, unit="s", tz="UTC")].iloc[:-2]
        for side in ("long", "short") if self.can_short else ("long",):
            if f"enter_{{side}}" in rows:
                signals = rows[rows[f"enter_{{side}}"] == 1]
                counts["signals"] += len(signals)
                if f"exit_{{side}}" in rows:
                    counts["exit_signal"] += int((signals[f"exit_{{side}}"] == 1).sum())
        return dataframe

    def custom_stake_amount(self, *args, **kwargs):
        counts = counts_of(kwargs["pair"])
        counts["tried"] += 1
        stake = super().custom_stake_amount(*args, **kwargs)
        least, most = kwargs["min_stake"] or 0, kwargs["max_stake"]
        # The engine passes over a stake that is text or NaN, too.
        if not stake or isinstance(stake, str) or not stake > 0:
            counts["custom_stake_amount"] += 1
        elif least > most:
            is_poor = least > self.wallets.get_available_stake_amount()
            counts["wallet" if is_poor else "market_limits"] += 1
        elif stake * TOP_UP < least:
            counts["stake_below_minimum"] += 1
        return stake

    def confirm_trade_entry(self, *args, **kwargs):
        is_confirmed = super().confirm_trade_entry(*args, **kwargs)
        counts_of(kwargs["pair"])["confirm_trade_entry"] += not is_confirmed
        return is_confirmed

    def order_filled(self, *args, **kwargs):
        counts_of(kwargs["pair"])["filled"] += 1
        return super().order_filled(*args, **kwargs)
'''
COUNTS: Final = (
    *("signals", "tried", "filled", "exit_signal", "custom_stake_amount"),
    *("wallet", "market_limits", "stake_below_minimum", "confirm_trade_entry"),
)


def write_observer(facts: SourceFacts, strategies: Path) -> Path:
    """Write the observer of a strategy beside its copy in `strategies`; return its file.

    A run of the observer makes the trades of the strategy and leaves its counts, by pair, in a file
    of its working folder.
    """
    file = strategies / f"{_STEM}.py"
    source = _SOURCE.format(
        module=facts.file.stem,
        class_name=facts.class_name,
        observer=OBSERVER_CLASS,
        names=COUNTS,
        counts=COUNTS_NAME,
    )
    file.write_text(source, encoding="utf-8")
    return file
