"""HTML page of a sweep: one table to compare the runs, the windows, and the failures."""

from collections.abc import Iterable, Iterator, Sequence

from tradai.core import is_uri
from tradai.entrypoint._report.figures import label_in_text
from tradai.entrypoint._report.html import Markup, element, file_link, joined
from tradai.entrypoint._report.model import Figure
from tradai.entrypoint._report.page import notices_list, render_page
from tradai.entrypoint._report.report_files import REPORT_NAME
from tradai.entrypoint._report.sections import section
from tradai.entrypoint._report.tables import facts_table, plain_table, share_bar
from tradai.entrypoint._sweep.heat_map import HeatMap, survival_sentence
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.result import SweepResult, window_columns, window_rows


def sweep_page(result: SweepResult, runs: str, facts: Sequence[Figure] = ()) -> str:
    """Return the page; it needs no network.

    Args:
        result: Result of the sweep.
        runs: Folder of the runs, as seen from that of the page, which links to their reports; or
            the URI of their store, where a browser may not find them.
        facts: What the runs have in common.
    """
    tone = "bad" if result.failed else "good"
    header = element(
        "header",
        element("p", "Sweep", class_="mode"),
        element("h1", result.name),
        element("p", result.sentence(), class_=f"verdict {tone}"),
        notices_list(result.notices),
    )
    return render_page(
        f"Sweep {result.name}", header, joined((*_sections(result, runs), *base_section(facts)))
    )


def base_section(facts: Sequence[Figure]) -> Iterator[Markup]:
    """Yield the section on what all runs have in common; none without facts."""
    if facts:
        yield section("All runs", facts_table("All runs", facts))


def _sections(result: SweepResult, runs: str) -> Iterator[Markup]:
    if result.windows:
        rows = (tuple(map(_cell, row)) for row in window_rows(result))
        table = plain_table("Windows", window_columns(result.figure), rows)
        sentence = survival_sentence(result)
        remark = element("p", sentence, class_="remark") if sentence else Markup()
        yield section("Walk forward", table, remark)
    heat_map = HeatMap.of(result)
    if heat_map:
        yield section("Heat map", heat_map.table())
    succeeded = [outcome for outcome in result.ranked if outcome.is_success]
    if succeeded:
        table = plain_table("Runs", result.columns, _rows(result, succeeded, runs))
        yield section("Runs", element("p", _order(result), class_="remark"), table)
    if result.failed:
        failures = (
            (_cell(each.variant.label), _cell(str(each.exit_code)), _cell(each.verdict))
            for each in result.failed
        )
        yield section("Failed", plain_table("Failed", ("variant", "exit", "verdict"), failures))


def _order(result: SweepResult) -> str:
    first = f"best {label_in_text(result.figure)} comes first."
    return (
        f"The runs are sorted by time range; in each, the {first}"
        if result.windows
        else f"The {first}"
    )


def _rows(
    result: SweepResult, outcomes: Iterable[RunOutcome], runs: str
) -> Iterator[tuple[Markup, ...]]:
    outcomes = list(outcomes)
    largest = max((abs(each.figure("profit_percent") or 0.0) for each in outcomes), default=0.0)
    profit = result.columns.index(label_in_text("profit_percent"))
    for outcome in outcomes:
        *cells, run_id = result.row(outcome)
        row = [_cell(text) for text in cells]
        bar = share_bar(outcome.figure("profit_percent") or 0.0, largest)
        row[profit] = element("td", bar, cells[profit], class_="amount")
        yield (*row, _cell(_report(runs, run_id)))


def _report(runs: str, run_id: str) -> str:
    place = f"{runs.rstrip('/')}/{run_id}/{REPORT_NAME}"
    return place if is_uri(runs) else file_link("report", place, title=run_id)


def _cell(text: str) -> Markup:
    return element("td", text)
