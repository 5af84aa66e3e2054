"""Result of a comparison: figures with deltas against the first run, settings, and its files."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final, final

from tradai.core import JsonValue
from tradai.entrypoint._comparison.compared_run import ComparedRun
from tradai.entrypoint._comparison.differences import differences, digests_differ
from tradai.entrypoint._report.figures import FigureFormat
from tradai.entrypoint._report.formatting import decimals_for
from tradai.entrypoint._report.report_files import REPORT_NAME, write_together
from tradai.entrypoint._runs._bias.bias_checks import BIAS_FOUND
from tradai.entrypoint._sweep.common_notices import common_notices
from tradai.entrypoint._sweep.runs_parquet import rows_parquet

SCHEMA: Final = 1
# Figures of which less is better; of others more is, where it is known at all.
_LESS: Final = frozenset({"max_drawdown_percent", "equity_drawdown_percent", "best_loss"})
_MORE: Final = frozenset(
    {
        "profit_percent",
        "final_balance",
        "cagr_percent",
        "profit_factor",
        "expectancy",
        "sharpe",
        "sortino",
    }
)
# Figures in money: more is not better where accounts have another start or currency.
_MONEY: Final = frozenset({"final_balance", "expectancy"})


@final
@dataclass(frozen=True)
class RunComparison:
    """Several runs; the first is what the others are compared with."""

    runs: tuple[ComparedRun, ...]

    @property
    def name(self) -> str:
        """Name of its folder: the same runs have the same."""
        ids = "\n".join(each.record.run_id for each in self.runs)
        return f"{self.runs[0].record.run_id[:60]}-{sha256(ids.encode()).hexdigest()[:8]}"

    @cached_property
    def figures(self) -> tuple[str, ...]:
        """Names of all figures, in the order of the runs' results."""
        return tuple(dict.fromkeys(name for each in self.runs for name in each.figures))

    @cached_property
    def differing_settings(self) -> dict[str, tuple[str, ...]]:
        """Values of each run, by the names of the settings that are not the same in all."""
        every = [each.settings for each in self.runs]
        names = sorted({name for settings in every for name in settings})
        rows = {name: tuple(each.get(name, "-") for each in every) for name in names}
        return {name: values for name, values in rows.items() if len(set(values)) > 1}

    @property
    def differs_in_source(self) -> bool:
        """Whether the runs have different sources of their strategy."""
        return digests_differ(self.runs, "source")

    def delta(self, run: ComparedRun, figure: str) -> float | None:
        """Return the figure of `run` less that of the first run; None where one has none."""
        first, value = self.runs[0].figures.get(figure), run.figures.get(figure)
        return None if first is None or value is None else value - first

    def difference(self, run: ComparedRun, figure: str) -> str | None:
        """Return `delta` as it is shown; None where there is none, and of the first run."""
        delta = self.delta(run, figure)
        if delta is None or run is self.runs[0]:
            return None
        delta = round(delta, 8)
        return self.format_of(run).delta(figure, delta) if delta else "same"

    def tone(self, run: ComparedRun, figure: str) -> str:
        """Return the class of a delta: good, bad, or even where more is neither."""
        first, delta = self.runs[0], self.delta(run, figure)
        accounts = {(each.currency, each.starting_balance) for each in (first, run)}
        if not delta or figure not in _LESS | _MORE or (figure in _MONEY and len(accounts) > 1):
            return "even"
        return "good" if (delta > 0) == (figure in _MORE) else "bad"

    def format_of(self, run: ComparedRun) -> FigureFormat:
        """Return the format of the figures of `run`; amounts of a currency have equal decimals."""
        currency = run.currency
        alike = (each for each in self.runs if each.currency == currency)
        balances = [each.figures.get("final_balance", 0.0) for each in alike]
        return FigureFormat(currency=currency, decimals=decimals_for(balances, currency))

    def label(self, figure: str) -> str:
        """Return the label of `figure`."""
        owner = next(each for each in self.runs if figure in each.figures)
        return self.format_of(owner).label(figure)

    @property
    def notices(self) -> tuple[str, ...]:
        """Notices that all runs have; bias that was found is by the names of the runs."""
        runs = [each.record.notices for each in self.runs]
        biased = (
            f"{each.name}: {notice}"
            for each in self.runs
            for notice in each.record.notices
            if notice.startswith(BIAS_FOUND)
        )
        common = (each for each in common_notices(runs) if not each.startswith(BIAS_FOUND))
        return *biased, *common

    @property
    def caveats(self) -> tuple[str, ...]:
        """Sentences on differences that make figures hard to compare."""
        return tuple(self._caveats())

    def _caveats(self) -> Iterator[str]:
        yield from differences(self.runs)
        if len({each.has_equity for each in self.runs if each.curve}) > 1:
            yield "Some curves count open positions, and others closed trades only."
        for each in self.runs:
            if each.record.exit_code:
                yield f"Run {each.name} did not succeed (exit {each.record.exit_code})."

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield a row of the terminal's table for each figure: its name, a cell for each run.

        Ids come first where runs have other names.
        """
        if any(each.is_named for each in self.runs):
            yield "run", *(each.record.run_id for each in self.runs)
        for figure in self.figures:
            yield self.label(figure), *(self._cell(each, figure) for each in self.runs)

    def _cell(self, run: ComparedRun, figure: str) -> str:
        text = self.format_of(run).value(figure, run.figures.get(figure))
        difference = self.difference(run, figure)
        return text if difference is None else f"{text} ({difference})"

    def to_json(self) -> dict[str, JsonValue]:
        """Return the comparison as JSON; curves are in their Parquet file."""
        return {
            "schema_version": SCHEMA,
            "runs": [self._run_json(each) for each in self.runs],
            "differing_settings": {
                name: list(values) for name, values in self.differing_settings.items()
            },
            "notices": list(self.notices),
            "caveats": list(self.caveats),
        }

    def _run_json(self, run: ComparedRun) -> dict[str, JsonValue]:
        deltas = {name: self.delta(run, name) for name in self.figures}
        return {
            "name": run.name,
            "run_id": run.record.run_id,
            "folder": str(run.folder),
            "mode": run.record.mode.value if run.record.mode else None,
            "exit_code": run.record.exit_code,
            "verdict": run.record.verdict,
            "period": run.period,
            "pairs": sorted(run.pairs),
            "figures": dict(run.figures),
            "deltas": {name: value for name, value in deltas.items() if value is not None},
        }

    def write(self, folder: Path, page: str) -> None:
        """Write ``comparison.json``, two Parquet files and ``report.html`` into `folder`.

        Raises:
            StorageError: The disk refused.
        """
        document = json.dumps(self.to_json(), indent=2) + "\n"
        figures = {"run_id": "string", "figure": "string", "value": "float64", "delta": "float64"}
        curves = {"run_id": "string", "at_s": "float64", "profit": "float64", "drawdown": "float64"}
        files = {
            "comparison.json": document.encode(),
            "figures.parquet": rows_parquet(figures, list(self._figure_rows())),
            "curves.parquet": rows_parquet(curves, list(self._curve_rows())),
            REPORT_NAME: page.encode(),
        }
        write_together(folder, files)

    def _figure_rows(self) -> Iterator[dict[str, JsonValue]]:
        for run in self.runs:
            for name, value in run.figures.items():
                delta = self.delta(run, name)
                yield {"run_id": run.record.run_id, "figure": name, "value": value, "delta": delta}

    def _curve_rows(self) -> Iterator[dict[str, JsonValue]]:
        for run in self.runs:
            for at, profit, fall in run.curve:
                yield {
                    "run_id": run.record.run_id,
                    "at_s": at,
                    "profit": profit,
                    "drawdown": fall,
                }
