"""Record of a run: filled while it runs, and stored as its manifest."""

from datetime import datetime
from pathlib import Path
from typing import Literal, Self, final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tradai.core import FileKind, JsonValue, TradingMode, read_regular_file
from tradai.core.exceptions import NotFoundError, StorageError
from tradai.entrypoint._process.exit_codes import Verdict

MANIFEST_NAME = "manifest.json"


@final
class RunManifest(BaseModel):
    """Facts of one run, as they are gathered and as ``manifest.json`` stores them.

    Written when a run starts and when it ends, also for a refused run.

    Attributes:
        state: ``running`` until there is a verdict; a manifest left so means the supervisor died.
        digests: SHA-256 by what they cover: ``config`` (configuration and strategy source),
            ``run`` (mode, parameters, inputs and engine), ``source``, ``data``, ``markets``,
            ``trades``.
        config: The strategy configuration in its canonical form, without secrets.
        provenance: Origin of each value of the configuration.
        is_fallback: Whether DRY_RUN fell back to the built-in configuration.
        results: Figures of the result, by name.
        replay_of: Id of the run that this one repeats.
    """

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = 1
    run_id: str
    trace_id: str
    mode: TradingMode | None
    state: Literal["running", "ended"]
    started_at: datetime
    ended_at: datetime | None = None
    exit_code: int | None = None
    verdict: str | None = None
    command: tuple[str, ...] = ()
    config_uri: str | None = None
    config_id: str | None = None
    config: dict[str, JsonValue] = Field(default_factory=dict)
    provenance: dict[str, str] = Field(default_factory=dict)
    run_parameters: dict[str, JsonValue] = Field(default_factory=dict)
    is_fallback: bool = False
    data: dict[str, JsonValue] = Field(default_factory=dict)
    digests: dict[str, str] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    engine: dict[str, JsonValue] = Field(default_factory=dict)
    notices: list[str] = Field(default_factory=list)
    results: dict[str, JsonValue] = Field(default_factory=dict)
    artifacts: list[str] = Field(default_factory=list)
    replay_of: str | None = None

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the manifest of the run in `folder`.

        Raises:
            NotFoundError: The folder has no manifest.
            StorageError: It cannot be read as a manifest.
        """
        path = folder / MANIFEST_NAME
        try:
            return cls.model_validate_json(read_regular_file(path, FileKind.MANIFEST))
        except FileNotFoundError as exc:
            raise NotFoundError(
                f"no run at {folder}: `tradai-entrypoint runs list` lists the runs",
                kind="run",
                key=str(folder),
            ) from exc
        except (OSError, ValidationError) as exc:
            raise StorageError(
                f"the manifest {path} cannot be read: {type(exc).__name__}", operation="read"
            ) from exc

    def begin(self) -> None:
        """Record that the run goes on, also for a record that was used for a run before."""
        self.state = "running"
        self.ended_at = self.exit_code = self.verdict = None

    def end(self, verdict: Verdict, *, at: datetime) -> None:
        """Record that the run ended with `verdict`."""
        self.state = "ended"
        self.ended_at = at
        self.exit_code = int(verdict.exit_code)
        self.verdict = verdict.sentence
