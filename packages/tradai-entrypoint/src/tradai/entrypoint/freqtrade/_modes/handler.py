"""The common part of the handlers: make an engine job, check it, run it, record its result."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar, Final

from tradai.core import TradingMode, redact
from tradai.entrypoint._process.checks import Checklist, CheckRow
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._runs._bias.bias_checks import bias_notices
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint.freqtrade._candles.series import CONTRACT_KINDS
from tradai.entrypoint.freqtrade._engine.exits import EngineExit, WakeReason
from tradai.entrypoint.freqtrade._engine.install import EngineInstall
from tradai.entrypoint.freqtrade._engine.process import EngineProcess
from tradai.entrypoint.freqtrade._evidence.engine_verdict import judge
from tradai.entrypoint.freqtrade._evidence.evidence import EngineEvidence
from tradai.entrypoint.freqtrade._evidence.strategy_errors import judge_errors
from tradai.entrypoint.freqtrade._exchange._recorded.answers import missing_answer
from tradai.entrypoint.freqtrade._exchange.market_server import MarketServer
from tradai.entrypoint.freqtrade._preparation.job_checks import job_checks
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._strategy.places import find_method

if TYPE_CHECKING:
    from tradai.entrypoint._runs.strategy_entrypoint import StrategyEntrypoint

# Missing candles are reported pair by pair; this long after the last one, all of them were. So are
# parameters.
_MORE_MISSING_S: Final = 2.0
_LOOK_EVERY_S: Final = 1.0


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
        with context.interrupts.raising():
            job = EngineJob(context, engine=self._engine)
        return context.conclude(self._judged(job, context))

    def checks(self, checklist: Checklist) -> Iterator[CheckRow]:
        """Check everything the job needs; see `CheckableHandler`."""
        yield from job_checks(self._entrypoint.context, checklist, engine=self._engine)

    def _judged(self, job: EngineJob, context: RunContext) -> Verdict:
        """Run the job and return how it ended, exceptions of the strategy included."""
        job.evidence.imports = job.facts.imports
        verdict = self._run_job(job, context)
        _mark_errors(context.record, job)
        return judge_errors(verdict, job.evidence.strategy_errors, _accepted(context))

    @abstractmethod
    def _run_job(self, job: EngineJob, context: RunContext) -> Verdict:
        """Run the job and return how it ended."""


class BatchHandler(EngineHandler):
    """Runs the engine on recorded candles and market rules until it ends by itself.

    The engine is stopped when it reports that candles are missing, or that a parameter cannot be
    searched: the rest of its work would be wrong. Its results are kept whatever the verdict says,
    and marked when they are partial.

    Attributes:
        result: Name of the result in the run folder that proves success.
    """

    result: ClassVar[str]

    def _run_job(self, job: EngineJob, context: RunContext) -> Verdict:
        with context.interrupts.raising():
            markets = job.load_markets()
            job.stage_candles()
        context.record.notices += self._caveats(context)
        of_contracts = (series.name for series in job.series if series.kind in CONTRACT_KINDS)
        job.evidence.contract_data = frozenset(of_contracts)
        context.progress.say(f"engine: {job.plan.subcommand}")
        with MarketServer(markets) as server, job.running(server.base_url) as engine:
            look = self._display(job, context)
            ended = _follow(engine, job.evidence, context.interrupts, look)
        context.journal.append(
            "engine ended", return_code=ended.return_code, seconds=round(ended.seconds, 3)
        )
        verdict = self._judge(ended, job, context)
        if server.unanswered and not verdict.is_success:
            sentence = missing_answer(
                server.unanswered[0], exchange=markets.exchange, note=markets.note
            )
            verdict = Verdict(exit_code=ExitCode.DATA, sentence=sentence)
        _mark_partial(context.record, verdict)
        return self._record(job, context, verdict)

    def _caveats(self, context: RunContext) -> Iterable[str]:
        """Return what the reader of a result must know of the strategy source."""
        return bias_notices(context.folder.path.parent, context.record)

    def _display(self, _job: EngineJob, _context: RunContext) -> Callable[[], None]:
        """Return what shows how far the engine is, called about once a second."""
        return lambda: None

    def _judge(self, ended: EngineExit, job: EngineJob, context: RunContext) -> Verdict:
        """Return the verdict on an engine that `ended`."""
        has_result = (context.folder.path / self.result).exists()
        return judge(ended, job.evidence, result_present=has_result)

    @abstractmethod
    def _record(self, job: EngineJob, context: RunContext, verdict: Verdict) -> Verdict:
        """Record the results that there are, and return the verdict on them.

        Args:
            job: The job of an engine that has ended.
            context: The run.
            verdict: The verdict on the engine; its results may be missing unless it succeeded.
        """


def _follow(
    engine: EngineProcess,
    evidence: EngineEvidence,
    interrupts: Interrupts,
    look: Callable[[], None],
) -> EngineExit:
    """Follow the engine to its end; stop it once all that makes its work wrong was reported."""
    is_wrong = _more(evidence, than=0)
    while (reason := engine.follow(interrupts, until=is_wrong, timeout_s=_LOOK_EVERY_S)) is (
        WakeReason.TIMEOUT
    ):
        look()
    look()
    while reason is WakeReason.REACHED and evidence.wanted_startup is None:
        until = _more(evidence, than=evidence.shortfalls)
        reason = engine.follow(interrupts, until=until, timeout_s=_MORE_MISSING_S)
    return engine.wait(interrupts) if reason is WakeReason.EXITED else engine.stop(interrupts)


def _more(evidence: EngineEvidence, *, than: int) -> Callable[[], bool]:
    return lambda: evidence.shortfalls > than


def _mark_errors(record: RunManifest, job: EngineJob) -> None:
    """Mark the results of an engine that went on after exceptions of the strategy."""
    errors = job.evidence.strategy_errors
    if errors.total:
        errors.place = errors.place and find_method(job.facts, errors.place)
        record.results["strategy_errors"] = errors.total
        record.results["strategy_errors_by_callback"] = dict(errors.counts)
        record.notices.append(redact(str(errors)))


def _accepted(context: RunContext) -> tuple[str, ...]:
    return () if context.mode is TradingMode.LIVE else context.parameters.accepted_strategy_errors


def _mark_partial(record: RunManifest, verdict: Verdict) -> None:
    """Mark the results of an engine that did not do all its work."""
    if record.artifacts and not verdict.is_success:
        record.results["is_partial"] = True
        kept = ", ".join(record.artifacts)
        record.notices.append(f"partial, the engine did not do all its work: {kept}")
