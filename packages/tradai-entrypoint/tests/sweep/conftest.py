import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradai.core import JobSpec, JsonValue, TradingMode, digest
from tradai.entrypoint import Interrupts, LocalRunner, RunManifest
from tradai.entrypoint._store.run_store import RunStore
from tradai.entrypoint._sweep.local_runs import LocalRuns
from tradai.entrypoint._sweep.outcomes import RunOutcome
from tradai.entrypoint._sweep.run_place import PlannedJob, RunPlace
from tradai.entrypoint._sweep.stored_runs import StoredRuns
from tradai.entrypoint._sweep.sweep import Sweep, SweepRun
from tradai.entrypoint._sweep.variants import Variant

# Writes a manifest into the folder of a run, and a line into a file for each call.
_PROGRAM = """
import pathlib, sys
runs, job_id, calls, manifest, code = sys.argv[1:]
with open(calls, "a") as file:
    file.write(job_id + "\\n")
if manifest == "nothing":
    sys.exit(9)
if manifest == "waits":
    import time
    time.sleep(600)
folder = pathlib.Path(runs, job_id)
folder.mkdir(parents=True)
(folder / "manifest.json").write_text(manifest)
sys.exit(int(code))
"""


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    """Signals to this process, watched."""
    with Interrupts() as watched:
        yield watched


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[str]]:
    """Return the ids of the jobs that were started so far."""
    return lambda: _lines(tmp_path / "calls")


@pytest.fixture
def specs(tmp_path: Path) -> Callable[[], list[str]]:
    """Return the ids of the jobs that were made so far, once for each time."""
    return lambda: _lines(tmp_path / "specs")


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def manifest_of() -> Callable[..., RunManifest]:
    """Make the manifest of a run that ended."""

    def make(
        run_id: str,
        planned: PlannedJob,
        *,
        exit_code: int | None = 0,
        results: Mapping[str, JsonValue] | None = None,
        notices: Sequence[str] = (),
        run_digest: str | None = None,
    ) -> RunManifest:
        return RunManifest(
            state="running" if exit_code is None else "ended",
            run_id=run_id,
            trace_id=run_id,
            mode=TradingMode.BACKTEST,
            started_at=datetime(2025, 1, 1, tzinfo=UTC),
            exit_code=exit_code,
            verdict="a verdict",
            config_id=planned.config_id,
            digests={**planned.digests, **({"run": run_digest} if run_digest else {})},
            results=dict(results or {}),
            notices=list(notices),
        )

    return make


@pytest.fixture
def plan() -> Callable[[SweepRun], PlannedJob]:
    """Plan a run from nothing but its overrides; its job is made elsewhere."""

    def no_spec(job_id: str) -> JobSpec:
        raise AssertionError(job_id)

    def make(run: SweepRun) -> PlannedJob:
        text = " ".join(run.overrides)
        return PlannedJob(
            job_id=f"demo-{digest(text)[:10]}",
            make_spec=no_spec,
            digests={"config": f"config {text}", "run": f"run {text}"},
            config_id=f"v1-{text}",
        )

    return make


@pytest.fixture(params=["folder", "store"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], RunPlace]:
    """Open the place of the runs: a folder, and a store with the same layout."""

    def open_place() -> RunPlace:
        if request.param == "folder":
            return LocalRuns(tmp_path / "runs")
        return StoredRuns(RunStore.at((tmp_path / "runs").as_uri()), timeout_s=20)

    return open_place


@pytest.fixture
def make_sweep(
    tmp_path: Path,
    folder: Path,
    interrupts: Interrupts,
    plan: Callable[[SweepRun], PlannedJob],
    place: Callable[[], RunPlace],
    manifest_of: Callable[..., RunManifest],
) -> Callable[..., Sweep]:
    """Make a sweep whose runs leave manifests with the given facts, by the label of a variant."""

    def make(
        ends: Mapping[str, Mapping[str, object]] | None = None,
        *,
        plan: Callable[[SweepRun], PlannedJob] = plan,
        limit: int = 2,
    ) -> Sweep:
        def spec(job_id: str, run: SweepRun, planned: PlannedJob) -> JobSpec:
            with (tmp_path / "specs").open("a") as file:
                file.write(f"{job_id}\n")
            facts = dict((ends or {}).get(run.variant.label, {}))
            waits, leaves = facts.pop("waits", False), facts.pop("leaves", None)
            manifest = manifest_of(job_id, planned, **facts)
            text = "waits" if waits else str(leaves or manifest.as_json())
            words = (str(tmp_path / "runs"), job_id, str(tmp_path / "calls"), text)
            code = str(manifest.exit_code if manifest.exit_code is not None else 1)
            return JobSpec(job_id=job_id, command=(sys.executable, "-c", _PROGRAM, *words, code))

        def plan_with_spec(run: SweepRun) -> PlannedJob:
            planned = plan(run)
            return replace(planned, make_spec=lambda job_id: spec(job_id, run, planned))

        return Sweep(
            LocalRunner(folder),
            place(),
            plan=plan_with_spec,
            limit=limit,
            interrupts=interrupts,
        )

    return make


@pytest.fixture
def outcome_of() -> Callable[..., RunOutcome]:
    """Make an outcome with the given figures."""

    def make(
        number: int, *, exit_code: int = 0, timerange: str = "", **figures: JsonValue
    ) -> RunOutcome:
        return RunOutcome(
            variant=Variant(number=number, values={"buy_params.fast": str(number)}),
            timerange=timerange,
            run_id=f"run-{number}" if exit_code == 0 else "",
            exit_code=exit_code,
            verdict="done" if exit_code == 0 else "failed",
            figures=figures,
        )

    return make
