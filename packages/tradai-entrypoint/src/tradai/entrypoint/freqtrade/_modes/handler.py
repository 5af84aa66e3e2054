"""The common part of the handlers: make an engine job, check it, run it, record its result."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from tradai.entrypoint._process.exit_codes import Verdict
from tradai.entrypoint._runs.checks import Checklist, CheckRow
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.install import EngineInstall
from tradai.entrypoint.freqtrade._evidence.engine_verdict import judge
from tradai.entrypoint.freqtrade._exchange.market_server import MarketServer
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob, job_checks

if TYPE_CHECKING:
    from tradai.entrypoint._runs.strategy_entrypoint import StrategyEntrypoint


class EngineHandler(ABC):
    """Runs one mode on the engine."""

    def __init__(
        self, entrypoint: "StrategyEntrypoint", *, engine: EngineInstall | None = None
    ) -> None:
        """Take the entrypoint, and an engine other than the installed one."""
        self._entrypoint = entrypoint
        self._engine = engine

    def run(self) -> int:
        """Run the mode; the exit code is that of the verdict."""
        context = self._entrypoint.context
        return context.conclude(self._run_job(EngineJob(context, engine=self._engine), context))

    def checks(self, checklist: Checklist) -> Iterator[CheckRow]:
        """Check everything the job needs; see `CheckableHandler`."""
        yield from job_checks(self._entrypoint.context, checklist, engine=self._engine)

    @abstractmethod
    def _run_job(self, job: EngineJob, context: RunContext) -> Verdict:
        """Run the job and return how it ended."""


class BatchHandler(EngineHandler):
    """Runs the engine on recorded candles and market rules until it ends by itself.

    Attributes:
        results: Pattern of the result files below the engine's folder; one proves success.
    """

    results: ClassVar[str]

    def _run_job(self, job: EngineJob, context: RunContext) -> Verdict:
        markets = job.load_markets()
        job.stage_candles()
        context.interrupts.check()
        context.progress.say(f"engine: {job.plan.subcommand}")
        with MarketServer(markets) as server, job.running(server.base_url) as engine:
            ended = engine.wait(context.interrupts)
        has_result = any(job.user_data.glob(self.results))
        context.journal.append(
            "engine ended", return_code=ended.return_code, seconds=round(ended.seconds, 3)
        )
        verdict = judge(ended, job.evidence, result_present=has_result)
        return self._record(job, context) if verdict.is_success else verdict

    @abstractmethod
    def _record(self, job: EngineJob, context: RunContext) -> Verdict:
        """Record the results of an engine that succeeded, and return the verdict on them."""
