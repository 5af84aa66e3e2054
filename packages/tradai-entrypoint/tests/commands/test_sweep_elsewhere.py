"""Sweeps on runners that see nothing of this machine."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradai.core import FileStore, JobHandle, JobSpec, MemoryStore, TradingMode, backend_for
from tradai.core.exceptions import ValidationError
from tradai.core.testing import FakeRunner, JobScript
from tradai.entrypoint import Interrupts, RunManifest
from tradai.entrypoint._cli import run_command

# Private on purpose: the runners of containers are in adapters, which these tests do not have.

ON = ("--on", "docker:", "--image", "strategy:1")
VARY = ("--vary", "execution.stake_amount=50,60,70")


RANGES = ("20250101-20250111", "20250111-20250121", "20250121-20250131")


class RunningRunner(FakeRunner):
    """Runs each job as a container would, which leaves its manifest in the run store."""

    def __init__(self) -> None:
        super().__init__()
        self.specs: list[JobSpec] = []
        self.failing: set[str] = set()

    def submit(self, spec: JobSpec) -> JobHandle:
        self.specs.append(spec)
        stake = next(word for word in spec.command if "stake_amount=" in word).partition("=")[2]
        code = 65 if stake in self.failing else 0
        run_id = spec.environment["TRADAI_RUN_ID"]
        manifest = RunManifest(
            state="ended",
            run_id=run_id,
            trace_id=spec.trace_id,
            mode=TradingMode.BACKTEST,
            started_at=datetime(2026, 1, 1, tzinfo=UTC),
            exit_code=code,
            verdict=f"the stake was {stake}",
            results={} if code else {"profit_percent": float(stake)},
        )
        store = backend_for("tradai.stores", spec.environment["TRADAI_RUN_STORE"])
        uri = f"{spec.environment['TRADAI_RUN_STORE']}{run_id}/manifest.json"
        store.write(uri, manifest.as_json().encode())
        return super().submit(replace(spec, command=self.command(JobScript(exit_code=code))))


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> RunningRunner:
    runner = RunningRunner()

    def find(group: str, uri: str) -> object:
        return runner if group == "tradai.runners" else backend_for(group, uri)

    monkeypatch.setattr("tradai.entrypoint._commands.sweep.backend_for", find)
    return runner


@pytest.fixture
def store(tmp_path: Path) -> str:
    return (tmp_path / "store").as_uri()


@pytest.fixture
def sweep(
    config_file: Path,
    store: str,
    runner: RunningRunner,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, Any]]:
    """Run a sweep of the demo strategy; return its exit code and its JSON."""
    assert runner.specs == []
    monkeypatch.chdir(config_file.parent)
    Path("strategies").mkdir()
    Path("strategies", "demo.py").write_text("class Demo: ...\n")
    Path("candles").mkdir()
    Path("candles", "BTC_USDT-5m.parquet").write_text("candles")

    def run(*words: str, data: str = "candles") -> tuple[int, Any]:
        command = ["sweep", str(config_file), "--data", data, "--store", store, *ON, *words]
        with Interrupts() as interrupts:
            code = run_command([*command, "--json"], interrupts=interrupts)
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None

    return run


Run = Callable[..., tuple[int, Any]]


def test_each_variant_is_a_job_and_the_inputs_are_sent_once(
    sweep: Run, runner: RunningRunner, store: str
) -> None:
    code, made = sweep(*VARY)

    assert code == 0
    assert [run["figures"]["profit_percent"] for run in made["runs"]] == [70.0, 60.0, 50.0]
    assert [run["run_id"] for run in made["runs"]] == [
        spec.job_id for spec in reversed(runner.specs)
    ]
    assert {spec.environment["TRADAI_RUN_PART_OF"] for spec in runner.specs} == {"sweep"}
    objects = [info.uri for info in FileStore().list(f"{store}/_inputs/")]
    assert len(objects) == 3  # Configuration, strategy, candles.
    assert (
        f"{store}/{made['runs'][0]['run_id']}/report.html"
        in (Path(made["folder"]) / "report.html").read_text()
    )


def test_a_run_in_the_store_is_not_made_again_by_a_sweep_of_other_variants(
    sweep: Run, runner: RunningRunner
) -> None:
    sweep(*VARY)

    code, made = sweep("--vary", "execution.stake_amount=40,60")

    assert code == 0
    assert {run["values"]["execution.stake_amount"]: run["is_reused"] for run in made["runs"]} == {
        "40": False,
        "60": True,
    }
    assert len(runner.specs) == 4


@pytest.mark.usefixtures("desk")
def test_all_runs_of_a_sweep_have_the_version_that_an_alias_meant_at_its_start(
    sweep: Run, runner: RunningRunner
) -> None:
    code, _ = sweep(*VARY, "--patch", "desk:trend@champion")

    patches = [spec.command[spec.command.index("--patch") + 1] for spec in runner.specs]
    assert (code, patches) == (0, ["desk:trend@v7"] * 3)


def test_other_candles_strategies_and_images_make_other_runs(
    sweep: Run, runner: RunningRunner
) -> None:
    sweep(*VARY)
    Path("candles", "BTC_USDT-5m.parquet").write_text("other candles")
    sweep(*VARY)
    Path("strategies", "demo.py").write_text("class Demo: pass\n")
    sweep(*VARY)
    sweep(*VARY, "--image", "strategy:2")

    assert len({spec.job_id for spec in runner.specs}) == 12


def test_candles_in_a_store_count_by_their_tags(
    sweep: Run, runner: RunningRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, objects = "memory://bucket/candles/", MemoryStore()
    monkeypatch.setattr("tradai.entrypoint._inputs.object_contents.backend_for", lambda *_: objects)
    code, made = sweep(*VARY, data=data)
    assert (code, runner.specs) == (65, [])
    assert "there are no objects below memory://bucket/candles/" in made["runs"][0]["verdict"]
    objects.write(f"{data}BTC_USDT-5m.parquet", b"candles")
    sweep(*VARY, data=data)
    sweep(*VARY, data=data)
    assert len(runner.specs) == 3

    objects.write(f"{data}BTC_USDT-5m.parquet", b"other candles")
    sweep(*VARY, data=data)

    assert len({spec.job_id for spec in runner.specs}) == 6


def test_a_run_that_failed_is_listed_and_made_again_under_another_id(
    sweep: Run, runner: RunningRunner
) -> None:
    runner.failing = {"60"}

    code, made = sweep(*VARY)

    assert code == 65
    assert [run["exit_code"] for run in made["runs"]] == [0, 0, 65]
    runner.failing = set()
    code, made = sweep(*VARY)
    assert code == 0
    assert runner.specs[-1].job_id == f"{runner.specs[1].job_id}.2"
    assert sorted(run["is_reused"] for run in made["runs"]) == [False, True, True]
    # The later try stands for the run from now on.
    assert sweep(*VARY)[1]["runs"][1]["run_id"] == runner.specs[-1].job_id
    assert len(runner.specs) == 4


def test_the_best_variant_of_each_window_runs_on_the_range_after_it(
    sweep: Run, runner: RunningRunner
) -> None:
    code, made = sweep(
        *VARY, "--timerange", "20250101-20250131", "--walk-forward", "10d/10d", "--limit", "1"
    )

    assert code == 0
    assert [window["best_variant"] for window in made["windows"]] == [3, 3]
    ranges = [
        word for spec in runner.specs for word in spec.command if word.startswith("run.timerange=")
    ]
    # The test range of the first window is the training range of the second: one run less.
    assert [ranges.count(f"run.timerange={each}") for each in RANGES] == [3, 3, 1]


def test_variables_and_secrets_go_to_each_job(sweep: Run, runner: RunningRunner) -> None:
    sweep(*VARY, "--env", "NOTE=a", "--time-limit", "60")

    assert [(spec.environment["NOTE"], spec.time_limit_s) for spec in runner.specs] == [
        ("a", 60)
    ] * 3


def test_the_jobs_of_a_sweep_have_their_cost_and_reused_runs_have_none(
    sweep: Run, runner: RunningRunner
) -> None:
    @dataclass(frozen=True)
    class Price:
        amount: Decimal = Decimal("0.25")
        currency: str = "EUR"

    for name in ("cost", "estimate"):
        setattr(runner, name, lambda _: Price())

    assert sweep(*VARY)[1]["cost"] == {"amount": "0.75", "currency": "EUR"}
    assert "cost" not in sweep(*VARY)[1]


@pytest.mark.parametrize("error", [ValidationError("odd"), KeyError("odd")], ids=["ours", "other"])
def test_a_price_that_cannot_be_found_out_is_a_note_and_the_sweep_has_its_result(
    error: Exception, sweep: Run, runner: RunningRunner
) -> None:
    def fail(_: object) -> None:
        raise error

    for name in ("cost", "estimate"):
        setattr(runner, name, fail)

    code, made = sweep(*VARY)

    assert (code, len(made["runs"])) == (0, 3)
    assert "cost" not in made


def test_a_sweep_elsewhere_needs_a_store(
    config_file: Path, runner: RunningRunner, capsys: pytest.CaptureFixture[str]
) -> None:
    with Interrupts() as interrupts:
        code = run_command(["sweep", str(config_file), *VARY, *ON], interrupts=interrupts)

    assert code == 78
    assert "a job on docker: needs a store" in capsys.readouterr().err
    assert runner.specs == []
