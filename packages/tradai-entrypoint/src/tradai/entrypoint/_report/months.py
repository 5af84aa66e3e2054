"""Tables of the returns of months and days, each cell shaded by its size."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import prod
from typing import Final

from tradai.entrypoint._report.formatting import percent, signed
from tradai.entrypoint._report.html import Markup, element
from tradai.entrypoint._report.model import DayReturn, MonthReturn
from tradai.entrypoint._report.tables import plain_table, shaded_cell, tone_of

_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def months_table(months: Sequence[MonthReturn]) -> Markup:
    """Return a table with a row for each year and a column for each month."""
    largest = max((abs(month.ratio) for month in months), default=0.0)
    years = groupby(months, key=lambda month: month.year)
    rows = (tuple(_year_cells(year, list(group), largest)) for year, group in years)
    heads = ("Year", *_MONTHS, "Total")
    return plain_table("Return by month", heads, rows, class_="numbers months")


def days_table(days: Sequence[DayReturn]) -> Markup:
    """Return a table with a row for each month and a column for each day, in percent."""
    largest = max((abs(day.ratio) for day in days), default=0.0)
    months = groupby(days, key=lambda day: (day.day.year, day.day.month))
    rows = (tuple(_month_cells(name, list(group), largest)) for name, group in months)
    heads = ("Month", *map(str, range(1, 32)))
    return plain_table("Return by day, in percent", heads, rows, class_="numbers days")


def _month_cells(
    name: tuple[int, int], days: Sequence[DayReturn], largest: float
) -> Iterator[Markup]:
    ratios = {day.day.day: day.ratio for day in days}
    year, month = name
    yield element("th", f"{_MONTHS[month - 1]} {year}", scope="row")
    for day in range(1, 32):
        ratio = ratios.get(day)
        yield _cell(ratio, largest, "" if ratio is None else signed(100 * ratio, 1))


def _year_cells(year: int, months: Sequence[MonthReturn], largest: float) -> Iterator[Markup]:
    ratios = {month.month: month.ratio for month in months}
    yield element("th", str(year), scope="row")
    for month in range(1, 13):
        yield _cell(ratios.get(month), largest, percent(ratios.get(month), with_sign=True))
    total = prod(1 + ratio for ratio in ratios.values()) - 1
    yield element("td", percent(total, with_sign=True), class_=tone_of(total))


def _cell(ratio: float | None, largest: float, text: str) -> Markup:
    if ratio is None:
        return element("td")
    return shaded_cell(text, tone_of(ratio), value=ratio, largest=largest)
