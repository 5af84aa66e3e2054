"""The run that proves a version: its folder, read and checked before anything is sent."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self, final

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from tradai.core import (
    FileKind,
    JsonValue,
    StrategyConfig,
    error_sentence,
    file_errors,
    files_digest,
    read_regular_file,
)
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.mlflow._registry.cache import sha256_of
from tradai.mlflow._registry.record import MODELS, STRATEGY, ModelFile, ModelKind

MANIFEST: Final = "manifest.json"
REPORT: Final = "report.html"
# The digest of the strategy's files.
_SOURCE: Final = "source"
# The fact that says when the last candle closed of the pair whose candles end first, and its form.
# The range that was asked for may end later than the candles, and those of other pairs too.
_TRADED_UNTIL: Final = "traded_until"
_MINUTE: Final = "%Y-%m-%d %H:%M UTC"


class _Manifest(BaseModel):
    """The facts of a run's manifest that a registration needs."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    state: str
    exit_code: int | None = None
    is_fallback: bool = False
    config: StrategyConfig
    digests: Mapping[str, str] = Field(default_factory=dict)
    results: Mapping[str, JsonValue] = Field(default_factory=dict)
    data: Mapping[str, JsonValue] = Field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunProof:
    """A run that succeeded, with the files that it ran on or made.

    Attributes:
        folder: Folder of the run.
        run_id: Id of the run.
        config: Configuration of the run.
        digests: SHA-256 by what they cover, as the manifest has them.
        metrics: Figures of its result.
        data_until: End of the candles of the traded pair whose candles end first; None when its
            manifest does not say.
    """

    folder: Path
    run_id: str
    config: StrategyConfig
    digests: Mapping[str, str]
    metrics: Mapping[str, float]
    data_until: datetime | None

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the run in `folder`.

        Raises:
            NotFoundError: The folder has no run, or not the strategy that it ran.
            ValidationError: It did not succeed, or its manifest is not usable.
            StorageError: A file cannot be read.
        """
        manifest = _manifest(folder)
        if (manifest.state, manifest.exit_code) != ("ended", 0) or manifest.is_fallback:
            expected = "a run that ended with exit code 0, on its own configuration"
            message = f"run {manifest.run_id} proves nothing: expected {expected}"
            raise ValidationError(message, field="run", expected=expected)
        if not (folder / STRATEGY).is_dir():
            message = f"the run in {folder} has no copy of its strategy: register another run"
            raise NotFoundError(message, kind="folder", key=str(folder / STRATEGY))
        return cls(
            folder=folder,
            run_id=manifest.run_id,
            config=manifest.config,
            digests=manifest.digests,
            metrics=dict(_figures(manifest.results)),
            data_until=_instant(manifest.data.get(_TRADED_UNTIL)),
        )

    @property
    def kind(self) -> ModelKind:
        """Kind of the model that the run proves."""
        return ModelKind.FREQAI if (self.folder / MODELS).is_dir() else ModelKind.STRATEGY

    def files(self) -> tuple[ModelFile, ...]:
        """Return the files of the version, by path relative to the folder of the run.

        Raises:
            ValidationError: The name of a file cannot be stored, or the copy of the strategy is
                not the source that ran.
            StorageError: A file cannot be read.
        """
        files = tuple(sorted(self._files(), key=lambda file: file.path))
        # Last, so that a file that is changed from here on has not the digest above.
        self._check_strategy()
        return files

    def _check_strategy(self) -> None:
        folder = self.folder / STRATEGY
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        contents = ((path.relative_to(folder).as_posix(), path.read_bytes()) for path in paths)
        with file_errors("read", folder):
            found = files_digest(contents)
        if found != self.digests.get(_SOURCE):
            message = (
                f"the files in {folder} are not the source of run {self.run_id}: one was changed, "
                "added or removed since; register another run"
            )
            expected = "the files that the run copied there"
            raise ValidationError(message, field="run", expected=expected)

    def _files(self) -> Iterator[ModelFile]:
        for name in (STRATEGY, MODELS):
            for path in (self.folder / name).rglob("*"):
                if path.is_file():
                    yield _model_file(path, path.relative_to(self.folder).as_posix())


def _manifest(folder: Path) -> _Manifest:
    path = folder / MANIFEST
    with file_errors("read", path):
        data = read_regular_file(path, FileKind.MANIFEST)
    try:
        return _Manifest.model_validate_json(data)
    except pydantic.ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        problem = f"{'.'.join(map(str, first['loc']))} {error_sentence(first)}"
    raise ValidationError(f"the manifest {path} is not usable: {problem}", field="run")


def _model_file(path: Path, name: str) -> ModelFile:
    try:
        return ModelFile(path=name, sha256=sha256_of(path), size=path.stat().st_size)
    except pydantic.ValidationError:
        expected = "a name without backslashes, % and #, of printable characters"
        message = f"the file {path} cannot be registered: expected {expected}"
        raise ValidationError(message, field="path", expected=expected) from None


def _figures(results: Mapping[str, JsonValue]) -> Iterator[tuple[str, float]]:
    for name, value in results.items():
        if isinstance(value, int | float) and math.isfinite(value):
            yield name, float(value)


def _instant(text: JsonValue) -> datetime | None:
    try:
        return datetime.strptime(str(text), _MINUTE).replace(tzinfo=UTC)
    except ValueError:
        return None
