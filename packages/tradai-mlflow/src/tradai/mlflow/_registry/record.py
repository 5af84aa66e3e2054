"""The record of a model version: its files with digests, its inputs, and the run that proves it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, Literal, TypeAlias, final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from tradai.core import JsonValue, version_id
from tradai.mlflow._client.artifact_roots import checked_path

SCHEMA_VERSION: Final = 1
# Figures of the largest fall, in percent, with their meaning. Older runs and those of futures have
# the second one only.
DRAWDOWNS: Final = {
    "equity_drawdown_percent": "with open positions",
    "max_drawdown_percent": "of closed trades alone",
}
# Folders of a version, as in the folder of a run.
STRATEGY: Final = "strategy"
MODELS: Final = "models"

FilePath: TypeAlias = Annotated[str, AfterValidator(checked_path)]
Sha256: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Figure: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]


@final
class ModelKind(StrEnum):
    """Kind of a model: a strategy, or a strategy with trained FreqAI models."""

    STRATEGY = "strategy"
    FREQAI = "freqai"


@final
class ModelFile(BaseModel):
    """A file of a model version: its path, SHA-256 and size in bytes."""

    model_config = ConfigDict(frozen=True)

    path: FilePath
    sha256: Sha256
    size: Annotated[int, Field(ge=0)]


@final
class ModelRecord(BaseModel):
    """Facts about a version, kept in its tags.

    Attributes:
        kind: Kind of the model.
        config_digest: SHA-256 of the configuration.
        digests: SHA-256 of what the run read and made, by name: ``source``, ``data``, ``trades``.
        files: Files of the version, sorted by path.
        metrics: Figures of the run, by name.
        run_id: Id of the run that proves the version; None when none was named.
        data_until: End of the candles of that run, of the traded pair whose candles end first.
        image: Digest of the container image that runs it, ``sha256:`` and 64 digits.
        registered_at: Instant of the registration.
        registered_by: Name of the person or job that registered it.

    Facts of a later minor version are ignored; a later schema is refused.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = SCHEMA_VERSION
    kind: ModelKind = ModelKind.STRATEGY
    config_digest: Sha256
    digests: Mapping[str, str] = Field(default_factory=dict)
    files: tuple[ModelFile, ...] = ()
    metrics: Mapping[str, Figure] = Field(default_factory=dict)
    run_id: str | None = None
    data_until: AwareDatetime | None = None
    image: Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")] | None = None
    registered_at: AwareDatetime
    registered_by: str = ""

    @property
    def drawdown(self) -> tuple[str, float] | None:
        """The largest fall with its name: with open positions, else of closed trades alone."""
        known = ((name, self.metrics[name]) for name in DRAWDOWNS if name in self.metrics)
        return next(known, None)

    @property
    def config_id(self) -> str:
        """Short name of the configuration, as the run shows it."""
        return version_id(self.digests.get("config", self.config_digest))

    def canonical(self) -> dict[str, JsonValue]:
        """Return the record as plain JSON."""
        return self.model_dump(mode="json", exclude_none=True)
