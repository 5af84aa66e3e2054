"""Listed runs: their summaries, chosen and sorted.

This module needs no pydantic: importing that takes longer than reading thousands of manifests.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Self, final

from tradai.core import TradingMode
from tradai.entrypoint._history.run_figures import DRAWDOWNS, first_known
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._store.names import (
    BIAS_MODE,
    DONE,
    ENDED,
    FAILED,
    REFUSED,
    SCHEMA_VERSION,
)

# Figures of each order of runs, of which the first known one counts, and the sign: the best is the
# smallest.
_ORDERS: Final[Mapping[str, tuple[tuple[str, ...], int]]] = {
    "profit": (("profit_percent",), -1),
    "drawdown": (DRAWDOWNS, 1),
    "trades": (("trades",), -1),
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """The facts of a run that a list of runs shows, from its manifest; see `RunManifest`.

    Attributes:
        folder: Folder of the run; for a run in a store the one that it is pulled to.
        state: That of the manifest, or ``killed`` where that is ``running`` and no process of this
            machine has the run.
        strategy: Name of the strategy; None for a run that was refused before it was known.
        figures: The figures of `FIGURES` and `DRAWDOWNS` that its result has; of a dry-run, also of
            one that goes on, those of closed trades.
        is_bias_check: Whether it is an analysis for bias in the place of its backtest: by its
            result or, before it has one, by its id.
        bias: Its result.
        source: Digest of the strategy source, as far as it is known.
        had_engine: Whether its engine was started; its run digest is recorded just before.
        biased_by: Id of the analysis that found bias in the source; see `with_found_bias`.
        part_of: Kind of the command that made it among others, and the trace id unless that is the
            run's own id, as ``sweep trend-573cef2e``; None for a run of its own.
        progress: Number of runs that this command has, as ``4 of 27 runs``, while it has no result;
            see `with_unfinished`.
        uri: URI of a run in a store; None for one on this machine.
        has_process: Whether a process of this machine was seen to have it.
    """

    folder: Path
    run_id: str
    mode: str | None
    state: str
    started_at: datetime
    exit_code: int | None
    verdict: str | None
    config_id: str | None
    strategy: str | None
    figures: Mapping[str, float]
    has_result: bool
    is_bias_check: bool = False
    bias: object = None
    source: str | None = None
    had_engine: bool = False
    biased_by: str | None = None
    part_of: str | None = None
    progress: str | None = None
    schema_version: int = SCHEMA_VERSION
    uri: str | None = None
    has_process: bool = False

    @property
    def listed_mode(self) -> str | None:
        """The mode that a list shows, which has one of its own for an analysis for bias."""
        return BIAS_MODE if self.is_bias_check else self.mode

    @property
    def listed_state(self) -> str:
        """One of `LISTED_STATES`; a run was refused when it failed before an engine was started."""
        if self.state != ENDED:
            return self.state
        if self.exit_code == ExitCode.DONE:
            return DONE
        has_work = self.had_engine or self.has_result
        is_refusal = self.exit_code is not None and ExitCode.of(self.exit_code).is_refusal
        return REFUSED if is_refusal and not has_work else FAILED

    @property
    def is_noise(self) -> bool:
        """Whether a list is easier to read without it: refused, and not in LIVE."""
        return self.listed_state == REFUSED and self.mode != TradingMode.LIVE

    @property
    def is_in_own_folder(self) -> bool:
        """Whether the folder has the name of the run, which that of a copy has not."""
        return self.folder.name == self.run_id

    @property
    def label(self) -> str:
        """The id; that of a copy with its folder."""
        return self.run_id if self.is_in_own_folder else f"{self.run_id} in {self.folder.name}"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableRun:
    """A run whose manifest cannot be read: its folder or URI, and the reason."""

    run_id: str
    place: str
    reason: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunListing:
    """Runs, newest first, and those that cannot be read, by id."""

    runs: list[RunSummary]
    unreadable: list[UnreadableRun]

    @classmethod
    def of(cls, found: Iterable[RunSummary | UnreadableRun | None]) -> Self:
        """Return a listing of `found`; of two runs with the same folder the first is kept."""
        runs: dict[str, RunSummary] = {}
        unreadable: dict[str, UnreadableRun] = {}
        for run in found:
            if isinstance(run, RunSummary):
                runs.setdefault(str(run.folder), run)
            elif run is not None:
                unreadable.setdefault(run.run_id, run)
        newest_first = sorted(runs.values(), key=lambda run: run.started_at, reverse=True)
        return cls(runs=newest_first, unreadable=[unreadable[each] for each in sorted(unreadable)])

    def chosen(
        self, *, mode: str | None = None, strategy: str | None = None, state: str | None = None
    ) -> Self:
        """Return the runs of a mode, of a strategy and of a state as listed, None being any.

        Where no run has the name of the strategy, it is the beginning of names. Those that cannot
        be read stay: each might be one of them.
        """
        names = self._strategies(strategy)
        runs = [
            run
            for run in self.runs
            if mode in {None, run.listed_mode}
            and run.strategy in names
            and state in {None, run.listed_state}
        ]
        return replace(self, runs=runs)

    def _strategies(self, wanted: str | None) -> set[str | None]:
        names = {run.strategy for run in self.runs}
        if wanted is None or wanted in names:
            return names if wanted is None else {wanted}
        return {name for name in names if name is not None and name.startswith(wanted)}

    def without_parts(self) -> Self:
        """Return the runs that no command made among others."""
        return replace(self, runs=[run for run in self.runs if run.part_of is None])

    def without_noise(self) -> Self:
        """Return the runs without those that make a list harder to read."""
        return replace(self, runs=[run for run in self.runs if not run.is_noise])

    def sorted(self, by: str | None) -> Self:
        """Return the runs by a key of `_ORDERS`, the best first and those without it last."""
        if by is None:
            return self
        names, sign = _ORDERS[by]

        def place(run: RunSummary) -> float:
            known = first_known(run.figures, names)
            return sign * known[1] if known else math.inf

        return replace(self, runs=sorted(self.runs, key=place))
