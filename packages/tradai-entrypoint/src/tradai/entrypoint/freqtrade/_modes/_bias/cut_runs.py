"""Backtests of the look-ahead analysis, each of which knows nothing of the others.

The engine (freqtrade 2026.9) makes them one after the other in one process, beside the candles of
all times. A strategy that keeps what it computed, in memory or in a file, or that reads the files
of candles itself, would have the future in a backtest from which it was cut off. And the engine
compares the times of a trade alone, not its stake, its prices and its further orders.
"""

import csv
import json
import multiprocessing
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from pickle import PicklingError
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast

from tradai.core import Timeframe
from tradai.entrypoint._runs._bias.last_checks import MADE
from tradai.entrypoint.freqtrade._modes._bias.changed_columns import changed_columns
from tradai.entrypoint.freqtrade._modes._bias.changed_orders import (
    Trade,
    has_other_orders,
    same_trade,
)
from tradai.entrypoint.freqtrade._modes._bias.closed_candles import write_closed_candles
from tradai.entrypoint.freqtrade._modes._bias.left_files import nothing_left
from tradai.entrypoint.freqtrade._modes._bias.lookahead import CLEAN, ORDERS

if TYPE_CHECKING:
    import pandas as pd

_Result = TypeVar("_Result")
_RESULTS: Final = "results"
# Columns that a strategy does not compute: of candles, and the digits of their prices, which the
# engine adds before the strategy sees them.
_PRICES: Final = ("open", "high", "low", "close")
_NOT_COMPUTED: Final = frozenset(
    {"date", "volume", "max_count", *_PRICES, *(f"{name}_count" for name in _PRICES)}
)


class _Backtest(Protocol):
    """The part that is used of a backtest of the engine's analysis."""

    from_dt: datetime
    to_dt: datetime
    data: Mapping[str, object]
    indicators: Mapping[str, "pd.DataFrame"]
    result: Mapping[str, Any]


class _Analysis(Protocol):
    """The part that is used of the engine's analysis, with the engine's names."""

    local_config: dict[str, Any]
    exchange: object
    current_analysis: Any
    full_varHolder: _Backtest  # noqa: N815 - the engine's name
    entry_varHolders: Sequence[_Backtest]  # noqa: N815 - the engine's name
    exit_varHolders: Sequence[_Backtest]  # noqa: N815 - the engine's name
    _fee: float | None

    def prepare_data(self, varholder: _Backtest, pairs_to_load: list[str]) -> None: ...


def separate_runs() -> None:
    """Have the engine make each backtest in a process of its own, with candles up to its end.

    It also compares the orders of trades, and adds their number to its table.

    Raises:
        ImportError: The engine is not installed, or is another one.
        AttributeError: It is another one.
    """
    helpers: Any = import_module("freqtrade.optimize.analysis.lookahead_helpers")
    resolver: Any = import_module("freqtrade.resolvers").ExchangeResolver
    analysis, functions = helpers.LookaheadAnalysis, helpers.LookaheadAnalysisSubFunctions
    runs = _SeparateRuns(
        prepare=analysis.prepare_data,
        analyse=analysis.analyze_row,
        export=functions.export_to_csv,
        load_exchange=partial(resolver.load_exchange, load_leverage_tiers=True),
    )
    analysis.prepare_data = _method(runs.prepare_data)
    analysis.analyze_row = _method(runs.analyze_row)
    analysis.analyze_indicators = _method(runs.compare_columns)
    functions.export_to_csv = runs.export_to_csv


def _method(call: Callable[..., None]) -> Callable[..., None]:
    """Return a function for a class, whose objects are the first argument of `call`."""

    def method(*arguments: object) -> None:
        call(*arguments)

    return method


