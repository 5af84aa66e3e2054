"""HTML page of the tests of a backtest: findings, runs, resamples, assumptions."""

from collections.abc import Iterator, Sequence

from tradai.entrypoint._report.chart import ChartBundle
from tradai.entrypoint._report.curves import Curve, CurveChart
from tradai.entrypoint._report.html import Markup, element, file_link, joined
from tradai.entrypoint._report.model import Figure, RunReportParts
from tradai.entrypoint._report.page import notices_list, render_page
from tradai.entrypoint._report.report_files import REPORT_NAME
from tradai.entrypoint._report.sections import section
from tradai.entrypoint._report.tables import plain_table, share_bar, text_head
from tradai.entrypoint._robust.bootstrap import Bootstrap
from tradai.entrypoint._robust.result import Robustness
from tradai.entrypoint._robust.walk_result import WINDOW_COLUMNS, window_rows
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.page import base_section

_POINTS = 100
_CAPTION = "Profit of the resamples on the starting balance, from the worst to the best."
# Ranges and names of numbers are text, profits are numbers.
_WINDOW_HEADS = (
    WINDOW_COLUMNS[0],
    *map(text_head, WINDOW_COLUMNS[1:3]),
    *WINDOW_COLUMNS[3:],
)


def robustness_page(result: Robustness, name: str, runs: str, facts: Sequence[Figure] = ()) -> str:
    """Return the page; it needs no network.

    Args:
        result: Result of the tests.
        name: Name of the analysis.
        runs: Folder of the runs, as seen from that of the page.
        facts: What the runs have in common.
    """
    charts = (_chart(result.bootstrap, result.balance),) if result.bootstrap else ()
    bundle = ChartBundle.packaged() if charts else None
    content = joined((*_sections(result, charts, runs), *base_section(facts)))
    if bundle:
        content = joined((content, bundle.scripts(RunReportParts(curves=charts))))
    return render_page(f"Robustness of {name}", _header(result, name), content, bundle=bundle)


def _header(result: Robustness, name: str) -> Markup:
    verdict = result.problem or "See for each test how much of the profit is left."
    return element(
        "header",
        element("p", "Robustness", class_="mode"),
        element("h1", name),
        element("p", verdict, class_=f"verdict {'bad' if result.failed else 'even'}"),
        notices_list(result.notices),
    )


def _chart(bootstrap: Bootstrap, balance: float) -> CurveChart:
    last = len(bootstrap.profits) - 1
    shares = [number / _POINTS for number in range(_POINTS + 1)]
    profits = [bootstrap.profits[round(share * last)] / balance for share in shares]
    curve = Curve(label="profit", at=[100 * share for share in shares], values=profits)
    return CurveChart(
        name="curves-bootstrap",
        title="Profit of the resampled trades",
        curves=(curve,),
        axis="percent of the resamples that end below",
        is_percent=True,
    )


def _sections(result: Robustness, charts: tuple[CurveChart, ...], runs: str) -> Iterator[Markup]:
    if result.findings:
        rows = (
            (element("th", each.test, scope="row"), element("td", each.sentence, class_="text"))
            for each in result.findings
        )
        yield section("Findings", plain_table("Findings", ("Test", "Result"), rows, class_="texts"))
    if result.windows:
        table = plain_table("Walk forward", _WINDOW_HEADS, _windows(result, runs))
        yield section("Walk forward", table)
    *names, changes = result.columns
    heads = (*names, text_head(changes))
    table = plain_table("Runs", heads, _rows(result, runs), class_="numbers long-names")
    yield section("Runs", table)
    for chart in charts:
        yield section(chart.title, chart.figure(_CAPTION))
    if result.notes:
        notes = element("ul", *(element("li", note) for note in result.notes))
        yield section("Assumptions", notes)


def _windows(result: Robustness, runs: str) -> Iterator[tuple[Markup, ...]]:
    for each, row in zip(result.windows, window_rows(result.windows), strict=True):
        training, test, numbers, inside, outside = row
        yield (
            element("th", training, scope="row"),
            element("td", test, class_="text"),
            element("td", numbers, class_="text"),
            element("td", _linked(each.training, inside, runs)),
            element("td", _linked(each.test, outside, runs)),
        )


def _linked(outcome: RunOutcome | None, text: str, runs: str) -> str:
    if outcome is None:
        return text
    return _report_link(outcome, text, runs) if outcome.is_success else outcome.verdict


def _rows(result: Robustness, runs: str) -> Iterator[tuple[Markup, ...]]:
    largest = max(abs(each.figure("profit_percent") or 0.0) for each in result.whole_runs)
    for outcome, row in zip(result.whole_runs, result.rows(), strict=True):
        name, trades, profit, fall, changes = row
        bar = share_bar(outcome.figure("profit_percent") or 0.0, largest)
        yield (
            element("th", _report_link(outcome, name, runs), scope="row"),
            element("td", trades),
            element("td", bar, profit, class_="amount"),
            element("td", fall),
            element("td", changes, class_="text prose"),
        )


def _report_link(outcome: RunOutcome, name: str, runs: str) -> Markup:
    if not outcome.is_success:
        return element("span", f"{name}: {outcome.verdict}")
    return file_link(name, f"{runs}/{outcome.run_id}/{REPORT_NAME}")
