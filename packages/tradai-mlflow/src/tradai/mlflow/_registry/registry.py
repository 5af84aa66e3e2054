"""`ModelRegistry`: the versions of models on one MLflow server.

A process that starts to trade only resolves: what the other methods need is imported by them.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, final

from tradai.core import SystemClock, Timeframe
from tradai.mlflow._client.client import MLflowClient
from tradai.mlflow._client.model_entities import ModelVersion
from tradai.mlflow._registry.resolution import ModelResolver, ResolvedModel, find_version
from tradai.mlflow._registry.selector import CHAMPION, VersionSelector, selector_error
from tradai.mlflow._registry.settings import ModelSettings
from tradai.mlflow._registry.version_tags import VersionContent, from_tags

if TYPE_CHECKING:
    from tradai.core import Clock, ConfigDiff, Lease
    from tradai.mlflow._registry._gates.policy import PromotionPolicy
    from tradai.mlflow._registry._gates.report import PromotionReport
    from tradai.mlflow._registry.promotion import AliasMove, AliasMover

_LATEST: Final = "latest"
# A promotion takes a few seconds; the lease of a killed one runs out in thirty.
_LONGEST_WAIT_S: Final = 60.0


@final
class ModelRegistry:
    """Registers, resolves, promotes and rolls back model versions.

    A model is a strategy, with trained FreqAI models where it has some. An alias, by default
    ``champion``, says which version may trade.
    """

    def __init__(
        self,
        client: MLflowClient | None = None,
        settings: ModelSettings | None = None,
        *,
        clock: "Clock | None" = None,
    ) -> None:
        """Work with one server; nothing is sent yet.

        Args:
            client: Client of the server; by default that of the environment.
            settings: Cache, deadlines and lease; by default those of the environment.
            clock: Source of timestamps; by default the system's.

        Raises:
            ConfigurationError: No server is configured, or a setting is not valid.
        """
        self._client = client or MLflowClient()
        self._settings = settings or ModelSettings()
        self._now = (clock or SystemClock()).now

    @property
    def server(self) -> str:
        """Address of the server."""
        return self._client.uri

    def register(
        self,
        name: str,
        run: Path,
        *,
        experiment: str | None = None,
        image: str | None = None,
        by: str = "",
    ) -> ModelVersion:
        """Register the run in the folder `run` as a new version of the model `name`.

        Args:
            name: Name of the model; it is created when there is none.
            run: Folder of a run that succeeded.
            experiment: Experiment of the run on the server; by default the strategy's name.
            image: Container image of the run, by its digest.
            by: Name of the person or job that registers it.

        Raises:
            NotFoundError: The folder has no run, or not the strategy that it ran.
            ValidationError: The run did not succeed, or a name, the image or the configuration
                cannot be registered.
            StorageError: A file cannot be read.
            CorruptArtifactError: A file was changed meanwhile; no version was made.
            MLflowError: The server refused, or gave no usable answer; no version was made.
        """
        from tradai.mlflow._registry.proof import RunProof
        from tradai.mlflow._registry.registration import Registration

        proof = RunProof.read(run)
        return Registration(self._client, now=self._now).register(
            name, proof, experiment=experiment or proof.config.name, image=image, by=by
        )

    def resolve(
        self,
        model: str | VersionSelector,
        *,
        alias: str | None = None,
        stage: str | None = None,
        version: int | Literal["latest"] | None = None,
        max_stale: Timeframe | None = None,
    ) -> ResolvedModel:
        """Return the chosen version, verified, with its files on this disk.

        The server is asked once, so that everything is of one version. Files that are here
        already are not fetched.

        Args:
            model: Name of the model, with one of `alias`, `stage` and `version`; or all in one,
                such as ``trend@champion``.
            alias: Alias of the version.
            stage: Stage whose newest version is meant.
            version: Number of the version, or ``"latest"``.
            max_stale: Longest age of an earlier answer that may be used while the server cannot be
                reached; by default ``TRADAI_MODEL_MAX_STALE``, and none when that is unset.

        Raises:
            ValidationError: No version is chosen, or several are.
            MLflowNotFoundError: The server does not have the model, version or alias.
            ModelIntegrityError: The version is damaged, or was not registered by tradai.
            CorruptArtifactError: A file is not the one that was registered.
            StaleModelError: The server cannot be reached, and no earlier answer may be used.
            StorageError: The disk refused.
            MLflowError: The server refused, or did not hand out a file in time.
        """
        selector = _selector(model, alias=alias, stage=stage, version=version)
        resolver = ModelResolver(self._client, self._settings, now=self._now)
        return resolver.resolve(selector, max_stale=max_stale or self._settings.max_stale)

    def report(
        self, name: str, version: int, *, policy: "PromotionPolicy", alias: str = CHAMPION
    ) -> "PromotionReport":
        """Judge a version by the gates of `policy`; nothing is moved.

        Raises:
            MLflowNotFoundError: The server does not have the model or the version.
            MLflowError: The server refused, or gave no usable answer.
        """
        return self._mover(None).report(name, version, alias=alias, policy=policy)

    def promote(
        self,
        name: str,
        version: int,
        *,
        policy: "PromotionPolicy",
        alias: str = CHAMPION,
        expect: int | Literal["any"] | None = "any",
        by: str = "",
    ) -> "AliasMove":
        """Point `alias` at `version` when every gate passes.

        Args:
            name: Name of the model.
            version: Number of the candidate.
            policy: The gates.
            alias: The alias.
            expect: Version that the alias must point at now, None for none; by default any.
            by: Name of the person or job that promotes it.

        Raises:
            PromotionRefusedError: A gate refuses; the message is the report.
            ConflictError: The alias points at another version than expected, or was moved at once
                by another promotion.
            LeaseHeldError: Other promotions of the model go on for a minute.
            MLflowNotFoundError: The server does not have the model or the version.
            MLflowError: The server refused, or gave no usable answer.
        """
        with self._holding(name) as lease:
            return self._mover(lease).promote(
                name, version, alias=alias, policy=policy, expect=expect, by=by
            )

    def rollback(self, name: str, *, alias: str = CHAMPION, by: str = "") -> "AliasMove":
        """Point `alias` at the version before the last promotion.

        It takes four calls under a lease, and without one a fifth, which reads the alias back.

        Raises:
            NotFoundError: The ledger has no such version.
            ConflictError: Without a lease, the alias was moved at once by another promotion.
            ModelIntegrityError: The ledger or that version is damaged; the alias is as it was.
            LeaseHeldError: Other promotions of the model go on for a minute.
            MLflowError: The server refused, or gave no usable answer.
        """
        with self._holding(name) as lease:
            return self._mover(lease).rollback(name, alias=alias, by=by)

    def content(self, model: str | VersionSelector) -> tuple[ModelVersion, VersionContent]:
        """Return a version and what its tags hold; no file is fetched.

        Raises:
            MLflowNotFoundError: The server does not have the model, version or alias.
            ModelIntegrityError: The version is damaged, or was not registered by tradai.
            MLflowError: The server refused, or gave no usable answer.
        """
        selector = _selector(model)
        found = find_version(self._client, selector)
        place = f"version {found.version} of model {found.name!r}"
        return found, from_tags(found.tags, place=place)

    def diff(self, first: str | VersionSelector, second: str | VersionSelector) -> "ConfigDiff":
        """Return the differences of the second configuration from the first.

        Raises:
            TradAIError: One of them cannot be read; see `content`.
        """
        from tradai.core import diff

        return diff(self.content(first)[1].config, self.content(second)[1].config)

    def _mover(self, lease: "Lease | None") -> "AliasMover":
        from tradai.mlflow._registry.promotion import AliasMover

        return AliasMover(self._client, now=self._now, lease=lease)

    @contextmanager
    def _holding(self, name: str) -> "Iterator[Lease | None]":
        """Hold the lease of the model's promotions inside the block, when one is configured."""
        lease = self._settings.lease_of(name)
        if lease is None:
            yield None
            return
        lease.acquire(wait_s=_LONGEST_WAIT_S)
        with ExitStack() as stack:
            stack.push(lease)
            yield lease


def _selector(
    model: str | VersionSelector,
    *,
    alias: str | None = None,
    stage: str | None = None,
    version: int | str | None = None,
) -> VersionSelector:
    if isinstance(model, VersionSelector):
        return model
    if alias is None and stage is None and version is None:
        return VersionSelector.parse(model)
    number = None if version == _LATEST else version
    if isinstance(number, str) or (version == _LATEST and (alias or stage)):
        raise selector_error(f"{model}@{alias or stage or version}")
    return VersionSelector(name=model, alias=alias, stage=stage, version=number)
