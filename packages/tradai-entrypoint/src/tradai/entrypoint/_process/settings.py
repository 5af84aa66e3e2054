"""Settings of a process: the run, its folder, its logging."""

from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal, TypeAlias, final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from tradai.core import BaseSettings, JobPlatform, TradingMode, unknown_variables
from tradai.entrypoint._process.runs_folder import (
    DEFAULT_RUNS_FOLDER,
    LONGEST_STORE_TIMEOUT_S,
    STORE_TIMEOUT_S,
)

EngineApi: TypeAlias = Literal["none", "api", "ui"]
PartOf: TypeAlias = Literal["sweep", "analysis", "comparison", "verification"]


class EntrypointSettings(BaseSettings):
    """Settings of one run; each field is the variable ``TRADAI_RUN_<FIELD>`` or a flag.

    Attributes:
        mode: Run mode; it has no default, so that nothing trades by accident.
        config: Path or URI of the strategy configuration (YAML).
        data: Path or URI of the candles.
        markets: Path or URI of the market rules; unset means ``markets.json`` in the folder of the
            candles.
        folder: Folder that receives one folder per run.
        id: Id of this run; unset means a new one.
        trace_id: Id of the job in every system it passes through; unset means the run id.
        part_of: Command that makes this run among others, which is set for its runs; lists of runs
            leave them out.
        staged: Folder of candles that a sweep has staged for its runs; candles of another request
            are not used.
        store: URI that receives one run below it, such as ``s3://bucket/runs/``; unset means that
            runs stay in their folder.
        store_timeout_s: Seconds that one call of the run store may take.
        job_id: Id of the job that this run is an attempt of, for the claim in the run store.
        attempt: Number of the attempt, from 1, for the claim in the run store.
        stop_grace_s: Seconds between the launcher's SIGTERM and its SIGKILL (live); the default is
            that of Fargate, whose longest is 120.
        engine_api: Interface of the engine on loopback that people may use (dry-run): ``api`` is
            Freqtrade's REST API, ``ui`` is FreqUI, too.
    """

    model_config = SettingsConfigDict(env_prefix="TRADAI_RUN_")

    mode: TradingMode
    config: str | None = None
    data: str | None = None
    markets: str | None = None
    folder: Path = DEFAULT_RUNS_FOLDER
    id: str | None = None
    trace_id: str | None = None
    part_of: PartOf | None = None
    staged: Path | None = None
    store: str | None = None
    store_timeout_s: float = Field(
        default=STORE_TIMEOUT_S, gt=0, le=LONGEST_STORE_TIMEOUT_S, allow_inf_nan=False
    )
    job_id: str | None = None
    attempt: int | None = Field(default=None, ge=1)
    stop_grace_s: float = Field(default=30.0, gt=0, le=120, allow_inf_nan=False)
    engine_api: EngineApi = "none"

    @property
    def trading_mode(self) -> TradingMode:
        """The run mode, under the name the platform uses."""
        return self.mode


@final
class LogSettings(BaseSettings):
    """Logging of the process; each field is the variable ``TRADAI_LOG_<FIELD>``.

    Attributes:
        format: ``json`` lines, or ``console`` lines to read on a terminal.
        level: The lowest level that is logged.
        delivery: Choice of `tradai-entrypoint contain` for a log that is not read fast enough: the
            program waits (``blocking``), or the log has gaps (``non-blocking``).
    """

    model_config = SettingsConfigDict(env_prefix="TRADAI_LOG_")

    format: Literal["json", "console"] = "console"
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    delivery: Literal["blocking", "non-blocking"] = "blocking"


@final
class JobSettings(BaseSettings):
    """Image and size of the jobs that run a strategy in a container; ``TRADAI_JOB_<FIELD>``.

    Attributes:
        image: Container image, best by its digest; its entry point is
            ``tradai-entrypoint contain --``, or it has ``tradai-entrypoint`` on its path.
        cpu_units: Processor share, 1024 for one core; unset means the runner's default.
        memory_mib: Memory in MiB; unset means the runner's default.
        disk_gib: Disk space in GiB; unset means the runner's default.
        platform: System and processor of the image.
        inputs: URI that receives the inputs which jobs need from this machine, such as
            ``s3://bucket/data/``; unset means ``_inputs`` in the run store.
    """

    model_config = SettingsConfigDict(env_prefix="TRADAI_JOB_")

    image: str | None = None
    cpu_units: int | None = Field(default=None, ge=1)
    memory_mib: int | None = Field(default=None, ge=1)
    disk_gib: int | None = Field(default=None, ge=1)
    platform: JobPlatform | None = None
    inputs: str | None = None


def settings_classes() -> dict[str, type[BaseSettings]]:
    """Return the settings class of every installed package, by entry-point name."""
    plugins = sorted(entry_points(group="tradai.settings"), key=lambda plugin: plugin.name)
    return {plugin.name: plugin.load() for plugin in plugins}


def unknown_variable_problems(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each ``TRADAI_`` variable in `environ` that no setting reads."""
    for name, suggestion in unknown_variables(environ, settings_classes().values()):
        hint = f"did you mean {suggestion}?" if suggestion else "unset it"
        yield f"{name} is set, but nothing reads it: {hint}"
