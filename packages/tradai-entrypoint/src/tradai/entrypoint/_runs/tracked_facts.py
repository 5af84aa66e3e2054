"""Facts of a recorded run, as parameters, tags and points of a tracked one."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, final

from tradai.core import JsonValue, MetricPoint, TrackedRun, TrackedStatus
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._report.config_rows import flatten
from tradai.entrypoint._report.model import BalancePoint
from tradai.entrypoint._runs.record import RunManifest

# Experiment of a run that is refused before its strategy is known.
_NO_STRATEGY: Final = "tradai"
_UNUSABLE: Final = re.compile(r"[^\w\-. :]|^\.+", re.ASCII)
_LONGEST_NAME: Final = 200
_KILLED: Final = frozenset({ExitCode.INTERRUPTED, ExitCode.TERMINATED})


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunPart:
    """A part of a run that is tracked as a run of its own below it, such as an epoch.

    Attributes:
        noun: A word for such a part.
        number: Its number in the run, from 1.
        params: Its parameters, by name.
        figures: Its figures, by name.
    """

    noun: str
    number: int
    params: Mapping[str, JsonValue]
    figures: Mapping[str, float]


def tracked_run(record: RunManifest, experiment: str | None) -> TrackedRun:
    """Return the run to track, in `experiment` or else in one named after the strategy."""
    name = record.config.get("name")
    facts = {
        "trace_id": record.trace_id,
        "mode": record.mode,
        "command": shlex.join(record.command),
        "config_uri": record.config_uri,
        "replay_of": record.replay_of,
    }
    return TrackedRun(
        id=record.run_id,
        name=record.run_id,
        experiment=experiment or (str(name) if name else _NO_STRATEGY),
        started_at=record.started_at,
        parent_id=record.trace_id if record.trace_id != record.run_id else None,
        tags={f"tradai.{name}": str(value) for name, value in facts.items() if value},
    )


def config_params(record: RunManifest) -> dict[str, str]:
    """Return the values of the configuration and of the run, by dotted name."""
    rows = (
        *flatten(record.config, record.provenance),
        *flatten({"run": record.run_parameters}, {}),
    )
    return {_name(row.name): row.value for row in rows}


def config_tags(record: RunManifest) -> dict[str, str]:
    """Return the origin of each value of the configuration."""
    rows = flatten(record.config, record.provenance)
    return {f"tradai.origin.{_name(row.name)}": row.source for row in rows}


def end_tags(record: RunManifest) -> dict[str, str]:
    """Return the verdict, digests, versions, notices, and the results that are no numbers."""
    facts = {
        "verdict": record.verdict,
        "exit_code": record.exit_code,
        "config_id": record.config_id,
        "notices": "\n".join(record.notices),
        **{f"digest.{name}": value for name, value in record.digests.items()},
        **{f"version.{name}": value for name, value in record.versions.items()},
        **{f"data.{name}": value for name, value in record.data.items()},
        **{f"result.{name}": value for name, value in record.results.items()},
    }
    shown = {name: value for name, value in facts.items() if value not in (None, "")}
    rows = flatten({name: value for name, value in shown.items() if not _is_number(value)}, {})
    return {f"tradai.{_name(row.name)}": row.value for row in rows} | {
        "tradai.exit_code": str(record.exit_code)
    }


def result_points(record: RunManifest) -> Iterator[MetricPoint]:
    """Yield the results that are numbers."""
    for name, value in record.results.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield MetricPoint(_name(name), float(value), 0, record.ended_at)


def balance_points(balance: Iterable[BalancePoint]) -> Iterator[MetricPoint]:
    """Yield the balance and its fall from the highest one so far, each at its own instant."""
    for step, point in enumerate(balance):
        yield MetricPoint("balance", point.balance, step, point.at)
        yield MetricPoint("drawdown", point.drawdown, step, point.at)


def part_points(parts: Iterable[RunPart], at: datetime | None) -> Iterator[MetricPoint]:
    """Yield every figure of every part, as a history over their numbers."""
    for part in parts:
        for name, value in part.figures.items():
            yield MetricPoint(f"{part.noun}.{_name(name)}", value, part.number, at)


def part_figures(part: RunPart, at: datetime | None) -> Iterator[MetricPoint]:
    """Yield the figures of a part."""
    for name, value in part.figures.items():
        yield MetricPoint(_name(name), value, 0, at)


def part_params(part: RunPart) -> dict[str, str]:
    """Return the parameters of a part."""
    return {_name(row.name): row.value for row in flatten(part.params, {})}


def tracked_status(exit_code: int | None) -> TrackedStatus:
    """Return the status of a run that ended with `exit_code`."""
    if exit_code == ExitCode.DONE:
        return TrackedStatus.FINISHED
    return TrackedStatus.KILLED if exit_code in _KILLED else TrackedStatus.FAILED


def _name(name: str) -> str:
    """Return `name` with an underscore for each character that a tracking server refuses."""
    return _UNUSABLE.sub("_", name)[:_LONGEST_NAME]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
