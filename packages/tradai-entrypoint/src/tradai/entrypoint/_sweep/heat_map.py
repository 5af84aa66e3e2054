"""Heat map of a sweep: its figure over two of the varied keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Final, Self, final

from tradai.core import JsonValue
from tradai.entrypoint._report.formatting import result_text
from tradai.entrypoint._report.html import Markup, element, joined
from tradai.entrypoint._report.tables import plain_table
from tradai.entrypoint._sweep.outcomes import FIGURES
from tradai.entrypoint._sweep.result import SweepResult

_KEYS: Final = 2
# The deepest shade, at which text still has enough contrast.
_DEEPEST_PERCENT: Final = 38


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """Values of a figure by the values of two keys.

    Attributes:
        figure: Name of the figure.
        keys: The keys of the rows and of the columns.
        cells: Mean over the time ranges of a variant; where further keys vary, of the best one.
        others: Number of further keys that vary.
        ranges: Number of time ranges.
    """

    figure: str
    keys: tuple[str, str]
    cells: dict[tuple[str, str], float]
    others: int
    ranges: int

    @classmethod
    def of(cls, result: SweepResult) -> Self | None:
        """Return the map of the runs that the variants have in common; None for one key or none."""
        # A test range of one window can be the training range of another.
        tests = {id(each.test) for each in result.windows}
        runs = [each for each in result.outcomes if each.is_success and id(each) not in tests]
        runs.sort(key=lambda run: run.variant.number)
        values = {key: {run.variant.values.get(key) for run in runs} for key in result.keys}
        varied = [key for key in result.keys if len(values[key]) > 1]
        if len(varied) < _KEYS:
            return None
        rows, columns = varied[:_KEYS]
        figures: dict[int, list[float]] = {}
        places: dict[int, tuple[str, str]] = {}
        for run in runs:
            value, variant = run.figure(result.figure), run.variant
            if value is not None:
                figures.setdefault(variant.number, []).append(value)
                cell = variant.values.get(rows, "-"), variant.values.get(columns, "-")
                places[variant.number] = cell
        best = max if FIGURES[result.figure] else min
        cells: dict[tuple[str, str], float] = {}
        for number, found in figures.items():
            cell, mean = places[number], fmean(found)
            cells[cell] = best(cells.get(cell, mean), mean)
        return cls(
            figure=result.figure,
            keys=(rows, columns),
            cells=cells,
            others=len(varied) - _KEYS,
            ranges=len({run.timerange for run in runs}),
        )

    def table(self) -> Markup:
        """Return the map as a table, each cell shaded by its value."""
        row_key, column_key = (key.rpartition(".")[2] for key in self.keys)
        columns = list(dict.fromkeys(column for _, column in self.cells))
        rows = (tuple(self._row(row, columns)) for row in dict.fromkeys(r for r, _ in self.cells))
        heads = (f"{row_key} \\ {column_key}", *columns)
        table = plain_table("Heat map", heads, rows, class_="numbers heat")
        return joined((table, element("p", self._remark(), class_="remark")))

    def _remark(self) -> str:
        parts = [f"Each cell is {self.figure.replace('_', ' ')}; the best is outlined."]
        if self.ranges > 1:
            parts.append(f"It is the mean of {self.ranges} time ranges, in-sample.")
        if self.others:
            parts.append("Of further keys that vary, the best value counts.")
        return " ".join(parts)

    def _row(self, row: str, columns: list[str]) -> Iterator[Markup]:
        yield element("th", row, scope="row")
        yield from (self._cell(self.cells.get((row, column))) for column in columns)

    def _cell(self, value: float | None) -> Markup:
        if value is None:
            return element("td", "-")
        largest = max(map(abs, self.cells.values()))
        depth = _DEEPEST_PERCENT * abs(value) / largest if largest else 0.0
        is_more_better = FIGURES[self.figure]
        tone = "good" if (value > 0) and is_more_better else "bad"
        best = (max if is_more_better else min)(self.cells.values())
        classes = f"shade {tone}{' best' if value == best else ''}"
        return element("td", result_text(value), class_=classes, style=f"--depth:{depth:.0f}%")


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
    name = result.figure.replace("_", " ")
    return (
        f"Mean {name} of the best variants over {windows} windows: "
        f"{result_text(round(inside, 4))} in-sample (training), "
        f"{result_text(round(outside, 4))} out-of-sample (test)."
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
