"""Load a strategy configuration from layers, with the origin of each value."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, final

import pydantic
from pydantic_core import ErrorDetails

from tradai.core._documents.canonical import digest, version_id
from tradai.core._documents.json_values import FrozenMapping, JsonValue, freeze_object
from tradai.core._documents.tree import Replacement, defines_path, leaves, not_finite
from tradai.core._layers.document_layer import document_layers, pinned_uri
from tradai.core._layers.environment_layer import EnvironmentLayer
from tradai.core._layers.layer import ConfigLayer, LayerData, Origin
from tradai.core._layers.merge import LayerStack
from tradai.core._layers.overrides import OverridesLayer
from tradai.core._layers.problems import Problem, configuration_error, problems_of
from tradai.core._layers.suggestions import did_you_mean
from tradai.core._local.file_uri import file_path, is_file_uri
from tradai.core._strategy.config import (
    LEAK,
    NO_TABLE,
    TAKE_OUT,
    StrategyConfig,
    names_space,
)
from tradai.core._strategy.execution import Execution
from tradai.core.exceptions import ConfigurationError, TradAIError

_GROUP: Final = "tradai.config_layers"
_RUN: Final = "run"
_STRATEGY: Final = "strategy"
_OWN_KEY: Final = "; a key that the strategy reads has its place at strategy.config"
_OF_EXECUTION: Final = Execution.model_fields.keys()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfig:
    """A configuration, its run block, and the origin of its values.

    Attributes:
        config: The configuration.
        run: The ``run:`` block as it was written; not part of the configuration's digest.
        provenance: Dotted leaf -> where its value was written.
        shadowed: Dotted leaf -> where lower layers wrote it without effect, lowest first.
        warnings: A sentence for each top-level key that the schema does not know.
        folder: Folder of the first YAML file, which relative paths in it are relative to; None
            when it is not on this disk.
        source_root: Folder on this disk with the source of the strategy, when the layer that names
            the source brought it along; else None.
        notices: Sentences about how layers were read, for the manifest of a run.
    """

    config: StrategyConfig
    run: Mapping[str, JsonValue]
    provenance: Mapping[str, Origin]
    shadowed: Mapping[str, tuple[Origin, ...]]
    warnings: tuple[str, ...]
    folder: Path | None
    source_root: Path | None = None
    notices: tuple[str, ...] = ()

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

    From the lowest: defaults, the file, patches, installed layers (entry points
    ``tradai.config_layers``, by name) and `layers`, environment variables, overrides. Mappings
    are merged key by key; anything else, lists included, is replaced. So are
    ``execution.minimal_roi`` and the value of a parameter, which are one value each; a variable or
    an override may still set a single step of them.
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
            uri: The YAML file, a path or a URI, or an entry of a registry (entry points
                ``tradai.configs``, by scheme); None for a configuration without one.
            patches: Files or entries laid over it, in order.
            overrides: Texts such as ``execution.stake_amount=50``, laid over everything.

        Raises:
            ConfigurationError: The layers cannot be used. Everything that is wrong is listed with
                its place; values are never quoted.
            NotFoundError: A file does not exist.
            StorageError: A file cannot be read.
        """
        files = [str(file) for file in (uri, *patches) if file is not None]
        documents = (*document_layers(uri, patches), *_installed_layers(), *self._layers)
        entries = (EnvironmentLayer(self._environ), OverridesLayer(overrides))
        loaded = [_with_whole_values(layer.load()) for layer in documents]
        loaded += [layer.load() for layer in entries]
        top = files[0] if files else "configuration"
        stack = LayerStack([_with_class_key(layer) for layer in loaded], top=top)
        return replace(
            _build(stack, _folder_of(files[0]) if files else None),
            source_root=_source_root(loaded),
            notices=tuple(notice for layer in loaded for notice in layer.notices),
        )

    @staticmethod
    def pinned(uri: str) -> str:
        """Return a URI that goes on meaning the entry of a registry that `uri` means now.

        A file, and an entry of a registry without moving names, keep their URI.

        Raises:
            TradAIError: The registry cannot say it.
        """
        return pinned_uri(uri)

    def load_run(
        self,
        uri: str | Path | None = None,
        *,
        patches: Sequence[str | Path] = (),
        overrides: Sequence[str] = (),
    ) -> Mapping[str, JsonValue]:
        """Return the ``run:`` block alone, from every layer that can be read.

        It is for a run that goes on without its configuration: a file that is missing or broken is
        left out. The arguments are those of `load_config`.

        Raises:
            ConfigurationError: A variable or an override is not usable, or the block is not one.
        """
        files = document_layers(uri, patches)
        loaded: list[LayerData] = []
        for layer in (*files, *self._layers):
            with suppress(TradAIError):
                loaded.append(layer.load())
        loaded += [EnvironmentLayer(self._environ).load(), OverridesLayer(overrides).load()]
        stack = LayerStack(loaded, top=_RUN)
        run = {} if stack.values.get(_RUN) is None else stack.values[_RUN]
        problems = [*_run_problems(run, stack)]
        if problems or not isinstance(run, Mapping):
            raise configuration_error(problems)
        return freeze_object(run)


