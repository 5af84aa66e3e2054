"""One engine job: gather and prove everything first, then start the engine on exactly that."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final, final

from tradai.core import JsonValue, digest, file_path, version_id
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint._runs.request import STRATEGY_COPY
from tradai.entrypoint.freqtrade._candles.dataset import dataset_notices
from tradai.entrypoint.freqtrade._candles.series import needed_series
from tradai.entrypoint.freqtrade._candles.staging import StagedData, stage_data, staging_request
from tradai.entrypoint.freqtrade._engine.install import EngineInstall, engine_environment
from tradai.entrypoint.freqtrade._engine.process import EngineProcess
from tradai.entrypoint.freqtrade._evidence.evidence import EngineEvidence
from tradai.entrypoint.freqtrade._exchange.markets import MARKETS_NAME, MarketsSnapshot
from tradai.entrypoint.freqtrade._preparation.plan import (
    DATA,
    STRATEGIES,
    USER_DATA,
    EnginePlan,
    render_plan,
)
from tradai.entrypoint.freqtrade._strategy.idle import idle_source
from tradai.entrypoint.freqtrade._strategy.source import (
    SourceFacts,
    check_parameters,
    copy_source,
    inspect_source,
)

__all__ = ["EngineJob"]

_LOG_NAME: Final = "engine.log"


@final
class EngineJob:
    """The engine's side of one run.

    Everything the engine will see is put into the run's scratch folder first: a private copy of
    the strategy, the candles of the range, the parameter file. Nothing else reaches it.
    """

    def __init__(self, context: RunContext, *, engine: EngineInstall | None = None) -> None:
        """Inspect the strategy and render the plan; nothing is written yet.

        Args:
            context: The run.
            engine: What to run; by default the engine in our own interpreter.
        """
        self._context = context
        self.evidence = EngineEvidence()
        self.parameters = context.parameters
        self.facts = self._inspect()
        self.engine = engine or EngineInstall.beside_us()
        self.plan = self._render()

    @property
    def user_data(self) -> Path:
        """The engine's own folder."""
        return self._context.folder.scratch / USER_DATA

    def take_candles(self) -> StagedData:
        """Give the engine the candles of the range, and settle what the range is.

        Raises:
            NotFoundError: A series is missing; all of them are named.
            ValidationError: A series is broken.
            RunInterruptedError: A signal came first.
        """
        context = self._context
        context.progress.say("reading candles")
        data = context.require_data()
        request = staging_request(
            context.config,
            self.parameters,
            self.facts,
            data=data,
            folder=context.folder.scratch / DATA,
        )
        staged = stage_data(request, interrupts=context.interrupts)
        context.record_digest("data", staged.digest)
        context.record.data = {"uri": data, "timerange": str(staged.timerange)}
        context.record.notices += [*dataset_notices(data), *staged.notices(request.series)]
        self.parameters = self.parameters.with_timerange(staged.timerange)
        self.plan = self._render()
        return staged

    def take_markets(self) -> MarketsSnapshot:
        """Return the market rules beside the candles, cut to the pairs the engine reads.

        Raises:
            NotFoundError: There is no snapshot, or a pair is not in it.
        """
        context = self._context
        snapshot = MarketsSnapshot.load(file_path(context.require_data()) / MARKETS_NAME)
        series = needed_series(context.config, self.parameters, self.facts)
        pairs = {one.pair for one in series}
        snapshot.require(pairs)
        markets = snapshot.restricted_to(pairs)
        context.record_digest("markets", markets.digest)
        if snapshot.origin == "made":
            note = f": {snapshot.note}" if snapshot.note else ""
            context.record.notices.append(f"the market rules were made, not captured{note}")
        return markets

    @contextmanager
    def running(
        self,
        base_url: str | None,
        *,
        sections: Mapping[str, JsonValue] = MappingProxyType({}),
        on_line: Callable[[str], None] | None = None,
    ) -> Iterator[EngineProcess]:
        """Furnish the scratch folder and keep the engine running inside the block.

        Args:
            base_url: The exchange's address; None is the venue itself.
            sections: Further configuration that belongs to this process alone.
            on_line: Called with each line the engine prints.
        """
        context = self._context
        scratch = context.folder.scratch.resolve()
        self._furnish()
        self._digest_run()
        context.journal.append("engine starting", subcommand=self.plan.subcommand)
        with TemporaryDirectory(prefix="tradai-") as temporary:
            engine = EngineProcess(
                self.engine.command(self.plan.subcommand, *self.plan.arguments),
                stdin=self.plan.config_for(base_url, sections=sections),
                environ=engine_environment(
                    context.environ, home=scratch, temporary=Path(temporary)
                ),
                folder=scratch,
                log_file=context.folder.path / _LOG_NAME,
                on_line=self._listener(on_line),
            )
            with engine:
                yield engine

    def _listener(self, on_line: Callable[[str], None] | None) -> Callable[[str], None]:
        if on_line is None:
            return self.evidence.feed

        def listen(line: str) -> None:
            self.evidence.feed(line)
            on_line(line)

        return listen

    def _inspect(self) -> SourceFacts:
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
        facts = inspect_source(root, strategy.class_name)
        check_parameters(facts, context.config.buy_params, context.config.sell_params)
        self._digest_configuration(facts)
        return facts

    def _render(self) -> EnginePlan:
        context = self._context
        context.record.versions["freqtrade"] = self.engine.version
        return render_plan(context.config, self.parameters, context.mode, facts=self.facts)

    def _furnish(self) -> None:
        context = self._context
        strategies = context.folder.scratch / STRATEGIES
        copy_source(self.facts, strategies)
        copy_source(self.facts, context.folder.path / STRATEGY_COPY)
        self.plan.write_params(strategies)
        self.user_data.mkdir(exist_ok=True)
        context.record.engine = {"name": "freqtrade", **self.plan.as_json()}

    def _digest_configuration(self, facts: SourceFacts) -> None:
        context = self._context
        context.record_digest("source", facts.digest)
        config = digest({"config": context.config.canonical(), "source": facts.digest})
        context.record_digest("config", config)
        context.record.config_id = version_id(config)

    def _digest_run(self) -> None:
        context = self._context
        digests = context.record.digests
        what: dict[str, JsonValue] = {
            "mode": context.mode.value,
            "parameters": self.parameters.model_dump(mode="json"),
            "data": digests.get("data"),
            "markets": digests.get("markets"),
            "engine": context.record.versions["freqtrade"],
        }
        context.record_digest("run", digest(what))
