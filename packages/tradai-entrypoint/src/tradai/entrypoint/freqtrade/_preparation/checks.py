"""What would stop an engine job, row by row, without starting the engine."""

from collections.abc import Iterator

from tradai.core import TradingMode
from tradai.entrypoint._runs.checks import Checklist, CheckRow, CheckStatus
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.install import EngineInstall
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob

__all__ = ["job_checks"]


def job_checks(
    context: RunContext, checklist: Checklist, *, engine: EngineInstall | None = None
) -> Iterator[CheckRow]:
    """Yield the rows of a job: engine, strategy and plan, market rules, candles."""
    yield checklist.row("engine", lambda: _engine(engine or EngineInstall.beside_us()))
    jobs: list[EngineJob] = []

    def strategy() -> str:
        jobs.append(EngineJob(context, engine=engine))
        context.record.engine = {"name": "freqtrade", **jobs[0].plan.as_json()}
        return f"{jobs[0].facts.class_name} in {jobs[0].facts.file.name}"

    yield checklist.row("strategy", strategy)
    if context.mode is TradingMode.DRY_RUN:
        return
    yield checklist.row("market rules", lambda: _markets(jobs[0]))
    yield checklist.row("candles", lambda: _candles(jobs[0]))
    for notice in context.record.notices:
        yield CheckRow(name="notice", status=CheckStatus.WARN, detail=notice)


def _engine(engine: EngineInstall) -> str:
    return f"freqtrade {engine.version}"


def _markets(job: EngineJob) -> str:
    return f"{len(job.take_markets().pairs)} pairs"


def _candles(job: EngineJob) -> str:
    staged = job.take_candles()
    return f"{sum(one.rows for one in staged.series)} candles over {staged.timerange}"