def _build(stack: LayerStack, folder: Path | None) -> LoadedConfig:
    run = {} if stack.values.get(_RUN) is None else stack.values[_RUN]
    values = {key: value for key, value in stack.values.items() if key != _RUN}
    problems = [
        *_secret_problems(stack),
        *_run_problems(run, stack),
        *_table_problems(values, stack),
        *_misplaced_keys(values, stack),
    ]
    config, errors = _validate(values)
    problems += problems_of(errors, values, model=StrategyConfig, place_of=stack.place_of)
    if problems or config is None or not isinstance(run, Mapping):
        raise configuration_error([*problems, *_unknown_keys(values, stack)])
    return LoadedConfig(
        config=config,
        run=freeze_object(run),
        provenance=FrozenMapping(stack.provenance(leaves(config.canonical()))),
        shadowed=FrozenMapping(stack.shadowed()),
        warnings=tuple(str(problem) for problem in _unknown_keys(values, stack)),
        folder=folder,
    )


def _secret_problems(stack: LayerStack) -> Iterator[Problem]:
    for path, place in stack.secrets():
        yield Problem(place=place, path=path, sentence=f"looks like a secret; {TAKE_OUT}")


def _run_problems(run: JsonValue, stack: LayerStack) -> Iterator[Problem]:
    if not isinstance(run, Mapping):
        place = stack.place_of((_RUN,))
        yield Problem(place=place, path=(_RUN,), sentence="must be a mapping of parameters")
    for below in not_finite(run):
        path = (_RUN, *below)
        yield Problem(place=stack.place_of(path), path=path, sentence="must be a finite number")


def _table_problems(values: Mapping[str, JsonValue], stack: LayerStack) -> Iterator[Problem]:
    for key in sorted(values.keys() - StrategyConfig.model_fields.keys()):
        if names_space(key) and not isinstance(values[key], Mapping | None):
            yield Problem(place=stack.place_of((key,)), path=(key,), sentence="must be a mapping")


def _misplaced_keys(values: Mapping[str, JsonValue], stack: LayerStack) -> Iterator[Problem]:
    for key in sorted(values.keys() & _OF_EXECUTION):
        sentence = f"has its place at execution.{key}; write it there"
        yield Problem(place=stack.place_of((key,)), path=(key,), sentence=sentence)


def _unknown_keys(values: Mapping[str, JsonValue], stack: LayerStack) -> Iterator[Problem]:
    known = [*StrategyConfig.model_fields, _RUN]
    unknown = values.keys() - StrategyConfig.model_fields.keys() - _OF_EXECUTION
    for key in sorted(key for key in unknown if not names_space(key)):
        kept = "" if values[key] is None else ", kept as an extra"
        hint = did_you_mean(key, known) or (_OWN_KEY if kept else "")
        sentence = f"is not a key we know{kept}{hint}"
        yield Problem(place=stack.place_of((key,)), path=(key,), sentence=sentence)


def _validate(
    values: Mapping[str, JsonValue],
) -> tuple[StrategyConfig | None, list[ErrorDetails]]:
    """Return the configuration or its errors; never raise, as a raised error holds values.

    Secrets and tables are left to the stack, which knows the places of all of them.
    """
    try:
        return StrategyConfig.model_validate(values), []
    except pydantic.ValidationError as exc:
        errors = exc.errors(include_url=False)
        return None, [error for error in errors if error["type"] not in (LEAK, NO_TABLE)]


def _with_class_key(layer: LayerData) -> LayerData:
    """Return `layer` with the name of the strategy's class under its one key, ``class``."""
    block = layer.values.get(_STRATEGY)
    if not isinstance(block, Mapping) or "class_name" not in block or "class" in block:
        return layer
    renamed = {"class" if key == "class_name" else key: value for key, value in block.items()}
    origin = layer.origin_of((_STRATEGY, "class_name"))
    return replace(
        layer,
        values={**layer.values, _STRATEGY: renamed},
        origins={**layer.origins, f"{_STRATEGY}.class": origin},
    )


def _with_whole_values(layer: LayerData) -> LayerData:
    """Return `layer` with the mappings marked that replace those of lower layers."""
    values = {
        key: _mark_whole(key, block) if isinstance(block, Mapping) else block
        for key, block in layer.values.items()
    }
    return replace(layer, values=values)


def _mark_whole(key: str, block: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {
        name: Replacement(value)
        if _is_one_value(key, name) and isinstance(value, Mapping)
        else value
        for name, value in block.items()
    }


def _is_one_value(key: str, name: str) -> bool:
    return names_space(key) or (key, name) == ("execution", "minimal_roi")


def _installed_layers() -> Iterator[ConfigLayer]:
    for point in sorted(entry_points(group=_GROUP), key=lambda point: point.name):
        try:
            make = point.load()
        except (ImportError, AttributeError) as exc:
            message = f"the configuration layer {point.value} cannot be loaded: {exc}; reinstall it"
            raise ConfigurationError(message, key=point.name, source=_GROUP) from exc
        yield make()


def _source_root(layers: Sequence[LayerData]) -> Path | None:
    """Return the folder that the layer brought along whose ``strategy.source`` counts."""
    path = (_STRATEGY, "source")
    roots = [layer.source_root for layer in layers if defines_path(layer.values, path)]
    return roots[-1] if roots else None


def _folder_of(uri: str) -> Path | None:
    return file_path(uri).absolute().parent if is_file_uri(uri) else None
