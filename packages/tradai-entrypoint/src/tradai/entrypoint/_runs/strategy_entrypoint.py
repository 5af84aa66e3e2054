"""One run from start to verdict: load the configuration, call the handler, record the result."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Final, Protocol, TypeVar

from tradai.core import Clock, LoadedConfig, LoggerMixin, ModeHandler, SystemClock, TradingMode
from tradai.core.exceptions import ConfigurationError, StorageError, ValidationError
from tradai.entrypoint._inputs.run_inputs import RunInputs
from tradai.entrypoint._process.checks import CheckableHandler, Checklist, CheckRow
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._process.interrupts import Interrupts, RunInterruptedError
from tradai.entrypoint._process.progress import Progress
from tradai.entrypoint._process.settings import EntrypointSettings, unknown_variable_problems
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint._runs.folder import check_run_folder, new_run_id
from tradai.entrypoint._runs.handler_registry import HandlerRegistry
from tradai.entrypoint._runs.parameters import read_run_parameters
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._runs.recorded_run import RecordedRun, record_refusal
from tradai.entrypoint._runs.request import RunRequest, load_config, new_record, strategy_root
from tradai.entrypoint._runs.stored_run import StorePolicy
from tradai.entrypoint._runs.tracking import RecordTracking
from tradai.entrypoint._store.claim import RunNotClaimedError, RunOwnedError


class HandlerFactory(Protocol):
    """Creates the handler of a mode; a class whose constructor takes the entrypoint is one."""

    def __call__(self, entrypoint: "StrategyEntrypoint", /) -> ModeHandler:
        """Return the handler."""
        ...


H = TypeVar("H", bound=HandlerFactory)

# Folder in the scratch folder of a run.
_INPUTS: Final = "inputs"
_HANDLERS: Final[HandlerRegistry[HandlerFactory]] = HandlerRegistry()


class StrategyEntrypoint(LoggerMixin):
    """Runs one strategy in one mode and leaves a run folder behind, also for a refused run.

    Services register a handler for a mode with the decorator `register_handler`; the handler of
    any other mode is looked up among the entry points ``tradai.handlers``.
    """

    handlers: ClassVar[HandlerRegistry[HandlerFactory]] = _HANDLERS

    @classmethod
    def register_handler(cls, mode: TradingMode) -> Callable[[H], H]:
        """Return a decorator that makes a class the handler of `mode`.

        Raises:
            ConfigurationError: `mode` has an explicit handler already.
        """

        def register(factory: H) -> H:
            cls.handlers.register(mode, factory)
            return factory

        return register

    @classmethod
    def get_handler(cls, mode: TradingMode) -> HandlerFactory:
        """Return the factory of the handler that serves `mode`.

        Raises:
            ConfigurationError: `mode` has no handler, or its plugin cannot be loaded.
        """
        return cls.handlers.get(mode)

    def __init__(
        self,
        settings: EntrypointSettings,
        *,
        request: RunRequest | None = None,
        interrupts: Interrupts | None = None,
        progress: Progress | None = None,
        clock: Clock | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare a run; nothing is read or written before `run`.

        Args:
            settings: Mode, configuration, data and folder of the run.
            request: Patches, overrides, or a run to repeat; by default none.
            interrupts: Signals that end the run; by default none are watched.
            progress: Display of progress; by default none.
            clock: Source of timestamps; by default the system's.
            environ: Environment to read configuration from; by default the process's.
        """
        super().__init__()
        self._settings = settings
        self._request = request or RunRequest()
        self._interrupts = interrupts or Interrupts()
        self._progress = progress or Progress(enabled=False)
        self._clock = clock or SystemClock()
        self._environ = os.environ if environ is None else environ
        self._context: RunContext | None = None
        self._is_check = False
        self._record = new_record(self._settings, self._request, now=self._clock.now())

    @property
    def settings(self) -> EntrypointSettings:
        """Settings of this process."""
        return self._settings

    @property
    def record(self) -> RunManifest:
        """Facts of the run, complete once `run` has returned."""
        return self._record

    @property
    def context(self) -> RunContext:
        """The run in progress.

        Raises:
            ConfigurationError: `run` has not been called.
        """
        if self._context is None:
            raise ConfigurationError(
                "there is no run in progress: a handler has a context only inside "
                "StrategyEntrypoint.run()"
            )
        return self._context

    def run(self) -> int:
        """Run to the end and return the exit code of the process; see `ExitCode`."""
        return int(self.run_to_verdict().exit_code)

    def run_to_verdict(self) -> Verdict:
        """Run to the end and return the verdict."""
        policy: StorePolicy | None = None
        folder, record, clock = self._settings.folder, self._record, self._clock
        tracking = RecordTracking.of(record, self._environ, interrupts=self._interrupts)
        try:
            policy = self._store_policy()
            run = RecordedRun.open(folder, record, clock=clock, policy=policy, tracking=tracking)
        except RunOwnedError as exc:
            return Verdict(exit_code=ExitCode.of(exc.exit_code), sentence=str(exc))
        except (RunNotClaimedError, RunInterruptedError) as exc:
            # Its id stays free for another try, here and in the store.
            record.run_id = new_run_id(record.mode, now=clock.now())
            return record_refusal(folder, record, exc, clock=clock, tracking=tracking)
        except (ConfigurationError, ValidationError, StorageError) as exc:
            return record_refusal(
                folder, record, exc, clock=clock, policy=policy, tracking=tracking
            )
        return run.execute(lambda: self._execute(run))

    def _store_policy(self) -> StorePolicy | None:
        return StorePolicy.of(self._settings, interrupts=self._interrupts, environ=self._environ)

    def checks(self) -> Iterator[CheckRow]:
        """Yield a row per check, without starting the run or leaving a folder behind.

        Afterwards `record` has the facts that were found, among them the engine's plan.
        """
        self._is_check = True
        checklist = Checklist()
        # The id may be taken, or not usable at all, which is a row of its own.
        self._record.run_id = new_run_id(self._settings.mode, now=self._clock.now())
        with TemporaryDirectory(prefix="tradai-check-") as folder:
            run = RecordedRun.open(Path(folder), self._record, clock=self._clock)
            yield checklist.row("configuration", lambda: self._check_configuration(run))
            yield checklist.row("permission", self._check_permission)
            if not checklist.has_failed:
                yield from self._handler_checks(checklist)
            yield checklist.row("run folder", self._check_folder)
            if self._settings.store:
                yield checklist.row("run store", self._check_store)
            run.journal.close()

    @contextmanager
    def prepared(self) -> Iterator[RunContext]:
        """Lend the context of the run, with a temporary folder; the run is not started.

        Raises:
            TradAIError: The run would be refused.
        """
        with TemporaryDirectory(prefix="tradai-plan-") as folder:
            run = RecordedRun.open(Path(folder), self._record, clock=self._clock)
            with closing(run.journal):
                self._context = self._prepare(run)
                self._permit(self._context)
                self._fetch_source(self._context)
                yield self._context

    def _check_folder(self) -> str:
        check_run_folder(self._settings.folder, self._settings.id, self._settings.store)
        return f"a run can be recorded in {self._settings.folder}"

    def _check_store(self) -> str:
        policy = self._store_policy()
        return policy.check(self._settings.id) if policy else ""

    def _check_configuration(self, run: RecordedRun) -> str:
        self._context = self._prepare(run)
        config = self._context.config
        pairs = counted(len(config.pairs), "pair")
        return f"{config.name} {config.version}, {pairs}, {config.timeframe}"

    def _check_permission(self) -> str:
        self._permit(self.context)
        return f"mode {self._settings.mode.value} may run"

    def _handler_checks(self, checklist: Checklist) -> Iterator[CheckRow]:
        made: list[ModeHandler] = []

        def make() -> str:
            self._fetch_source(self.context)
            made.append(self.get_handler(self._settings.mode)(self))
            return f"{type(made[0]).__module__}.{type(made[0]).__qualname__}"

        yield checklist.row("handler", make)
        for handler in made:
            if isinstance(handler, CheckableHandler):
                yield from handler.checks(checklist)

    def _execute(self, run: RecordedRun) -> Verdict:
        with self._progress:
            with self._interrupts.raising():
                self._context = self._prepare(run)
                run.folder.write_manifest(self._record)
                run.track()
                self._permit(self._context)
                self._fetch_source(self._context)
                handler = self.get_handler(self._settings.mode)(self)
            code = handler.run()
        run.report_parts, run.parts = self._context.report, self._context.parts
        return _verdict_of(code, concluded=self._context.verdict)

    def _prepare(self, run: RecordedRun) -> RunContext:
        loaded = self._load_strategy_config()
        self._describe(loaded)
        parameters = read_run_parameters(loaded)
        self._record.run_parameters = parameters.model_dump(mode="json", exclude_unset=True)
        place = run.folder.scratch / _INPUTS
        inputs = RunInputs(place, journal=run.journal, progress=self._progress)
        return RunContext(
            mode=self._settings.mode,
            loaded=loaded,
            parameters=parameters,
            data=self._request.data_of(self._settings),
            markets=self._request.markets_of(self._settings),
            folder=run.folder,
            journal=run.journal,
            interrupts=self._interrupts,
            progress=self._progress,
            record=self._record,
            environ=self._environ,
            inputs=inputs,
            staged=self._settings.staged,
            replay_folder=self._request.replay_folder,
            expected_digests=self._request.expected_digests,
            accepts_holdings=self._request.accepts_holdings,
            continues=self._request.continues,
            engine_api=self._settings.engine_api,
        )

    def _load_strategy_config(self) -> LoadedConfig:
        return load_config(self._settings, self._request, environ=self._environ)

    def _permit(self, context: RunContext) -> None:
        """Raise for a run that must not start; a subclass may be stricter."""

    def _fetch_source(self, context: RunContext) -> None:
        """Bring the strategy's source to this machine, once the run is permitted."""
        context.strategy_root = strategy_root(context.loaded, self._request, context.inputs)

    def _describe(self, loaded: LoadedConfig) -> None:
        self._record.config = loaded.config.canonical()
        self._record.provenance = {leaf: str(origin) for leaf, origin in loaded.provenance.items()}
        self._record.notices += loaded.notices
        for warning in (*loaded.warnings, *unknown_variable_problems(self._environ)):
            if not self._is_check:  # the rows of a check have them, too
                self.logger.warning(warning)
            self._record.notices.append(warning)


def _verdict_of(code: int, *, concluded: Verdict | None) -> Verdict:
    exit_code = ExitCode.of(code)
    if exit_code != code:
        sentence = f"the handler returned {code}, which is not an exit code of tradai"
        return Verdict(exit_code=exit_code, sentence=sentence)
    if concluded is None:
        return Verdict(exit_code=exit_code, sentence=exit_code.meaning)
    if concluded.exit_code == exit_code:
        return concluded
    sentence = (
        f"the handler concluded with exit code {int(concluded.exit_code)} "
        f"({concluded.sentence}) and then returned {code}; return what `conclude` returns"
    )
    return Verdict(exit_code=ExitCode.CRASHED, sentence=sentence)
