"""Settings of a tradai process: what to run, where its records go, how it logs."""

from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal, final

from pydantic_settings import SettingsConfigDict

from tradai.core import BaseSettings, SecretReference, TradingMode, unknown_variables

__all__ = [
    "EntrypointSettings",
    "LogSettings",
    "default_run_folder",
    "secret_references",
    "settings_classes",
    "unknown_variable_problems",
]


class EntrypointSettings(BaseSettings):
    """What one process runs; each field is the variable ``TRADAI_RUN_<FIELD>`` or a flag.

    Attributes:
        mode: Run mode; it has no default, so nothing ever trades by accident.
        config: Path or URI of the strategy configuration (YAML).
        data: Path or URI of the candles; a folder also holds ``markets.json``.
        folder: Folder that receives one folder per run.
        id: Id of this run; unset means a new one.
        trace_id: Id that follows the job through every system; unset means the run id.
    """

    model_config = SettingsConfigDict(env_prefix="TRADAI_RUN_")

    mode: TradingMode
    config: str | None = None
    data: str | None = None
    folder: Path = Path(".tradai/runs")
    id: str | None = None
    trace_id: str | None = None

    @property
    def trading_mode(self) -> TradingMode:
        """The run mode, under the name the platform uses."""
        return self.mode


@final
class LogSettings(BaseSettings):
    """How the process logs; each field is the variable ``TRADAI_LOG_<FIELD>``.

    Attributes:
        format: JSON lines for machines, or lines for people.
        level: The least level that is logged.
    """

    model_config = SettingsConfigDict(env_prefix="TRADAI_LOG_")

    format: Literal["json", "console"] = "console"
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


def default_run_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of runs for commands that need nothing else of the settings."""
    return Path(
        environ.get("TRADAI_RUN_FOLDER") or EntrypointSettings.model_fields["folder"].default
    )


def settings_classes() -> dict[str, type[BaseSettings]]:
    """Return the settings classes of every installed slice, by entry-point name."""
    found = sorted(entry_points(group="tradai.settings"), key=lambda one: one.name)
    return {one.name: one.load() for one in found}


def secret_references(environ: Mapping[str, str]) -> Iterator[tuple[str, SecretReference]]:
    """Yield the references to secrets in the settings of every installed slice, by variable."""
    for settings_class in settings_classes().values():
        yield from settings_class.references(environ)


def unknown_variable_problems(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each variable in `environ` that looks like ours but is not."""
    for name, suggestion in unknown_variables(environ, settings_classes().values()):
        hint = f"did you mean {suggestion}?" if suggestion else "unset it"
        yield f"{name} is set, but nothing reads it: {hint}"
