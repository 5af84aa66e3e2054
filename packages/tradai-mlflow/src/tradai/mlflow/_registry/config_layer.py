"""A version of a registry as a layer of strategy configuration: ``mlflow:trend@champion``."""

from typing import Self, final

from tradai.core import LayerData, Origin
from tradai.mlflow._registry.registry import ModelRegistry
from tradai.mlflow._registry.resolution import ResolvedModel, age_text
from tradai.mlflow._registry.selector import SCHEME, VersionSelector


@final
class RegistryLayer:
    """The configuration of a model version, with the source of its strategy.

    It is whole, so as a patch it replaces every value of the files below it.

    Attributes:
        name: Name of the layer in messages.
        selector: The choice of the version.
    """

    def __init__(self, selector: VersionSelector, *, registry: ModelRegistry | None = None) -> None:
        """Read what `selector` means at the time of `load`.

        Args:
            selector: The choice.
            registry: Registry to ask; by default the one that the environment names.
        """
        self.name = f"{SCHEME}{selector}"
        self.selector = selector
        self._registry = registry

    @classmethod
    def for_uri(cls, uri: str) -> Self:
        """Return the layer for a URI such as ``mlflow:trend@champion``.

        Raises:
            ValidationError: It does not choose a version.
        """
        return cls(VersionSelector.parse(uri))

    def pinned(self) -> str:
        """Return the URI of the version that the choice means now.

        Raises:
            TradAIError: It cannot be resolved; see `ModelRegistry.resolve`.
        """
        resolved = (self._registry or ModelRegistry()).resolve(self.selector)
        chosen = VersionSelector(name=self.selector.name, version=resolved.version)
        return f"{SCHEME}{chosen}"

    def load(self) -> LayerData:
        """Resolve the version.

        Raises:
            TradAIError: It cannot be resolved; see `ModelRegistry.resolve`.
        """
        registry = self._registry or ModelRegistry()
        resolved = registry.resolve(self.selector)
        values = resolved.config.canonical()
        origin = Origin(source=f"{self.name} version {resolved.version}")
        return LayerData(
            values=values,
            origins=dict.fromkeys(values, origin),
            source_root=resolved.strategy_folder,
            notices=(_notice(self.name, resolved),),
        )


def _notice(name: str, resolved: ResolvedModel) -> str:
    record = resolved.record
    notice = (
        f"{name} is version {resolved.version} on {resolved.server}: configuration "
        f"{record.config_id}, of run {record.run_id or 'unknown'}"
    )
    if resolved.stale is None:
        return notice
    return (
        f"{notice}; the server cannot be reached, and said so {age_text(resolved.stale)} ago, "
        f"which TRADAI_MODEL_MAX_STALE allows"
    )
