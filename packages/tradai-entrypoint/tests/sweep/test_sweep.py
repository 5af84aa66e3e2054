"""Runs of a sweep: each is made once, whatever happened before."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tradai.core import JobStatus
from tradai.core.exceptions import ValidationError
from tradai.entrypoint import LocalRunner
from tradai.entrypoint._process.interrupts import RunInterruptedError
from tradai.entrypoint._sweep.run_place import PlannedJob
from tradai.entrypoint._sweep.sweep import Sweep, SweepRun
from tradai.entrypoint._sweep.variants import varied

MakeSweep = Callable[..., Sweep]


def runs(*values: int) -> Iterator[SweepRun]:
    variants = varied([f"fast={','.join(map(str, values))}"])
    return (SweepRun(variant=variant) for variant in variants)


def ends(sweep: Sweep, *values: int) -> dict[str, int]:
    return {each.variant.label: each.exit_code for each in sweep.outcomes(runs(*values))}


def test_each_run_leaves_an_outcome_with_its_figures(make_sweep: MakeSweep) -> None:
    made = {"results": {"trades": 7}, "notices": ["synthetic candles"]}
    sweep = make_sweep({"fast=1": made, "fast=2": {"exit_code": 80}})

    first, second = sorted(sweep.outcomes(runs(1, 2)), key=lambda each: each.variant.number)

    assert (first.exit_code, first.figure("trades"), first.is_reused) == (0, 7.0, False)
    assert (first.notices, second.notices) == (("synthetic candles",), ())
    assert (second.exit_code, second.verdict, second.figures) == (80, "a verdict", {})


def test_a_run_that_was_made_before_is_not_made_again(
    make_sweep: MakeSweep, calls: Callable[[], list[str]]
) -> None:
    assert ends(make_sweep(), 1, 2) == {"fast=1": 0, "fast=2": 0}

    outcomes = list(make_sweep().outcomes(runs(1, 2, 3)))

    assert [each.is_reused for each in sorted(outcomes, key=lambda each: each.variant.number)] == [
        True,
        True,
        False,
    ]
    assert len(calls()) == 3


def test_a_run_that_failed_before_is_made_again(
    make_sweep: MakeSweep, calls: Callable[[], list[str]]
) -> None:
    assert ends(make_sweep({"fast=1": {"exit_code": 70}}), 1) == {"fast=1": 70}

    assert ends(make_sweep(), 1) == {"fast=1": 0}

    first, second = calls()
    assert second == f"{first}.2"


def test_other_inputs_make_another_run(
    make_sweep: MakeSweep,
    plan: Callable[[SweepRun], PlannedJob],
    calls: Callable[[], list[str]],
) -> None:
    assert ends(make_sweep(), 1) == {"fast=1": 0}

    def changed(run: SweepRun) -> PlannedJob:
        planned = plan(run)
        digests = {**planned.digests, "run": "other candles"}
        return replace(planned, job_id=f"{planned.job_id}-other", digests=digests)

    assert ends(make_sweep(plan=changed), 1) == {"fast=1": 0}
    assert len(set(calls())) == 2


def test_a_run_that_another_sweep_makes_meanwhile_is_not_made_again(
    make_sweep: MakeSweep, calls: Callable[[], list[str]]
) -> None:
    late = make_sweep()
    assert ends(make_sweep(), 1) == {"fast=1": 0}

    (outcome,) = late.outcomes(runs(1))

    assert (outcome.exit_code, outcome.is_reused) == (0, True)
    assert len(calls()) == 1


def test_a_run_that_another_sweep_starts_meanwhile_is_adopted(
    make_sweep: MakeSweep,
    plan: Callable[[SweepRun], PlannedJob],
    folder: Path,
    tmp_path: Path,
) -> None:
    waiting = {"fast=1": {"waits": True}}
    runner = LocalRunner(folder)

    def launched(run: SweepRun) -> PlannedJob:
        (spec,) = make_sweep(waiting).specs(runs(1))
        runner.submit(spec)
        (tmp_path / "runs" / spec.job_id).mkdir(parents=True)
        return plan(run)

    (spec,) = make_sweep(waiting, plan=launched).specs(runs(1))

    (handle,) = runner.jobs()
    assert spec.job_id == handle.job_id
    runner.stop(handle, "the test ends")


@pytest.mark.parametrize("limit", [1, 2])
def test_variants_that_are_the_same_run_share_it(
    make_sweep: MakeSweep,
    plan: Callable[[SweepRun], PlannedJob],
    calls: Callable[[], list[str]],
    specs: Callable[[], list[str]],
    limit: int,
) -> None:
    same = plan(next(runs(1)))
    # Their commands differ, as those of two configuration files do.
    facts = {"fast=1": {"results": {"trades": 7}}}

    outcomes = list(make_sweep(facts, plan=lambda _: same, limit=limit).outcomes(runs(1, 2)))

    assert [each.exit_code for each in outcomes] == [0, 0]
    assert {each.variant.label for each in outcomes} == {"fast=1", "fast=2"}
    assert calls() == specs() == [same.job_id]


def test_a_refused_run_does_not_hide_the_others(
    make_sweep: MakeSweep, plan: Callable[[SweepRun], PlannedJob]
) -> None:
    def refuse(run: SweepRun) -> PlannedJob:
        if run.variant.number == 1:
            message = "fast must be at least 2"
            raise ValidationError(message, field="fast", expected="2")
        return plan(run)

    outcomes = list(make_sweep(plan=refuse).outcomes(runs(1, 2)))

    by_label = {each.variant.label: each for each in outcomes}
    assert by_label["fast=2"].is_success
    assert (by_label["fast=1"].exit_code, by_label["fast=1"].run_id) == (65, "")
    assert by_label["fast=1"].verdict == "fast must be at least 2"


def test_a_run_that_died_is_no_success(make_sweep: MakeSweep) -> None:
    (outcome,) = make_sweep({"fast=1": {"exit_code": None}}).outcomes(runs(1))

    assert outcome.exit_code == 70
    assert outcome.verdict == "the run died: it ended with exit code 1"


def test_a_run_that_left_nothing_has_the_reason_of_its_job(make_sweep: MakeSweep) -> None:
    (outcome,) = make_sweep({"fast=1": {"leaves": "nothing"}}).outcomes(runs(1))

    assert (outcome.exit_code, outcome.run_id) == (9, "")
    assert outcome.verdict == "the job has no run: it ended with exit code 9"


def test_a_run_on_inputs_that_changed_meanwhile_is_no_success(make_sweep: MakeSweep) -> None:
    (outcome,) = make_sweep({"fast=1": {"run_digest": "other candles"}}).outcomes(runs(1))

    assert outcome.exit_code == 76
    assert "changed while the sweep ran" in outcome.verdict


def test_a_job_that_runs_since_an_earlier_sweep_is_adopted(
    make_sweep: MakeSweep,
    folder: Path,
    calls: Callable[[], list[str]],
    eventually: Callable[[Callable[[], bool]], bool],
) -> None:
    """A sweep that was killed leaves its jobs running."""
    waiting = {"fast=1": {"waits": True}}
    runner = LocalRunner(folder)
    (spec,) = make_sweep(waiting).specs(runs(1))
    handle = runner.submit(spec)
    assert eventually(lambda: len(calls()) == 1)

    (again,) = make_sweep(waiting).specs(runs(1))

    assert runner.submit(again) == handle
    runner.stop(handle, "the test is over")
    (other,) = make_sweep(waiting).specs(runs(1))
    assert other.job_id == f"{spec.job_id}.2"


def test_a_signal_stops_the_jobs(
    make_sweep: MakeSweep,
    folder: Path,
    calls: Callable[[], list[str]],
    eventually: Callable[[Callable[[], bool]], bool],
) -> None:
    import threading

    sweep = make_sweep({"fast=1": {"waits": True}, "fast=2": {"waits": True}})

    def interrupt() -> None:
        assert eventually(lambda: len(calls()) == 2)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(RunInterruptedError):
        list(sweep.outcomes(runs(1, 2, 3)))
    thread.join()

    runner = LocalRunner(folder)
    statuses = [runner.status(handle).status for handle in runner.jobs()]
    assert statuses == [JobStatus.CANCELLED, JobStatus.CANCELLED]
    assert sweep.unfinished == 2
