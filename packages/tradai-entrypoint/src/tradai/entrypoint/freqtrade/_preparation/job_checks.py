"""Rows of `check` about a job of the engine: what it needs, and the secrets of its messages."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._process.checks import Checklist, CheckRow, CheckStatus
from tradai.entrypoint._process.short_child import run_child
from tradai.entrypoint._report.formatting import counted, time_range_text
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._candles.class_reads import note_on_computed
from tradai.entrypoint.freqtrade._engine.install import EngineInstall, engine_environment
from tradai.entrypoint.freqtrade._engine_keys.messages import (
    check_reference,
    message_references,
)
from tradai.entrypoint.freqtrade._preparation.engine_settings import check_class_order_types
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._strategy.places import missing_module

_PROBE_TIMEOUT_S: Final = 60.0


def job_checks(
    context: RunContext,
    checklist: Checklist,
    *,
    engine: EngineInstall | None = None,
    made: list[EngineJob] | None = None,
) -> Iterator[CheckRow]:
    """Yield the rows of a job: engine, strategy, market rules, candles, secrets of messages.

    The engine is not started, and the strategy is not imported.

    Args:
        context: The run.
        checklist: The checklist.
        engine: An engine other than the installed one.
        made: Receives the job, where it can be made.
    """
    yield checklist.row("engine", lambda: _engine_detail(engine or EngineInstall.beside_us()))
    jobs = [] if made is None else made

    def check_strategy() -> str:
        jobs.append(EngineJob(context, engine=engine))
        check_class_order_types(context, jobs[0].engine, jobs[0].facts)
        _check_imports(jobs[0], context)
        context.record.engine = {"name": "freqtrade", **jobs[0].plan.as_json()}
        return f"{jobs[0].facts.class_name} in {jobs[0].facts.file.name}"

    yield checklist.row("strategy", check_strategy)
    shortfalls: list[str] = []
    if not context.mode.holds_positions:
        yield checklist.row(
            "market rules", lambda: counted(len(jobs[0].load_markets().pairs), "pair")
        )
        row = checklist.row("candles", lambda: _check_candles(jobs[0], shortfalls))
        yield replace(row, status=CheckStatus.WARN) if shortfalls else row
        yield from _computed_series(jobs, context)
    elif not checklist.has_failed:
        yield from _message_checks(jobs[0], checklist)
    for notice in context.record.notices:
        if notice not in shortfalls:
            yield CheckRow(name="notice", status=CheckStatus.WARN, detail=notice)


def _message_checks(job: EngineJob, checklist: Checklist) -> Iterator[CheckRow]:
    """Yield a row for each secret of the engine's messages."""
    yield from checklist.rows(
        (reference, partial(check_reference, path, reference))
        for path, reference in message_references(job.plan.config)
    )


def _check_imports(job: EngineJob, context: RunContext) -> None:
    """Check that the engine's Python has the modules that the strategy imports.

    Raises:
        ConfigurationError: It has not; the error names the first line that needs one.
    """
    scratch = context.folder.scratch
    ended = run_child(
        job.engine.module_command("tradai.entrypoint.freqtrade", "missing", *job.facts.imports),
        environ=engine_environment(context.environ, home=scratch, temporary=scratch),
        interrupts=context.interrupts,
        timeout_s=_PROBE_TIMEOUT_S,
    )
    for name in json.loads(ended.output) if ended.return_code == 0 else ():
        place = job.facts.imports[name]
        raise ConfigurationError(missing_module(name, place), key="strategy.source", source=place)


def _check_candles(job: EngineJob, shortfalls: list[str]) -> str:
    """Return the detail on the candles of `job`; add each way they fall short to `shortfalls`."""
    staged = job.stage_candles()
    shortfalls += staged.notices(job.series)
    rows = sum(series.rows for series in staged.series)
    return "; ".join((f"{rows} candles over {time_range_text(str(staged.timerange))}", *shortfalls))


def _computed_series(jobs: Sequence[EngineJob], context: RunContext) -> Iterator[CheckRow]:
    """Yield a warning when the class computes which candles it reads, and the run names none."""
    for job in () if context.parameters.informative else jobs:
        note = note_on_computed(job.facts, timeframe=str(context.config.timeframe))
        if note is not None:
            yield CheckRow(name="informative", status=CheckStatus.WARN, detail=note)


def _engine_detail(engine: EngineInstall) -> str:
    return f"freqtrade {engine.version}"
