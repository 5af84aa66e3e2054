"""The record of a run: grows while it runs, and is its manifest on disk."""

from datetime import datetime
from pathlib import Path
from typing import Literal, Self, final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tradai.core import JsonValue, TradingMode
from tradai.core.exceptions import NotFoundError, StorageError
from tradai.entrypoint._process.exit_codes import Verdict

__all__ = ["MANIFEST_NAME", "RunManifest"]

MANIFEST_NAME = "manifest.json"


@final
class RunManifest(BaseModel):
    """The facts of one run, as they are gathered and as ``manifest.json`` keeps them.

    Written when a run starts and when it ends, also when it was refused.

    Attributes:
        state: ``running`` until the verdict is in; a manifest left so means the supervisor died.
        digests: SHA-256 by what they cover: ``config`` (who we are: configuration and strategy
            source), ``run`` (what we did), ``source``, ``data``, ``markets``, ``trades``.
        config: The strategy configuration in its canonical form, without secrets.
        provenance: Where each leaf of the configuration came from.
        is_fallback: Whether DRY_RUN fell back to the built-in configuration.
        results: Figures of the result, by name.
        replay_of: Run this one repeats.
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
            NotFoundError: There is none.
            StorageError: It cannot be read as a manifest.
        """
        path = folder / MANIFEST_NAME
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError as exc:
            raise NotFoundError(
                f"no run at {folder}: `tradai-entrypoint runs list` shows the runs there are",
                kind="run",
                key=str(folder),
            ) from exc
        except (OSError, ValidationError) as exc:
            raise StorageError(
                f"the manifest {path} cannot be read: {type(exc).__name__}", operation="read"
            ) from exc

    def ended(self, verdict: Verdict, *, at: datetime) -> Self:
        """Return the manifest of this run, ended with `verdict`; the facts are checked again."""
        end: dict[str, object] = {
            "state": "ended",
            "ended_at": at,
            "exit_code": int(verdict.exit_code),
            "verdict": verdict.sentence,
        }
        return type(self).model_validate(dict(self) | end)
