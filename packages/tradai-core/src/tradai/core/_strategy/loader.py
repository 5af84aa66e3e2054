"""From layers to one frozen configuration that can say where each of its values came from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, final

import pydantic
from pydantic_core import ErrorDetails

from tradai.core._documents.canonical import digest, version_id
from tradai.core._documents.json_values import FrozenMapping, JsonValue, freeze_object
from tradai.core._documents.tree import not_finite
from tradai.core._layers.layer import (
    ConfigLayer,
    EnvironmentLayer,
    Origin,
    OverridesLayer,
    YamlLayer,
    names_file,
)
from tradai.core._local.file_uri import file_path
from tradai.core._strategy.config import LEAK, TAKE_OUT, StrategyConfig
from tradai.core._strategy.merge import ConfigStack
from tradai.core._strategy.problems import Problem, did_you_mean, problems_of, refusal
from tradai.core.exceptions import ConfigurationError

__all__ = ["LoadedConfig", "StrategyConfigLoader"]

_GROUP: Final = "tradai.config_layers"
_RUN: Final = "run"


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

    @property
    def id(self) -> str:
        """Short name of the digest, such as ``v1-0aac973a``."""
        return version_id(self.digest)


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
        top = files[0] if files else "configuration"
        stack = ConfigStack([layer.load() for layer in layers], top=top)
        return _loaded(stack, _folder_of(files[0]) if files else None)


def _loaded(stack: ConfigStack, folder: Path | None) -> LoadedConfig:
    run = {} if stack.values.get(_RUN) is None else stack.values[_RUN]
    values = {key: value for key, value in stack.values.items() if key != _RUN}
    problems = [*_secrets(stack), *_bad_run(run, stack)]
    config, found = _validated(values)
    problems += problems_of(found, values, place_of=stack.place_of)
    if problems or config is None or not isinstance(run, Mapping):
        raise refusal([*problems, *_strangers(values, stack)])
    return LoadedConfig(
        config=config,
        run=freeze_object(run),
        provenance=FrozenMapping(stack.provenance(config)),
        shadowed=FrozenMapping(dict(stack.shadowed())),
        warnings=tuple(str(stranger) for stranger in _strangers(values, stack)),
        folder=folder,
    )


def _secrets(stack: ConfigStack) -> Iterator[Problem]:
    for path, place in stack.secrets():
        yield Problem(place=place, path=path, sentence=f"looks like a secret; {TAKE_OUT}")


def _bad_run(run: JsonValue, stack: ConfigStack) -> Iterator[Problem]:
    if not isinstance(run, Mapping):
        place = stack.place_of((_RUN,))
        yield Problem(place=place, path=(_RUN,), sentence="must be a mapping of parameters")
    for below in not_finite(run):
        path = (_RUN, *below)
        yield Problem(place=stack.place_of(path), path=path, sentence="must be a finite number")


def _strangers(values: Mapping[str, JsonValue], stack: ConfigStack) -> Iterator[Problem]:
    for key in sorted(values.keys() - StrategyConfig.model_fields.keys()):
        kept = "" if values[key] is None else ", kept as an extra"
        sentence = f"is not a key we know{kept}{did_you_mean(key)}"
        yield Problem(place=stack.place_of((key,)), path=(key,), sentence=sentence)


def _validated(
    values: Mapping[str, JsonValue],
) -> tuple[StrategyConfig | None, list[ErrorDetails]]:
    """Return the configuration or what is wrong; never raise, as a raised error holds values.

    Secrets are left to the stack, which knows the places of all of them.
    """
    try:
        return StrategyConfig.model_validate(values), []
    except pydantic.ValidationError as exc:
        errors = exc.errors(include_url=False)
        return None, [error for error in errors if error["type"] != LEAK]


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
