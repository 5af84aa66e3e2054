"""Table of the returns by year and month, each cell shaded by its size."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import prod
from typing import Final

from tradai.entrypoint._report.formatting import percent
from tradai.entrypoint._report.html import Markup, element
from tradai.entrypoint._report.model import MonthReturn
from tradai.entrypoint._report.tables import plain_table, tone_of

_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
# The deepest shade, at which text still has enough contrast.
_DEEPEST_PERCENT: Final = 38


def months_table(months: Sequence[MonthReturn]) -> Markup:
    """Return a table with a row for each year and a column for each month."""
    largest = max((abs(month.ratio) for month in months), default=0.0)
    years = groupby(months, key=lambda month: month.year)
    rows = (tuple(_year_cells(year, list(group), largest)) for year, group in years)
    heads = ("Year", *_MONTHS, "Total")
    return plain_table("Return by month", heads, rows, class_="numbers months")


def _year_cells(year: int, months: Sequence[MonthReturn], largest: float) -> Iterator[Markup]:
    ratios = {month.month: month.ratio for month in months}
    yield element("th", str(year), scope="row")
    for month in range(1, 13):
        yield _cell(ratios.get(month), largest)
    total = prod(1 + ratio for ratio in ratios.values()) - 1
    yield element("td", percent(total, with_sign=True), class_=tone_of(total))


def _cell(ratio: float | None, largest: float) -> Markup:
    if ratio is None:
        return element("td")
    depth = _DEEPEST_PERCENT * abs(ratio) / largest if largest else 0.0
    shade = f"--depth:{depth:.0f}%"
    text = percent(ratio, with_sign=True)
    return element("td", text, class_=f"shade {tone_of(ratio)}", style=shade)
