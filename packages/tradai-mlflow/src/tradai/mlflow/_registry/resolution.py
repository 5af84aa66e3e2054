"""Resolve a choice to one version: asked once, verified, kept, and found again without a server."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, final

from tradai.core import LoggerMixin, StrategyConfig, Timeframe
from tradai.core.exceptions import ValidationError
from tradai.mlflow._client.client import MLflowClient
from tradai.mlflow._client.model_entities import ModelStage, ModelVersion
from tradai.mlflow._http.errors import ServerUnavailableError
from tradai.mlflow._registry.cache import KnownVersion, ModelCache
from tradai.mlflow._registry.errors import ModelIntegrityError, StaleModelError
from tradai.mlflow._registry.record import MODELS, STRATEGY, ModelFile, ModelRecord
from tradai.mlflow._registry.selector import VersionSelector
from tradai.mlflow._registry.settings import ModelSettings
from tradai.mlflow._registry.version_tags import VersionContent, from_tags

_LEAST_DEADLINE_S: Final = 0.001


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedModel:
    """One version of a model, verified, with its files on this disk.

    Attributes:
        selector: The choice that was resolved.
        server: Address of the server.
        version: Number of the version.
        config: Its configuration.
        record: Its record.
        folder: Folder with its files, which are read-only.
        resolved_at: When the server was asked.
        stale: Age of the answer, when the server could not be reached; else None.
    """

    selector: VersionSelector
    server: str
    version: int
    config: StrategyConfig
    record: ModelRecord
    folder: Path
    resolved_at: datetime
    stale: timedelta | None = None

    @property
    def strategy_folder(self) -> Path:
        """Folder with the source of the strategy."""
        return self.folder / STRATEGY

    @property
    def models_folder(self) -> Path | None:
        """Folder with trained FreqAI models; None for a version without them."""
        folder = self.folder / MODELS
        return folder if folder.is_dir() else None


@final
class ModelResolver(LoggerMixin):
    """Resolves choices, each with one question to the server and one for each missing file."""

    def __init__(
        self,
        client: MLflowClient,
        settings: ModelSettings,
        *,
        now: Callable[[], datetime],
    ) -> None:
        """Ask `client`, and keep what it says as `settings` say."""
        super().__init__()
        self._client = client
        self._settings = settings
        self._cache = ModelCache(settings.cache_folder())
        self._now = now

    def resolve(self, selector: VersionSelector, *, max_stale: Timeframe | None) -> ResolvedModel:
        """Return the version that `selector` means now.

        Args:
            selector: The choice.
            max_stale: Longest age of an earlier answer that may be used while the server cannot be
                reached; None is none.

        Raises:
            MLflowNotFoundError: The server does not have the model, version or alias.
            ModelIntegrityError: The version is damaged, or was not registered by tradai.
            CorruptArtifactError: A file is not the one that was registered.
            StaleModelError: The server cannot be reached, and no earlier answer may be used.
            StorageError: The disk refused.
            MLflowError: The server refused, or did not hand out a file in time.
        """
        try:
            found = find_version(self._client, selector, deadline_s=self._settings.deadline_s)
        except ServerUnavailableError as exc:
            return self._last_known(selector, exc, max_stale)
        # The server has named a version: without its files, an older one may not take its place.
        return self._keep(selector, found)

    def _keep(self, selector: VersionSelector, found: ModelVersion) -> ResolvedModel:
        place = f"version {found.version} of model {found.name!r}"
        content = from_tags(found.tags, place=place)
        self._fetch(found, content.record.files)
        known = KnownVersion(
            server=self._client.uri,
            selector=str(selector),
            version=found.version,
            tags=found.tags,
            resolved_at=self._now(),
        )
        self._cache.remember(known)
        # The choice that was pinned to its version means the same.
        by_number = str(VersionSelector(name=selector.name, version=found.version))
        if by_number != known.selector:
            self._cache.remember(known.model_copy(update={"selector": by_number}))
        return self._resolved(selector, known, content)

    def _fetch(self, found: ModelVersion, files: tuple[ModelFile, ...]) -> None:
        """Lay out the files of a version; those that the cache does not have are downloaded.

        The files are read and compared twice at most, however many are missing.
        """
        end = time.monotonic() + self._settings.files_deadline_s
        missing = {file.sha256: file for file in self._cache.lay_out(files)}
        if not missing:
            return
        with TemporaryDirectory(prefix="tradai-model-") as folder:
            for file in missing.values():
                self._download(found, file, Path(folder, file.sha256), end=end)
        left_out = self._cache.lay_out(files)
        self._cache.prune(most_bytes=self._settings.cache_bytes)
        if left_out:
            message = f"the files of version {found.version} of {found.name!r} do not stay"
            raise ModelIntegrityError(
                f"{message} in the cache: check the disk of TRADAI_MODEL_CACHE"
            )

    def _download(self, found: ModelVersion, file: ModelFile, target: Path, *, end: float) -> None:
        """Fetch a file into the cache by way of `target`, before monotonic time `end`."""
        self._client.download_artifact(
            found,
            file.path,
            target,
            expected_sha256=file.sha256,
            deadline_s=max(end - time.monotonic(), _LEAST_DEADLINE_S),
        )
        self._cache.contents.add(target.read_bytes())
        target.unlink()

    def _last_known(
        self, selector: VersionSelector, error: ServerUnavailableError, max_stale: Timeframe | None
    ) -> ResolvedModel:
        known = self._cache.last_known(self._client.uri, str(selector))
        if known is None:
            message = f"{selector} cannot be resolved, and was not before on this machine: {error}"
            raise StaleModelError(message, age_s=None) from error
        age = self._now() - known.resolved_at
        self._check_age(selector, known, age, max_stale, error)
        content = from_tags(known.tags, place=f"version {known.version} of {selector.name!r}")
        if self._cache.lay_out(content.record.files):
            message = (
                f"{selector} cannot be resolved, and not all files of version {known.version} are "
                f"on this machine: {error}"
            )
            raise StaleModelError(message, age_s=age.total_seconds()) from error
        return self._resolved(selector, known, content, stale=age)

    def _check_age(
        self,
        selector: VersionSelector,
        known: KnownVersion,
        age: timedelta,
        max_stale: Timeframe | None,
        error: ServerUnavailableError,
    ) -> None:
        allowed_s = max_stale.seconds if max_stale else 0
        if timedelta(0) <= age <= timedelta(seconds=allowed_s):
            return
        allowed = f"an age of {max_stale}" if max_stale else "none"
        message = (
            f"{selector} cannot be resolved: {error}; it was version {known.version} "
            f"{age_text(age)} ago, and TRADAI_MODEL_MAX_STALE allows {allowed}"
        )
        raise StaleModelError(message, age_s=age.total_seconds()) from error

    def _resolved(
        self,
        selector: VersionSelector,
        known: KnownVersion,
        content: VersionContent,
        *,
        stale: timedelta | None = None,
    ) -> ResolvedModel:
        facts = {"model": str(selector), "model_version": known.version}
        if stale is None:
            self.logger.info("model resolved", extra=facts)
        else:
            self.logger.warning(
                "model server cannot be reached, so the last known version is used",
                extra={**facts, "age_s": round(stale.total_seconds())},
            )
        return ResolvedModel(
            selector=selector,
            server=known.server,
            version=known.version,
            config=content.config,
            record=content.record,
            folder=self._cache.folder_of(content.record.files),
            resolved_at=known.resolved_at,
            stale=stale,
        )


def find_version(
    client: MLflowClient, selector: VersionSelector, *, deadline_s: float | None = None
) -> ModelVersion:
    """Ask the server, once, for the version that `selector` means.

    Raises:
        MLflowNotFoundError: The server does not have the model, version or alias.
        MLflowError: The server refused, or gave no usable answer.
    """
    name = selector.name
    if selector.alias is not None:
        return client.model_version_by_alias(name, selector.alias, deadline_s=deadline_s)
    if selector.version is not None:
        return client.get_model_version(name, selector.version, deadline_s=deadline_s)
    stage = None if selector.stage is None else _stage(selector.stage)
    return client.latest_model_version(name, stage=stage, deadline_s=deadline_s)


def _stage(name: str) -> ModelStage:
    try:
        return ModelStage(name)
    except ValueError:
        expected = f"one of {', '.join(ModelStage)}"
        message = f"the stage {name!r} is not usable: expected {expected}"
        raise ValidationError(message, field="stage", expected=expected) from None


def age_text(age: timedelta) -> str:
    """Return an age for people, in its two largest units.

    >>> age_text(timedelta(days=1, hours=2, minutes=59))
    '1 d 2 h'
    """
    minutes = int(age.total_seconds()) // 60
    hours, days = minutes // 60, minutes // 1_440
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
