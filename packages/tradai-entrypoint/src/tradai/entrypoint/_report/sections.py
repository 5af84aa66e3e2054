"""Sections of a result: figures, charts, months, trades, and tables by pair and exit reason."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tradai.entrypoint._report.chart import ChartBundle, curve_sentence
from tradai.entrypoint._report.formatting import cut
from tradai.entrypoint._report.html import Markup, element, joined
from tradai.entrypoint._report.model import RunReportParts
from tradai.entrypoint._report.months import days_table, months_table
from tradai.entrypoint._report.tables import figures_list, trades_table
from tradai.entrypoint._report.trade_list import trade_list

_NO_CURVE: Final = "No trade was closed, so there is no curve to draw."
_NO_SCRIPT: Final = "The charts need scripts, which are off here; nothing else does."
_NO_CHART: Final = (
    "The charts could not be drawn: they need a browser of 2023 or newer. Nothing else does."
)
_KEYS: Final = (
    "Zoom with the wheel or by dragging. After a click on the chart, or once Tab reaches it, + and "
    "\N{MINUS SIGN} zoom, the arrow keys move, and Home shows all."
)
_CANDLE_KEYS: Final = f"{_KEYS} N and P go to the next and the previous trade."
_LEGEND: Final = (
    "Triangles point to entries (blue) and exits (green or red, as the trade ended); dashed lines "
    "are the stop at the entry and at the exit. Bars at the bottom are volume per time."
)
_SHARPE: Final = (
    "Sharpe ratio of the last 30 days: mean over standard deviation of the account's daily "
    "returns, times the square root of 365."
)
_PAIR_CURVES: Final = (
    "Sum of the profits of each pair's closed trades. Of more than eight pairs, those that won or "
    "lost most are drawn; click a name to hide its curve."
)
# The length of a tag that a bot of the engine can store; a backtest takes any.
_LONGEST_TAG: Final = 255
_CUT_TAGS: Final = (
    f"Tags and reasons of more than {_LONGEST_TAG} characters are cut on this page; trades.parquet "
    "has them whole."
)
_REJECTED: Final = (
    "Numbers of the engine for all pairs together; it does not say which signals these were."
)
_ACTIONS: Final = (
    ("previous", "\N{LEFTWARDS ARROW} trade", "Previous trade"),
    ("next", "trade \N{RIGHTWARDS ARROW}", "Next trade"),
    ("in", "+", "Zoom in"),
    ("out", "\N{MINUS SIGN}", "Zoom out"),
    ("left", "\N{LEFTWARDS ARROW}", "Earlier"),
    ("right", "\N{RIGHTWARDS ARROW}", "Later"),
    ("whole", "All", "All of the time"),
)


def has_charts(parts: RunReportParts) -> bool:
    """Return whether there is something to draw or to sort."""
    return has_balance(parts) or bool(parts.curves)


def has_balance(parts: RunReportParts) -> bool:
    """Return whether a trade was closed."""
    return len(parts.balance) > 1


def results(parts: RunReportParts, bundle: ChartBundle | None) -> Markup:
    """Return the sections of a result; tags of a length that no bot can store are cut."""
    return joined(_sections(_with_short_tags(parts), bundle))


def section(title: str, *children: str) -> Markup:
    """Return `children` under a heading."""
    return element("section", element("h2", title), *children)


def _sections(parts: RunReportParts, bundle: ChartBundle | None) -> Iterator[Markup]:
    if parts.highlights:
        yield figures_list(parts.highlights, class_="highlights")
    if parts.balance:
        yield section("Balance and drawdown", _curve(parts))
    yield from (section(each.title, each.content) for each in parts.sections)
    if parts.figures:
        yield section("Figures", figures_list(parts.figures, class_="figures"))
    yield from _groups(parts)
    yield from _trades(parts)
    if bundle:
        yield bundle.scripts(parts)


def _groups(parts: RunReportParts) -> Iterator[Markup]:
    if parts.months:
        yield section("Months", months_table(parts.months))
    if parts.days:
        yield section("Days", days_table(parts.days), _rolling_sharpe(parts))
    if parts.pairs:
        table = trades_table("Pair", parts.pairs, currency=parts.currency)
        yield section("Pairs", table, _pair_curves(parts))
    if parts.entry_tags:
        table = trades_table("Entry tag", parts.entry_tags, currency=parts.currency)
        yield section("Entry tags", table)
    if parts.exit_reasons:
        table = trades_table("Exit reason", parts.exit_reasons, currency=parts.currency)
        yield section("Exit reasons", table)
    if parts.rejected:
        shown = figures_list(parts.rejected, class_="figures")
        yield section("Without a trade", shown, element("p", _REJECTED, class_="remark"))


def _trades(parts: RunReportParts) -> Iterator[Markup]:
    if parts.candles and has_balance(parts):
        yield section("Candles", _candles(parts))
    if parts.trades:
        yield section("Trades", trade_list(parts.trades, currency=parts.currency), _remark(parts))


def _remark(parts: RunReportParts) -> Markup:
    tags = (tag for each in parts.trades for tag in (each.enter_tag, each.exit_reason))
    has_cut = any(len(tag) > _LONGEST_TAG for tag in tags)
    return element("p", _CUT_TAGS, class_="remark") if has_cut else Markup()


def _with_short_tags(parts: RunReportParts) -> RunReportParts:
    trades = [
        replace(each, enter_tag=_cut(each.enter_tag), exit_reason=_cut(each.exit_reason))
        for each in parts.trades
    ]
    tags, reasons = (
        tuple(replace(each, name=_cut(each.name)) for each in groups)
        for groups in (parts.entry_tags, parts.exit_reasons)
    )
    return replace(parts, trades=tuple(trades), entry_tags=tags, exit_reasons=reasons)


def _cut(tag: str) -> str:
    return cut(tag, _LONGEST_TAG)


def _curve(parts: RunReportParts) -> Markup:
    if not has_balance(parts):
        return element("p", _NO_CURVE, class_="remark")
    sentence = curve_sentence(parts)
    return element(
        "figure",
        _chart("chart", f"Balance and drawdown. {_KEYS}"),
        element("p", _NO_CHART, id="chart-failed", class_="remark", hidden=""),
        element("noscript", element("p", _NO_SCRIPT, class_="remark")),
        element("figcaption", sentence),
    )


def _rolling_sharpe(parts: RunReportParts) -> Markup:
    if not has_charts(parts) or not any(day.sharpe is not None for day in parts.days):
        return Markup()
    return _later_chart("sharpe-chart", "Sharpe ratio of the last 30 days", _SHARPE)


def _pair_curves(parts: RunReportParts) -> Markup:
    if not has_charts(parts) or not parts.trades:
        return Markup()
    return _later_chart("pair-chart", "Profit of each pair over time", _PAIR_CURVES)


def _later_chart(name: str, label: str, sentence: str) -> Markup:
    chart = _chart(name, f"{label}. {_KEYS}")
    return element("figure", chart, element("figcaption", sentence), class_="below")


def _candles(parts: RunReportParts) -> Markup:
    options = (element("option", each.pair, value=each.pair) for each in parts.candles)
    pair = element("select", *options, id="candle-pair", aria_label="Pair")
    buttons = (
        element("button", text, type="button", data_action=action, title=name, aria_label=name)
        for action, text, name in _ACTIONS
    )
    return element(
        "figure",
        element("div", pair, *buttons, id="candle-tools", class_="tools", hidden=""),
        _chart("candle-chart", f"Candles and trades of a pair. {_CANDLE_KEYS}"),
        element("p", id="trade-note", class_="remark", aria_live="polite"),
        element("noscript", element("p", _NO_SCRIPT, class_="remark")),
        element("figcaption", f"{_LEGEND} {_CANDLE_KEYS}"),
    )


def _chart(name: str, label: str) -> Markup:
    return element("div", id=name, class_="chart", tabindex="0", role="group", aria_label=label)
