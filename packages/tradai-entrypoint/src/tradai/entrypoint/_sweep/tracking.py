"""Track a sweep that is complete, as the parent of its runs."""

import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from tradai.core import MetricPoint, RunTracking, TrackedRun
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._report.report_files import REPORT_NAME
from tradai.entrypoint._runs.tracked_facts import tracked_status
from tradai.entrypoint._runs.tracking import (
    EXPERIMENT,
    attempt,
    find_tracker,
    waited_enough,
    waiting_notice,
)
from tradai.entrypoint._store.names import TRACKING_NAME
from tradai.entrypoint._sweep.result import SweepResult

_ARTIFACTS: Final = (REPORT_NAME, "runs.parquet", "sweep.json")


def track_sweep(
    result: SweepResult,
    folder: Path,
    environ: Mapping[str, str],
    *,
    strategy: str,
    started_at: datetime,
    interrupts: Interrupts,
) -> str | None:
    """Track the sweep whose result is in `folder`, unless it was tracked before.

    Its runs have its name as their trace id, by which they are found. A sweep that goes on where an
    earlier one was interrupted has the same folder, and is tracked once. A signal of `interrupts`
    ends the wait for the server.

    Returns:
        A sentence when the server has not all of it, whatever the tracker did; else None.
    """
    notices: list[str] = []

    def work() -> None:
        tracker = find_tracker(environ)
        if tracker is None or (folder / TRACKING_NAME).exists():
            return
        run = TrackedRun(
            id=result.name,
            name=result.name,
            experiment=environ.get(EXPERIMENT) or strategy,
            started_at=started_at,
            has_parts=True,
            tags={"tradai.command": shlex.join(result.command), "tradai.mode": "sweep"},
        )
        tracking = tracker.start(run, folder=folder)
        problem = attempt(partial(_report, tracking, result))
        if problem:
            notices.append(f"not all of the sweep is tracked: {problem}")
        status, give_up = tracked_status(_exit_code(result)), waited_enough(interrupts)
        delivery = tracking.end(status, give_up=give_up)
        notices.extend(filter(None, [waiting_notice(delivery, "sweep", folder)]))

    problem = attempt(work)
    if problem:
        notices.append(f"the sweep is not tracked: {problem}")
    return "; ".join(notices) or None


def _report(tracking: RunTracking, result: SweepResult) -> None:
    tracking.log_params({"by": result.figure, "keys": ", ".join(result.keys)})
    tracking.set_tags({"tradai.verdict": result.sentence()})
    tracking.log_points(_points(result))
    for name in _ARTIFACTS:
        tracking.log_artifact(name)


def _exit_code(result: SweepResult) -> int:
    return result.failed[0].exit_code if result.failed else 0


def _points(result: SweepResult) -> Iterator[MetricPoint]:
    """Yield the figure of each variant at its number, and the best one."""
    figures = [
        (outcome.variant.number, value)
        for outcome in result.ranked
        if (value := outcome.figure(result.figure)) is not None
    ]
    for number, value in figures:
        yield MetricPoint(result.figure, value, number)
    if figures and not result.windows:
        yield MetricPoint(f"best.{result.figure}", figures[0][1])
    yield MetricPoint("runs", float(len(result.outcomes)))
    yield MetricPoint("failed", float(len(result.failed)))
