"""From layers to one frozen configuration that can say where each of its values came from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, final

import pydantic
from pydantic_core import ErrorDetails

from tradai.core._config_layers import (
    ConfigLayer,
    EnvironmentLayer,
    LayerData,
    Origin,
    OverridesLayer,
    YamlLayer,
    names_file,
)
from tradai.core._config_problems import Problem, did_you_mean, problems_of, refusal
from tradai.core._config_values import Path as KeyPath
from tradai.core._config_values import dotted, leaves, merge, nodes, not_finite, settles
from tradai.core._digest import digest
from tradai.core._disk import file_path
from tradai.core._json import FrozenMapping, JsonValue, freeze_object
from tradai.core._secret_shapes import looks_like_secret
from tradai.core._strategy_config import StrategyConfig
from tradai.core.exceptions import ConfigurationError

__all__ = ["LoadedConfig", "StrategyConfigLoader"]

_GROUP: Final = "tradai.config_layers"
_RUN: Final = "run"
_DEFAULT: Final = Origin(source="default")
_TAKE_OUT: Final = (
    "looks like a secret; take it out, and name where it is kept instead, such as env:NAME"
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfig:
    """A configuration and what is known about it.

    Attributes:
        config: The configuration.
        run: The ``run:`` block as it was written; not part of the configuration's digest.
        provenance: Dotted leaf -> where its value was written.
        shadowed: Dotted leaf -> where lower layers wrote it in vain, lowest first.
        warnings: A sentence for each top-level key that the schema does not know.
        folder: Folder of the first YAML file, which relative paths in it are relative to; None
            when it is not on this disk.
    """

    config: StrategyConfig
    run: Mapping[str, JsonValue]
    provenance: Mapping[str, Origin]
    shadowed: Mapping[str, tuple[Origin, ...]]
    warnings: tuple[str, ...]
    folder: Path | None

    @property
    def digest(self) -> str:
        """SHA-256 of the configuration's canonical form, in hex."""
        return digest(self.config.canonical())


@final
class StrategyConfigLoader:
    """Loads strategy configuration from layers.

    From the lowest: defaults, the YAML file, patches, installed layers (entry points
    ``tradai.config_layers``, by name) and `layers`, environment variables, overrides. Mappings
    are merged key by key; anything else, lists included, is replaced.
    """

    def __init__(
        self, *, layers: Sequence[ConfigLayer] = (), environ: Mapping[str, str] | None = None
    ) -> None:
        """Add `layers`, and read `environ` instead of the environment of the process."""
        self._layers = tuple(layers)
        self._environ = environ

    def load_config(
        self,
        uri: str | Path | None = None,
        *,
        patches: Sequence[str | Path] = (),
        overrides: Sequence[str] = (),
    ) -> LoadedConfig:
        """Return the valid configuration, frozen.

        Args:
            uri: The YAML file, a path or a URI; None for a configuration without one.
            patches: YAML files laid over it, in order.
            overrides: Texts such as ``execution.stake_amount=50``, laid over everything.

        Raises:
            ConfigurationError: The layers cannot be used. Everything that is wrong is listed with
                its place; values are never quoted.
            NotFoundError: A file does not exist.
            StorageError: A file cannot be read.
        """
        files = [str(one) for one in (uri, *patches) if one is not None]
        layers = (
            *(YamlLayer(file) for file in files),
            *_installed_layers(),
            *self._layers,
            EnvironmentLayer(self._environ),
            OverridesLayer(overrides),
        )
        folder = _folder_of(files[0]) if files else None
        return _Stack([layer.load() for layer in layers], top=files[:1]).loaded(folder)


@final
class _Stack:
    """The layers of one configuration, lowest first."""

    def __init__(self, layers: Sequence[LayerData], *, top: Sequence[str]) -> None:
        self._layers = layers
        self._top = top[0] if top else "configuration"
        self._values: Mapping[str, JsonValue] = {}
        for layer in layers:
            self._values = merge(self._values, layer.values)

    def loaded(self, folder: Path | None) -> LoadedConfig:
        run = {} if self._values.get(_RUN) is None else self._values[_RUN]
        values = {key: value for key, value in self._values.items() if key != _RUN}
        problems = [*self._secrets(), *self._bad_run(run)]
        config, found = _validated(values)
        problems += problems_of(found, values, place_of=self._place_of)
        if problems or config is None or not isinstance(run, Mapping):
            raise refusal([*problems, *self._strangers(values)])
        return LoadedConfig(
            config=config,
            run=freeze_object(run),
            provenance=FrozenMapping(self._provenance(config)),
            shadowed=FrozenMapping(dict(self._shadowed())),
            warnings=tuple(str(stranger) for stranger in self._strangers(values)),
            folder=folder,
        )

    def _secrets(self) -> Iterator[Problem]:
        for layer in self._layers:
            for path, value in nodes(layer.values):
                if looks_like_secret(path, value):
                    place = str(layer.origin_of(path))
                    yield Problem(place=place, path=path, sentence=_TAKE_OUT)

    def _bad_run(self, run: JsonValue) -> Iterator[Problem]:
        if not isinstance(run, Mapping):
            place = self._place_of((_RUN,))
            yield Problem(place=place, path=(_RUN,), sentence="must be a mapping of parameters")
        for below in not_finite(run):
            path = (_RUN, *below)
            yield Problem(place=self._place_of(path), path=path, sentence="must be a finite number")

    def _strangers(self, values: Mapping[str, JsonValue]) -> Iterator[Problem]:
        for key in sorted(values.keys() - StrategyConfig.model_fields.keys()):
            sentence = f"is not a key we know, kept as an extra{did_you_mean(key)}"
            yield Problem(place=self._place_of((key,)), path=(key,), sentence=sentence)

    def _place_of(self, path: KeyPath) -> str:
        """Name the place of `path`, or of the nearest thing around it that was written."""
        while path and not self._origins(path):
            path = path[:-1]
        return str(self._origins(path)[-1]) if path else self._top

    def _origins(self, path: KeyPath) -> list[Origin]:
        """Return where `path` was written, the place that counts last."""
        return [layer.origin_of(path) for layer in self._layers if settles(layer.values, path)]

    def _provenance(self, config: StrategyConfig) -> dict[str, Origin]:
        written = {dotted(path): self._origins(path)[-1] for path in leaves(self._values)}
        return {dotted(path): _DEFAULT for path in leaves(config.canonical())} | written

    def _shadowed(self) -> Iterator[tuple[str, tuple[Origin, ...]]]:
        for path in leaves(self._values):
            *lower, _ = self._origins(path)
            if lower:
                yield dotted(path), tuple(lower)


def _validated(
    values: Mapping[str, JsonValue],
) -> tuple[StrategyConfig | None, list[ErrorDetails]]:
    """Return the configuration or what is wrong; never raise, as a raised error holds values."""
    try:
        return StrategyConfig.model_validate(values), []
    except pydantic.ValidationError as exc:
        return None, exc.errors(include_url=False)


def _installed_layers() -> Iterator[ConfigLayer]:
    for point in sorted(entry_points(group=_GROUP), key=lambda one: one.name):
        try:
            make = point.load()
        except (ImportError, AttributeError) as exc:
            message = f"the configuration layer {point.value} cannot be loaded: {exc}; reinstall it"
            raise ConfigurationError(message, key=point.name, source=_GROUP) from exc
        yield make()


def _folder_of(uri: str) -> Path | None:
    return file_path(uri).absolute().parent if names_file(uri) else None
