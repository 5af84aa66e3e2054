"""Heat map of a sweep: its figure over two of the varied keys."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from statistics import fmean
from typing import Final, Self, TypeAlias, final

from tradai.core import JsonValue
from tradai.entrypoint._report.figures import FigureFormat, label_in_text
from tradai.entrypoint._report.html import Markup, element, joined
from tradai.entrypoint._report.tables import plain_table, shaded_cell
from tradai.entrypoint._sweep.figures import FIGURES
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.result import SweepResult
from tradai.entrypoint._sweep.variants import Variant

_Cell: TypeAlias = tuple[str, str]
# Values of a variant, by time range.
_Figures: TypeAlias = dict[str, float]
_KEYS: Final = 2


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """Values of a figure by the values of two keys.

    Attributes:
        figure: Name of the figure.
        format: Its format.
        keys: The keys of the rows and of the columns.
        rows: Values of the first key, in the order of the variants.
        columns: Values of the second key, in the order of the variants.
        cells: Mean over the time ranges of a variant; where further keys vary, of the best one
            with all ranges.
        partial: Cells whose variants have not all ranges.
        others: Number of further keys that vary.
        ranges: Number of time ranges.
    """

    figure: str
    format: FigureFormat
    keys: tuple[str, str]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: dict[_Cell, float]
    partial: frozenset[_Cell]
    others: int
    ranges: int

    @classmethod
    def of(cls, result: SweepResult) -> Self | None:
        """Return the map of the runs that the variants have in common; None for one key or none."""
        # A test range of one window can be the training range of another.
        tests = {id(each.test) for each in result.windows}
        runs = [each for each in result.outcomes if id(each) not in tests]
        variants = {run.variant.number: run.variant for run in runs}
        ordered = [variants[number] for number in sorted(variants)]
        values = {key: _values(ordered, key) for key in result.keys}
        varied = [key for key in result.keys if len(values[key]) > 1]
        figures = _figures(runs, result.figure)
        if len(varied) < _KEYS or not figures:
            return None
        row, column = varied[:_KEYS]
        ranges = len({timerange for found in figures.values() for timerange in found})
        places = {each.number: _cell_of(each, row, column) for each in ordered}
        whole = _means_by_cell(figures, places, lambda found: len(found) == ranges)
        partial = _means_by_cell(figures, places, lambda found: len(found) < ranges)
        best = max if FIGURES[result.figure] else min
        means = partial | whole
        cells = (cell for cell in product(values[row], values[column]) if cell in means)
        return cls(
            figure=result.figure,
            format=result.format,
            keys=(row, column),
            rows=values[row],
            columns=values[column],
            cells={cell: best(means[cell]) for cell in cells},
            partial=frozenset(partial.keys() - whole.keys()),
            others=len(varied) - _KEYS,
            ranges=ranges,
        )

    def table(self) -> Markup:
        """Return the map as a table, each cell shaded by its value."""
        row_key, column_key = (key.rpartition(".")[2] for key in self.keys)
        rows = (tuple(self._row(row)) for row in self.rows)
        heads = (f"{row_key} \\ {column_key}", *self.columns)
        table = plain_table("Heat map", heads, rows, class_="numbers heat")
        return joined((table, element("p", self._remark(), class_="remark")))

    def _remark(self) -> str:
        outlined = "" if self._best is None else "; the best is outlined"
        parts = [f"Each cell is {label_in_text(self.figure)}{outlined}."]
        if self.ranges > 1:
            parts.append(f"It is the mean of {self.ranges} time ranges, in-sample.")
        if self.partial:
            parts.append(
                "A cell that lacks a time range is the mean of fewer, and is never the best."
            )
        if self.others:
            parts.append("Of further keys that vary, the best value counts.")
        return " ".join(parts)

    def _row(self, row: str) -> Iterator[Markup]:
        yield element("th", row, scope="row")
        yield from (self._cell((row, column)) for column in self.columns)

    def _cell(self, cell: _Cell) -> Markup:
        value = self.cells.get(cell)
        if value is None:
            return element("td", "-")
        largest = max(map(abs, self.cells.values()))
        is_more_better = FIGURES[self.figure]
        tone = "good" if (value > 0) and is_more_better else "bad"
        is_best = cell not in self.partial and value == self._best
        classes = f"{tone} best" if is_best else tone
        text = self.format.text(self.figure, value)
        return shaded_cell(text, classes, value=value, largest=largest)

    @property
    def _best(self) -> float | None:
        """The best value of a cell with all ranges; None without one."""
        best = max if FIGURES[self.figure] else min
        whole = (value for cell, value in self.cells.items() if cell not in self.partial)
        return best(whole, default=None)


def _values(variants: list[Variant], key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.values.get(key, "-") for each in variants))


def _cell_of(variant: Variant, row: str, column: str) -> _Cell:
    return variant.values.get(row, "-"), variant.values.get(column, "-")


def _figures(runs: list[RunOutcome], figure: str) -> dict[int, _Figures]:
    """Return the values of `figure` by time range, of each variant by its number."""
    found: dict[int, _Figures] = {}
    for run in runs:
        value = run.figure(figure) if run.is_success else None
        if value is not None:
            found.setdefault(run.variant.number, {})[run.timerange] = value
    return found


def _means_by_cell(
    figures: Mapping[int, _Figures],
    places: Mapping[int, _Cell],
    counts: Callable[[_Figures], bool],
) -> dict[_Cell, list[float]]:
    """Return the mean over the time ranges of each variant that counts, by its cell."""
    means: dict[_Cell, list[float]] = {}
    for number, place in places.items():
        found = figures.get(number)
        if found and counts(found):
            means.setdefault(place, []).append(fmean(found.values()))
    return means


def map_json(result: SweepResult) -> dict[str, JsonValue]:
    """Return the cells of the heat map and the means of the windows as JSON; None for none."""
    found, means = HeatMap.of(result), _means(result)
    columns = ("row", "column", result.figure)
    cells = [(*cell, value) for cell, value in found.cells.items()] if found else []
    values = {name: [row[i] for row in cells] for i, name in enumerate(columns)}
    table: JsonValue = {"keys": list(found.keys), **values} if found else None
    names = ("windows", "in_sample", "out_of_sample")
    return {
        "heat_map": table,
        "walk_forward": dict(zip(names, means, strict=True)) if means else None,
    }


def survival_sentence(result: SweepResult) -> str | None:
    """Return the mean figure in-sample beside the one out-of-sample; None without both."""
    means = _means(result)
    if means is None:
        return None
    windows, inside, outside = means
    shown = result.format
    inside_text, outside_text = (shown.text(result.figure, mean) for mean in (inside, outside))
    return (
        f"Mean {label_in_text(result.figure)} of the best variants over {windows} windows: "
        f"{inside_text} in-sample (training), "
        f"{outside_text} out-of-sample (test)."
    )


def _means(result: SweepResult) -> tuple[int, float, float] | None:
    """Return the number of windows with both figures, and the mean of each; None without any."""
    pairs = [
        (inside, outside)
        for each in result.windows
        if each.training and each.test
        if (inside := each.training.figure(result.figure)) is not None
        if (outside := each.test.figure(result.figure)) is not None
    ]
    if not pairs:
        return None
    inside, outside = (fmean(values) for values in zip(*pairs, strict=True))
    return len(pairs), inside, outside
