"""Sections of a result: figures, balance curve, and tables by pair and exit reason."""

from collections.abc import Iterator
from typing import Final

from tradai.entrypoint._report.chart import ChartBundle, curve_data, curve_sentence
from tradai.entrypoint._report.html import Markup, element, joined
from tradai.entrypoint._report.model import RunReportParts
from tradai.entrypoint._report.tables import figures_list, trades_table

_NO_CURVE: Final = "No trade was closed, so there is no curve to draw."
_NO_LIBRARY: Final = (
    "The chart needs the package plotly, which was not installed when this report was made; "
    "tradai-entrypoint[freqtrade] brings it."
)
_NO_SCRIPT: Final = "The chart needs scripts, which are off here; nothing else does."
_NO_CHART: Final = (
    "The chart could not be drawn: it needs a browser of 2023 or newer. Nothing else does."
)


def has_curve(parts: RunReportParts) -> bool:
    """Return whether the balance has more than one point to draw."""
    return len(parts.balance) > 1


def results(parts: RunReportParts, bundle: ChartBundle | None) -> Markup:
    """Return the sections of a result."""
    return joined(_sections(parts, bundle))


def section(title: str, *children: str) -> Markup:
    """Return `children` under a heading."""
    return element("section", element("h2", title), *children)


def _sections(parts: RunReportParts, bundle: ChartBundle | None) -> Iterator[Markup]:
    if parts.highlights:
        yield figures_list(parts.highlights, class_="highlights")
    if parts.balance:
        yield section("Balance and drawdown", _curve(parts, bundle))
    if parts.figures:
        yield section("Figures", figures_list(parts.figures, class_="figures"))
    if parts.pairs:
        yield section("Pairs", trades_table("Pair", parts.pairs, currency=parts.currency))
    if parts.exit_reasons:
        table = trades_table("Exit reason", parts.exit_reasons, currency=parts.currency)
        yield section("Exit reasons", table)


def _curve(parts: RunReportParts, bundle: ChartBundle | None) -> Markup:
    if not has_curve(parts):
        return element("p", _NO_CURVE, class_="remark")
    sentence = curve_sentence(parts.balance, currency=parts.currency)
    if bundle is None:
        return joined((element("p", sentence), element("p", _NO_LIBRARY, class_="remark")))
    chart = element("div", id="chart", role="img", aria_label=sentence)
    failed = element("p", _NO_CHART, id="chart-failed", class_="remark", hidden="")
    silent = element("noscript", element("p", _NO_SCRIPT, class_="remark"))
    figure = element("figure", chart, failed, silent, element("figcaption", sentence))
    return joined((figure, bundle.scripts(curve_data(parts.balance, currency=parts.currency))))
