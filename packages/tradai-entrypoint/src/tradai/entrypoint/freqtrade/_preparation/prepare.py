"""One engine job: check everything first, then start the engine on exactly that."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import cast, final

from tradai.core import JsonValue, digest, version_id
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint._runs.request import STRATEGY_COPY
from tradai.entrypoint.freqtrade._candles.dataset import DATASET_NAME, candle_files, dataset_notices
from tradai.entrypoint.freqtrade._candles.series import needed_series, startup_candles
from tradai.entrypoint.freqtrade._candles.shared_staging import use_staged
from tradai.entrypoint.freqtrade._candles.staged_data import (
    NeededSeries,
    StagedData,
    StagingRequest,
)
from tradai.entrypoint.freqtrade._candles.staging import stage_data
from tradai.entrypoint.freqtrade._capture.agreement import check_agreement
from tradai.entrypoint.freqtrade._engine.install import EngineInstall
from tradai.entrypoint.freqtrade._engine.process import EngineProcess
from tradai.entrypoint.freqtrade._engine.records import EngineRecord, RecordPipe
from tradai.entrypoint.freqtrade._engine_keys.problems import Problems
from tradai.entrypoint.freqtrade._evidence.evidence import EngineEvidence
from tradai.entrypoint.freqtrade._exchange.leverage_tiers import TIERS_NAME, LeverageTiers
from tradai.entrypoint.freqtrade._exchange.markets import MarketsSnapshot
from tradai.entrypoint.freqtrade._exchange.markets_file import rules_of
from tradai.entrypoint.freqtrade._exchange.rules_reading import MARKETS_NAME
from tradai.entrypoint.freqtrade._preparation._contracts.used_tiers import (
    DIGEST_NAME as TIERS_DIGEST,
    job_environment,
    use_tiers,
)
from tradai.entrypoint.freqtrade._preparation.class_settings import take_class
from tradai.entrypoint.freqtrade._preparation.engine_settings import check_settings
from tradai.entrypoint.freqtrade._preparation.plan import (
    DATA,
    FEE,
    STRATEGIES,
    USER_DATA,
    render_plan,
)
from tradai.entrypoint.freqtrade._preparation.stake import check_amounts, check_stake
from tradai.entrypoint.freqtrade._results.collected import collect_results
from tradai.entrypoint.freqtrade._strategy.idle import idle_source
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts, copy_source, inspect_source

_OURS = "tradai.entrypoint.freqtrade"


@final
class EngineJob:
    """The engine's side of one run.

    Everything the engine will see is put into the run's scratch folder first: a private copy of
    the strategy, the candles of the range, the parameter file. Nothing else reaches it.
    """

    def __init__(self, context: RunContext, *, engine: EngineInstall | None = None) -> None:
        """Inspect the strategy, copy it into the run folder and render the plan.

        Args:
            context: The run.
            engine: Engine to run; by default the one in our own interpreter.
        """
        self._context = context
        self.evidence = EngineEvidence()
        self.markets: MarketsSnapshot
        self.tiers: LeverageTiers | None = None
        self.parameters = context.parameters
        self.evidence.expect(context.config, context.parameters, context.mode)
        self.facts, self.engine = self._checked(engine)
        self.plan = render_plan(context.config, self.parameters, context.mode, facts=self.facts)

    @property
    def user_data(self) -> Path:
        """The engine's own folder."""
        return self._context.folder.scratch / USER_DATA

    @cached_property
    def series(self) -> tuple[NeededSeries, ...]:
        """The series of candles that the engine will read.

        Raises:
            ConfigurationError: The start-up candles are not known.
        """
        return needed_series(self._context.config, self.parameters, self.facts)

    def stage_candles(
        self, stage: Callable[[StagingRequest], StagedData] | None = None
    ) -> StagedData:
        """Lay out the candles of the range for the engine, and settle the range.

        Args:
            stage: Stages the candles; by default into the scratch folder, or from those that were
                staged for several runs.

        Raises:
            ConfigurationError: The start-up candles are not known, or the stake buys no order.
            NotFoundError: A series is missing; all of them are named.
            ValidationError: A series is broken.
            RunInterruptedError: A signal came first.
        """
        context = self._context
        context.progress.say("reading candles")
        data = context.require_data()
        local = self._data_folder()
        request = StagingRequest(
            data=local,
            shown="" if local == data else data,
            folder=context.folder.scratch / DATA,
            series=self.series,
            timerange=self.parameters.timerange,
        )
        staged = (stage or self._stage)(request)
        self.evidence.startup_candles = startup_candles(context.config, self.parameters, self.facts)
        context.record_digest("data", staged.digest)
        until = f"{staged.traded_until(self.series):%Y-%m-%d %H:%M} UTC"
        context.record.data |= {"timerange": str(staged.timerange), "traded_until": until}
        context.record.notices += [*dataset_notices(local), *staged.notices(self.series)]
        if self.parameters.timerange is not None:
            # With its ends as they are now: the run may be repeated when there are more candles.
            context.record.run_parameters["timerange"] = str(staged.timerange)
        self.parameters = self.parameters.with_timerange(staged.timerange)
        self.plan = replace(self.plan, timerange=staged.timerange)
        check_amounts(context.config, self.markets.rules, self.facts, staged)
        return staged

    def _stage(self, request: StagingRequest) -> StagedData:
        shared = self._context.staged
        staged = shared and use_staged(shared, request)
        return staged or stage_data(request, interrupts=self._context.interrupts)

    def load_markets(self) -> MarketsSnapshot:
        """Return and keep the market rules, cut to the pairs the engine reads; also the tiers.

        Raises:
            ConfigurationError: The start-up candles are not known, there is no place for rules
                beside the candles, or the stake is below the smallest order of a pair.
            NotFoundError: The snapshot is missing, or a pair is not in it.
            ValidationError: The snapshot is not readable, or lacks a rule or a recorded answer.
        """
        context = self._context
        # Kept before anything is judged, so that a refused run can be repeated once it is mended.
        context.record.data["uri"] = context.require_data()
        if context.markets is not None:
            context.record.data["markets"] = context.markets
        data = self._data_folder()
        snapshot = rules_of(context, data)
        markets = snapshot.restricted_to(series.pair for series in self.series)
        markets.require(series.pair for series in self.series)
        check_agreement(markets, self.engine, context)
        check_stake(context.config, markets.rules, self.facts)
        context.record_digest("markets", markets.digest)
        context.record.notices += markets.notices(has_fee=FEE in self.plan.config)
        self.plan = self.plan.charged(markets.fees)
        self.markets = markets
        self.tiers = use_tiers(context, self.engine, data)
        return markets

    def _data_folder(self) -> str:
        """Return the path or URI of the candles; of a folder in a store, what the run needs."""
        names = {name for series in self.series for name in candle_files(series)}
        data = self._context.require_data()
        return self._context.inputs.folder_of(
            data, names | {DATASET_NAME, MARKETS_NAME, TIERS_NAME}
        )

    @contextmanager
    def running(
        self,
        base_url: str | None,
        *,
        sections: Mapping[str, JsonValue] = MappingProxyType({}),
        on_record: Callable[[EngineRecord], None] = lambda _: None,
    ) -> Iterator[EngineProcess]:
        """Prepare the scratch folder and keep the engine running inside the block.

        After the block, however it ends, what the engine wrote is in the run folder.

        Args:
            base_url: Address of the exchange; None is the exchange itself.
            sections: Settings of the engine that belong to this process alone.
            on_record: Called with each record the engine logs.

        Raises:
            RunInterruptedError: A signal came before the engine was started.
            StorageError: A result cannot be kept in the run folder; it is in the scratch folder.
        """

        def read_record(record: EngineRecord) -> None:
            self.evidence.feed(record)
            on_record(record)

        context = self._context
        scratch = context.folder.scratch.resolve()
        with context.interrupts.raising():
            self._prepare_scratch()
            self.digest_run()
        context.journal.append("engine starting", subcommand=self.plan.subcommand)
        with (
            self._collecting(),
            TemporaryDirectory(prefix="tradai-", ignore_cleanup_errors=True) as temporary,
            RecordPipe(Path(temporary), strategy=scratch) as records,
            EngineProcess(
                self._command(scratch),
                stdin=self.plan.config_for(base_url, sections={**sections, **records.sections()}),
                environ=job_environment(
                    context, self.engine, self.tiers, temporary=Path(temporary)
                ),
                folder=scratch,
                log_file=context.folder.path / "engine.log",
                on_line=self.evidence.feed_printed,
                records=records,
                on_record=read_record,
            ) as engine,
        ):
            yield engine

    def _command(self, scratch: Path) -> list[str]:
        words = (self.plan.subcommand, *self.plan.arguments)
        if self.plan.launcher is None:
            return self.engine.command(*words)
        word, folder = self.plan.launcher
        return self.engine.module_command(_OURS, word, str(scratch / folder), *words)

    @contextmanager
    def _collecting(self) -> Iterator[None]:
        """Move what the engine wrote into the run folder, however the block ends."""
        folder, record = self._context.folder, self._context.record
        folder.needs_scratch = True
        try:
            yield
        finally:
            folder.release_half_of_reserve()
            record.artifacts += collect_results(self.user_data, folder.path)
            folder.needs_scratch = False

    def _checked(self, engine: EngineInstall | None) -> tuple[SourceFacts, EngineInstall]:
        """Return the strategy and the engine; one error has all that is wrong."""
        context = self._context
        strategy = context.config.strategy
        root = context.strategy_root
        if context.record.is_fallback:
            root = idle_source(context.folder.scratch)
        if strategy is None or root is None:
            raise ConfigurationError(
                "the configuration names no strategy: add `strategy: {class: ..., source: ...}`",
                key="strategy",
            )
        problems = Problems()
        facts = problems.of(lambda: inspect_source(root, strategy.class_name))
        if facts is not None:
            take_class(context, facts, problems)
            copy_source(facts, context.folder.path / STRATEGY_COPY)
            self._digest_configuration(facts)
        engine = engine or problems.of(EngineInstall.beside_us)
        if engine is not None:
            context.record.versions["freqtrade"] = engine.version
        check_settings(context, engine, facts, problems)
        problems.refuse()
        return cast("SourceFacts", facts), cast("EngineInstall", engine)

    def _prepare_scratch(self) -> None:
        context = self._context
        strategies = context.folder.scratch / STRATEGIES
        copy_source(self.facts, strategies)
        self.plan.write_params(strategies)
        self.user_data.mkdir(exist_ok=True)
        context.record.engine = {"name": "freqtrade", **self.plan.as_json()}

    def _digest_configuration(self, facts: SourceFacts) -> None:
        context = self._context
        context.record_digest("source", facts.digest)
        config = digest({"config": context.config.canonical(), "source": facts.digest})
        context.record_digest("config", config)
        context.record.config_id = version_id(config)

    def digest_run(self) -> None:
        """Record the digest of the run, once its candles are staged and its rules are loaded."""
        digests = self._context.record.digests
        what: dict[str, JsonValue] = {
            "mode": self._context.mode.value,
            "parameters": self.parameters.canonical(),
            **{name: digests.get(name) for name in ("data", "markets")},
            # Spot has none, and the digest of its runs stays as it was.
            **{name: digests[name] for name in (TIERS_DIGEST,) if name in digests},
            "engine": self.engine.version,
        }
        self._context.record_digest("run", digest(what))
