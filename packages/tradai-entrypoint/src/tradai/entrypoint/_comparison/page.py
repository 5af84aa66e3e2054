"""HTML page of a comparison of runs."""

import os
from collections.abc import Iterator
from pathlib import Path

from tradai.entrypoint._comparison.compared_run import ComparedRun
from tradai.entrypoint._comparison.result import RunComparison
from tradai.entrypoint._report.chart import ChartBundle
from tradai.entrypoint._report.curves import Curve, CurveChart
from tradai.entrypoint._report.formatting import counted, percent
from tradai.entrypoint._report.html import Markup, element, file_link, joined
from tradai.entrypoint._report.model import RunReportParts
from tradai.entrypoint._report.page import notices_list, render_page
from tradai.entrypoint._report.report_files import REPORT_NAME
from tradai.entrypoint._report.sections import section
from tradai.entrypoint._report.tables import plain_table


def comparison_page(comparison: RunComparison, folder: Path) -> str:
    """Return the page, which lies in `folder`; it needs no network."""
    charts = tuple(_charts(comparison))
    bundle = ChartBundle.packaged() if charts else None
    content = joined(_sections(comparison, charts, folder))
    if bundle:
        content = joined((content, bundle.scripts(RunReportParts(curves=charts))))
    title = f"Comparison of {counted(len(comparison.runs), 'run')}"
    return render_page(title, _header(comparison, title), content, bundle=bundle)


def _header(comparison: RunComparison, title: str) -> Markup:
    first = comparison.runs[0].name
    return element(
        "header",
        element("p", "Comparison", class_="mode"),
        element("h1", title),
        element("p", f"Differences are against the first run, {first}.", class_="verdict even"),
        notices_list((*comparison.notices, *comparison.caveats)),
    )


def _charts(comparison: RunComparison) -> Iterator[CurveChart]:
    runs = [each for each in comparison.runs if len(each.curve) > 1]
    if not runs:
        return
    for name, title, column in (("profit", "Profit on the start", 1), ("fall", "Drawdown", 2)):
        curves = tuple(_curve(each, column) for each in runs)
        yield CurveChart(name=f"curves-{name}", title=title, curves=curves, is_percent=True)


def _curve(run: ComparedRun, column: int) -> Curve:
    places = [point[0] for point in run.curve]
    values = [point[column] for point in run.curve]
    return Curve(label=run.name, at=places, values=values, style="steps")


def _sections(
    comparison: RunComparison, charts: tuple[CurveChart, ...], folder: Path
) -> Iterator[Markup]:
    yield section("Runs", _runs_table(comparison, folder))
    for chart in charts:
        yield section(chart.title, chart.figure(_caption(comparison, chart)))
    if comparison.figures:
        yield section("Figures", _figures_table(comparison))
    if comparison.differing_settings:
        yield section("Settings that differ", _settings_table(comparison))
    else:
        text = "The runs have the same configuration and parameters."
        if comparison.differs_in_source:
            text = f"{text[:-1]}, and not the same source of the strategy."
        yield section("Settings that differ", element("p", text, class_="remark"))


def _caption(comparison: RunComparison, chart: CurveChart) -> str:
    account = _account(comparison)
    ends = (f"{each.label} {percent(each.values[-1], with_sign=True)}" for each in chart.curves)
    lowest = (f"{each.label} {percent(min(each.values), with_sign=True)}" for each in chart.curves)
    if chart.name.endswith("profit"):
        return f"Profit of {account}, in percent of its start: {', '.join(ends)}."
    return f"Fall of {account} from its highest value so far, at most: {', '.join(lowest)}."


def _account(comparison: RunComparison) -> str:
    """Return what the curves are of; of contracts, the value of open positions is not known."""
    shown = [each for each in comparison.runs if len(each.curve) > 1]
    closed = [each.name for each in shown if not each.has_equity]
    if len(closed) == len(shown):
        return "closed trades"
    without = f" (of {', '.join(closed)}, closed trades alone)" if closed else ""
    return f"the account with open positions{without}"


def _runs_table(comparison: RunComparison, folder: Path) -> Markup:
    ids = ("Id",) if any(each.is_named for each in comparison.runs) else ()
    rows = (
        (
            element("th", _report_link(each, folder), scope="row"),
            *(element("td", each.record.run_id, class_="text") for _ in ids),
            element("td", str(each.record.config.get("name") or "-"), class_="text"),
            element("td", each.record.mode.value if each.record.mode else "-", class_="text"),
            element("td", each.period, class_="text"),
            element("td", ", ".join(sorted(each.pairs)), class_="text"),
            element("td", each.record.verdict or "-", class_="text"),
        )
        for each in comparison.runs
    )
    heads = ("Run", *ids, "Strategy", "Mode", "Period", "Pairs", "Verdict")
    return plain_table("Runs", heads, rows, class_="texts")


def _report_link(run: ComparedRun, folder: Path) -> Markup:
    report = run.folder / REPORT_NAME
    if not report.is_file():
        return element("span", run.name)
    return file_link(run.name, os.path.relpath(report.resolve(), folder.resolve()))


def _figures_table(comparison: RunComparison) -> Markup:
    rows = (
        (
            element("th", comparison.label(figure), scope="row"),
            *(_figure_cell(comparison, each, figure) for each in comparison.runs),
        )
        for figure in comparison.figures
    )
    heads = ("Figure", *(each.name for each in comparison.runs))
    return plain_table("Figures", heads, rows)


def _figure_cell(comparison: RunComparison, run: ComparedRun, figure: str) -> Markup:
    text = comparison.format_of(run).value(figure, run.figures.get(figure))
    difference = comparison.difference(run, figure)
    if difference is None:
        return element("td", text)
    # A difference that the decimals do not show is neither better nor worse.
    is_seen = any(each in "123456789" for each in difference)
    tone = comparison.tone(run, figure) if is_seen else "even"
    return element("td", text, element("span", difference, class_=f"delta {tone}"))


def _settings_table(comparison: RunComparison) -> Markup:
    rows = (
        (
            element("th", element("code", name), scope="row"),
            *(element("td", element("code", value), class_="text") for value in values),
        )
        for name, values in comparison.differing_settings.items()
    )
    heads = ("Setting", *(each.name for each in comparison.runs))
    return plain_table("Settings that differ", heads, rows, class_="texts")
