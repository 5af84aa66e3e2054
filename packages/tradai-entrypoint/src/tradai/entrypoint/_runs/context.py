"""Context of a run, for its handler."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from tradai.core import LoadedConfig, RunJournal, StrategyConfig, TradingMode
from tradai.core.exceptions import ConfigurationError, ValidationError
from tradai.entrypoint._inputs.run_inputs import RunInputs
from tradai.entrypoint._process.exit_codes import Verdict
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.progress import Progress
from tradai.entrypoint._process.settings import EngineApi
from tradai.entrypoint._report.model import RunReportParts
from tradai.entrypoint._runs.continuation import Continuation
from tradai.entrypoint._runs.folder import RunFolder
from tradai.entrypoint._runs.parameters import RunParameters
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._runs.tracked_facts import RunPart


@final
@dataclass(slots=True, kw_only=True)
class RunContext:
    """One run: its ids, configuration, parameters, folder and journal.

    A handler reads it, adds facts to `record`, and may set `report`. The exit code it returns
    decides how the run ended; `conclude` puts it into a sentence.

    Attributes:
        loaded: The configuration with the provenance of each value.
        parameters: The `run:` block, validated.
        data: Path or URI of the candles; None for a mode that fetches its own.
        markets: Path or URI of the market rules; None means the file beside the candles.
        inputs: Paths of the inputs that are in a store.
        strategy_root: Folder or file of the strategy source, on this machine.
        staged: Folder of candles that were staged for several runs.
        replay_folder: Folder of the run that this one repeats.
        expected_digests: Digests of the repeated run, by name, which this one must have too.
        accepts_holdings: Whether LIVE may start on an account that holds coins of its pairs.
        continues: The earlier dry-run whose trades this one goes on with.
        engine_api: Interface of a dry-run's engine that people may use: `none`, `api` or `ui`.
        report: Figures, tables and curve for the report.
        parts: Parts of the run that are tracked as runs of their own, the best first.
        verdict: What `conclude` was given; None means the meaning of the exit code.
    """

    mode: TradingMode
    loaded: LoadedConfig
    parameters: RunParameters
    data: str | None
    folder: RunFolder
    journal: RunJournal
    interrupts: Interrupts
    progress: Progress
    record: RunManifest
    environ: Mapping[str, str]
    inputs: RunInputs
    markets: str | None = None
    strategy_root: Path | None = None
    staged: Path | None = None
    replay_folder: Path | None = None
    expected_digests: Mapping[str, str] = field(default_factory=dict)
    accepts_holdings: bool = False
    continues: Continuation | None = None
    engine_api: EngineApi = "none"
    report: RunReportParts | None = None
    parts: tuple[RunPart, ...] = ()
    verdict: Verdict | None = None

    @property
    def config(self) -> StrategyConfig:
        """The strategy configuration."""
        return self.loaded.config

    @property
    def run_id(self) -> str:
        """Id of this run."""
        return self.record.run_id

    @property
    def trace_id(self) -> str:
        """Id of the job this run belongs to."""
        return self.record.trace_id

    def require_data(self) -> str:
        """Return the path or URI of the candles.

        Raises:
            ConfigurationError: No data was given.
        """
        if self.data is None:
            raise ConfigurationError(
                f"mode {self.mode.value!r} needs candles: give --data DIR, or set TRADAI_RUN_DATA",
                key="TRADAI_RUN_DATA",
            )
        return self.data

    def conclude(self, verdict: Verdict) -> int:
        """Keep `verdict`, and return its exit code for the handler to return.

        A handler that returns another exit code afterwards has crashed.
        """
        self.verdict = verdict
        return int(verdict.exit_code)

    def record_digest(self, name: str, value: str) -> None:
        """Record `value` as the digest of `name`, also in the manifest on disk.

        Raises:
            ValidationError: This run repeats another, which has a different digest.
            StorageError: The manifest cannot be written.
        """
        self.record.digests[name] = value
        # A run that is killed can be identified by its manifest, and repeated.
        self.folder.write_manifest(self.record)
        expected = self.expected_digests.get(name, value)
        if expected != value:
            raise ValidationError(
                f"run {self.record.replay_of!r} cannot be repeated: its {name} had digest "
                f"{expected[:12]}, now it is {value[:12]}; restore the inputs of that run, or "
                "start a new one",
                field=name,
                expected=expected,
            )
