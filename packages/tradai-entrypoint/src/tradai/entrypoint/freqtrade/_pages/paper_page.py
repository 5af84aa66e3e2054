"""Part of the report of a dry-run: closed trades, open positions, profit, slippage."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from tradai.core import JsonValue, StrategyConfig, TimeRange
from tradai.entrypoint._paper.paper_status import PaperStatus
from tradai.entrypoint._report.formatting import (
    decimals_for,
    instant,
    percent,
    plain,
    result_text,
    signed,
)
from tradai.entrypoint._report.html import Markup, element, joined
from tradai.entrypoint._report.model import (
    Figure,
    ReportSection,
    RunReportParts,
    TradeRow,
)
from tradai.entrypoint._report.tables import facts_table, plain_table, text_head, tone_of
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint.freqtrade._pages.paper_trades import (
    Position,
    closed_trades,
    figures_of,
    filled_orders,
    positions,
)
from tradai.entrypoint.freqtrade._pages.slippage import (
    Slip,
    as_columns,
    mean_ratio,
    recorded_prices,
    slips,
)
from tradai.entrypoint.freqtrade._pages.slippage_section import (
    cost_text,
    slippage_section,
    slippage_text,
)
from tradai.entrypoint.freqtrade._results.sqlite_file import SqliteFile
from tradai.entrypoint.freqtrade._results.statistics import Summary, summarize

# Results that the highlights have.
_HIGHLIGHTED: Final = ("closed_trades", "open_trades", "realized_profit_")


def paper_parts(
    database: SqliteFile, folder: Path, record: RunManifest, *, at: datetime, data: str | None
) -> RunReportParts:
    """Return the parts of the report of a dry-run.

    Args:
        database: Its trades.
        folder: Its folder, or the scratch folder while it ends, with the last status of its bot.
        record: Its manifest.
        at: End of the dry-run.
        data: Path or URI of candles of its time; None where they are not known.

    Raises:
        StorageError: The trades, the status or the candles cannot be read.
        ConfigurationError: No backend for the URI is installed.
    """
    config = StrategyConfig.model_validate(record.config)
    closed, every = closed_trades(database), positions(database)
    opened = [each for each in every if each.is_filled]
    summary = _summary(closed, config, record.started_at, at)
    status = PaperStatus.read(folder)
    slipped = _slipped(database, config, data)
    currency = config.stake_currency
    return RunReportParts(
        currency=currency,
        highlights=tuple(_highlights(summary, opened, status, currency)),
        figures=tuple(_figures(record, summary, opened, slipped, currency)),
        balance=summary.balance,
        trades=closed,
        pairs=summary.per_pair,
        entry_tags=summary.per_entry_tag if any(each.enter_tag for each in closed) else (),
        exit_reasons=summary.per_exit_reason,
        sections=tuple(_sections(record, every, status, slipped, currency)),
        numbers=dict(_numbers(opened, status, slipped)),
    )


def _summary(
    closed: Sequence[TradeRow], config: StrategyConfig, start: datetime, end: datetime
) -> Summary:
    # The trades of a dry-run that this one continues were opened before it.
    first = min((start, *(trade.opened_at for trade in closed))).replace(microsecond=0)
    last = max((end, *(trade.closed_at for trade in closed))).replace(microsecond=0)
    return summarize(
        [figures_of(trade) for trade in closed],
        starting_balance=float(config.execution.starting_balance),
        period=TimeRange(start=first, stop=last + timedelta(seconds=1)),
    )


def _slipped(database: SqliteFile, config: StrategyConfig, data: str | None) -> list[Slip] | None:
    """Return the slippage of each fill that can be compared; None without candles."""
    orders = list(filled_orders(database))
    if data is None:
        return None
    if not orders:
        return []
    times = [order.ordered_at for order in orders]
    prices = recorded_prices(
        data,
        {order.pair for order in orders},
        str(config.timeframe),
        start=min(times),
        end=max(times),
    )
    return slips(orders, prices)


def _highlights(
    summary: Summary, opened: Sequence[Position], status: PaperStatus | None, currency: str
) -> Iterator[Figure]:
    total, decimals = summary.total, decimals_for([summary.final_balance], currency)
    yield Figure("Profit of closed trades", f"{signed(total.profit_abs, decimals)} {currency}")
    yield Figure("Closed trades", str(total.trades))
    yield Figure("Open positions", str(len(opened)))
    profit = _open_profit(opened, status)
    shown = "not known" if profit is None else f"{signed(profit, decimals)} {currency}"
    yield Figure("Profit of open positions", shown)


def _open_profit(opened: Sequence[Position], status: PaperStatus | None) -> float | None:
    profits = [_profit(each, status) for each in opened]
    known = [each for each in profits if each is not None]
    return sum(known) if len(known) == len(opened) else None


def _profit(position: Position, status: PaperStatus | None) -> float | None:
    """Return the profit of `position` in the last status of the bot; None if that lacks it."""
    trades = (status.open_trades or ()) if status else ()
    return next((each.profit for each in trades if each.pair == position.pair), None)


def _figures(
    record: RunManifest,
    summary: Summary,
    opened: Sequence[Position],
    slipped: Sequence[Slip] | None,
    currency: str,
) -> Iterator[Figure]:
    decimals, total = decimals_for([summary.final_balance], currency), summary.total
    yield Figure("Starting balance", f"{plain(summary.starting_balance, decimals)} {currency}")
    yield Figure("Balance of closed trades", f"{plain(summary.final_balance, decimals)} {currency}")
    yield Figure("Won, drawn, lost", f"{total.wins} / {total.draws} / {total.losses}")
    yield Figure("Win rate", percent(total.winrate))
    yield Figure("Profit factor", plain(total.profit_factor, 2))
    realized = sum(each.realized for each in opened)
    if realized:
        yield Figure("Partial exits of open positions", f"{signed(realized, decimals)} {currency}")
    if slipped:
        yield Figure("Mean slippage", slippage_text(mean_ratio(slipped)))
        cost = cost_text(sum(each.cost for each in slipped), currency)
        yield Figure("Cost of slippage", f"{cost} {currency}")
    for name, value in record.results.items():
        if not name.startswith(_HIGHLIGHTED):
            yield Figure(name.replace("_", " "), result_text(value))


def _sections(
    record: RunManifest,
    every: Sequence[Position],
    status: PaperStatus | None,
    slipped: Sequence[Slip] | None,
    currency: str,
) -> Iterator[ReportSection]:
    if record.continuation:
        yield ReportSection("Continuation", _continuation(record))
    opened = [each for each in every if each.is_filled]
    waiting = ", ".join(each.pair for each in every if not each.is_filled)
    shown = [_positions(opened, status, currency)]
    if waiting:
        remark = f"Entries that wait to be filled: {waiting}."
        shown.append(element("p", remark, class_="remark"))
    yield ReportSection("Open positions", joined(shown))
    yield ReportSection("Slippage against a backtest", slippage_section(slipped, currency))


def _continuation(record: RunManifest) -> Markup:
    facts = (
        Figure(name.replace("_", " "), ", ".join(map(str, value)) if value else "none")
        if isinstance(value, list)
        else Figure(name.replace("_", " "), result_text(value))
        for name, value in record.continuation.items()
    )
    table = facts_table("Continuation", facts)
    if "continues" not in record.continuation:
        return table
    text = "Trades and balance include those of the run that it continues."
    return joined((table, element("p", text, class_="remark")))


def _positions(opened: Sequence[Position], status: PaperStatus | None, currency: str) -> Markup:
    if not opened:
        return element("p", "No position was open at the end.", class_="remark")
    heads = (
        *("Pair", "Entry, UTC", "Amount", "At price", f"Stake {currency}", "Stop"),
        *(f"Profit {currency}", "Profit", text_head("Entry tag")),
    )
    table = plain_table(
        "Open positions", heads, (_position(each, status, currency) for each in opened)
    )
    when = (
        f"Profit at the price that the engine saw at {instant(status.at)}, after the fees of both "
        "sides."
        if status
        else "Their profit is not known: the engine was ended before it was asked."
    )
    return joined((table, element("p", when, class_="remark")))


def _position(position: Position, status: PaperStatus | None, currency: str) -> tuple[Markup, ...]:
    profit = _profit(position, status)
    decimals = decimals_for([position.stake], currency)
    tone = tone_of(profit or 0.0)
    ratio = profit / position.stake if profit is not None and position.stake else None
    return (
        element("th", f"{position.pair}{' short' if position.is_short else ''}", scope="row"),
        element("td", f"{position.opened_at:%Y-%m-%d %H:%M}"),
        element("td", result_text(position.amount)),
        element("td", result_text(position.open_rate)),
        element("td", plain(position.stake, decimals)),
        element("td", result_text(position.stop)),
        element(
            "td", "not known" if profit is None else signed(profit, max(decimals, 4)), class_=tone
        ),
        element("td", percent(ratio, with_sign=True), class_=tone),
        element("td", position.enter_tag, class_="text"),
    )


def _numbers(
    opened: Iterable[Position], status: PaperStatus | None, slipped: Sequence[Slip] | None
) -> Iterator[tuple[str, JsonValue]]:
    shown = list(opened)
    yield (
        "positions",
        {
            "pair": [each.pair for each in shown],
            "opened_at": [each.opened_at.isoformat() for each in shown],
            "stake": [each.stake for each in shown],
            "profit": [_profit(each, status) for each in shown],
        },
    )
    if slipped is not None:
        yield "slippage", {name: list(values) for name, values in as_columns(slipped).items()}