@dataclass(frozen=True, slots=True, kw_only=True)
class _SeparateRuns:
    """Methods in the place of the engine's, which are called with the analysis.

    Attributes:
        prepare: The engine's method that makes a backtest.
        analyse: That which checks a trade.
        export: That which writes the table.
        load_exchange: Function that loads the exchange.
        changed: A pair for each trade with other orders; the engine has one analysis in a process.
        columns: Names of the columns that were compared, in their order.
        whole: Backtests of the whole range of one pair alone, by pair.
    """

    prepare: Callable[..., None]
    analyse: Callable[..., None]
    export: Callable[..., None]
    load_exchange: Callable[[dict[str, Any]], object]
    changed: list[str] = field(default_factory=list)
    columns: dict[str, None] = field(default_factory=dict)
    whole: dict[str, _Backtest] = field(default_factory=dict)

    def prepare_data(self, analysis: _Analysis, backtest: _Backtest, pairs: list[str]) -> None:
        """Make `backtest` of `pairs`."""
        if analysis.exchange is None:
            # Else each process would ask for the markets.
            analysis.exchange = self.load_exchange(analysis.local_config)

        def made() -> tuple[dict[str, Any], float | None]:
            with _candles_until(backtest, analysis):
                self.prepare(analysis, backtest, pairs)
            # Nothing else is compared.
            backtest.data, backtest.result = {}, {_RESULTS: backtest.result[_RESULTS]}
            return vars(backtest), analysis._fee  # noqa: SLF001 - the engine has it nowhere else

        with nothing_left(Path(analysis.local_config["datadir"])):
            attributes, analysis._fee = in_child(made)  # noqa: SLF001 - as above
        vars(backtest).update(attributes)
        if backtest is analysis.full_varHolder:
            # The engine checks the first ones.
            backtest.result = {_RESULTS: in_turns(backtest.result[_RESULTS])}

    def analyze_row(self, analysis: _Analysis, idx: int, row: "pd.Series[Any]") -> None:
        """Check the trade `row`, which may be left out."""
        checked = analysis.current_analysis.total_signals
        self.analyse(analysis, idx, row)
        if analysis.current_analysis.total_signals == checked:
            return
        again = _trades(analysis.entry_varHolders[-1]), _trades(analysis.exit_varHolders[-1])
        trade: Trade = cast("Trade", row.to_dict())
        if has_other_orders(trade, *again):
            # The other pairs, with which it shares a wallet, are not there in the cut backtests.
            alone = same_trade(trade, _trades(self._whole_of(trade["pair"], analysis)))
            if alone is None or has_other_orders(alone, *again):
                self.changed.append(trade["pair"])

    def _whole_of(self, pair: str, analysis: _Analysis) -> _Backtest:
        full = analysis.full_varHolder
        if len(analysis.local_config["pairs"]) == 1:
            return full
        if pair not in self.whole:
            self.whole[pair] = type(full)()
            self.whole[pair].from_dt, self.whole[pair].to_dt = full.from_dt, full.to_dt
            self.prepare_data(analysis, self.whole[pair], [pair])
        return self.whole[pair]

    def export_to_csv(self, config: dict[str, Any], analyses: list[_Analysis]) -> None:
        """Write the engine's table, with what it does not say."""
        self.export(config, analyses)
        made = sum(len(_trades(each.full_varHolder)) for each in analyses)
        found = {name for each in analyses for name in each.current_analysis.false_indicators}
        clean = [name for name in self.columns if name not in found | _NOT_COMPUTED]
        table = Path(config["lookahead_analysis_exportfilename"])
        add_columns(table, {ORDERS: len(self.changed), MADE: made, CLEAN: json.dumps(clean)})

    def compare_columns(
        self, analysis: _Analysis, whole: _Backtest, cut: _Backtest, pair: str
    ) -> None:
        """Add the columns of `pair` that `cut` has other values of to those that were found."""
        self.columns.update(dict.fromkeys(map(str, whole.indicators[pair].columns)))
        found: list[str] = analysis.current_analysis.false_indicators
        changed = changed_columns(whole.indicators[pair], cut.indicators[pair])
        found += [name for name in changed if name not in found]


def in_turns(trades: "pd.DataFrame") -> "pd.DataFrame":
    """Return the trades with the first of each kind in front, then the second of each, and so on.

    Trades of one kind have one direction, entry tag and exit reason: no rare rule is left out.
    """
    kinds = trades.groupby(["is_short", "enter_tag", "exit_reason"], dropna=False)
    return trades.iloc[kinds.cumcount().argsort(kind="stable")].reset_index(drop=True)


def in_child(work: Callable[[], _Result]) -> _Result:
    """Return what `work` returns in a copy of this process, which ends with it.

    Raises:
        Exception: That of `work`.
        RuntimeError: The process ended without a result.
    """
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    child = fork.Process(target=_send_result, args=(work, sender))
    with warnings.catch_warnings():
        # Python 3.12 warns of threads, which the copy has not; what it does needs none of them.
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    sender.close()
    try:
        result, failure = receiver.recv()
    except EOFError:
        child.join()
        message = f"a backtest of the analysis ended with {child.exitcode}, without a result"
        raise RuntimeError(message) from None
    child.join()
    if failure is not None:
        raise failure
    return cast("_Result", result)


def _send_result(work: Callable[[], object], sender: Connection) -> None:
    try:
        answer: tuple[object, Exception | None] = work(), None
    except Exception as exc:  # noqa: BLE001 - a strategy may raise anything; the parent raises it
        answer = None, exc
    try:
        sender.send(answer)
    except (PicklingError, AttributeError, TypeError):
        sender.send((None, RuntimeError(repr(answer[1]))))


@contextmanager
def _candles_until(backtest: _Backtest, analysis: _Analysis) -> Iterator[None]:
    """Leave the backtest the candles up to its end in the folder of candles, and none after it."""
    if backtest is analysis.full_varHolder:
        yield
        return
    folder = Path(analysis.local_config["datadir"])
    # A strategy may know the folder by a path of its own, so the name stays.
    whole = folder.rename(folder.with_name(f"{folder.name}-whole"))
    try:
        stop_ms = int(backtest.to_dt.timestamp()) * 1000
        own = Timeframe(analysis.local_config["timeframe"])
        write_closed_candles(whole, folder, own=own, stop_ms=stop_ms)
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        whole.rename(folder)


def _trades(backtest: _Backtest) -> Sequence[Trade]:
    trades: list[Trade] = backtest.result[_RESULTS].to_dict("records")
    return trades


def add_columns(table: Path, cells: Mapping[str, str | int]) -> None:
    """Add `cells`, by the names of their columns, to each row of the engine's `table`."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    added = [list(cells), *[[str(each) for each in cells.values()]] * len(rows)]
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([*row, *more] for row, more in zip(rows, added, strict=False))
