"""Check before a hyperopt that its search can be carried out, and its result carried over."""

import sys
from collections.abc import Collection, Iterator, Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Final

from tradai.core import did_you_mean
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._strategy.parameters import DeclaredParameter
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts

# The engine's spaces without a parameter of the strategy, and its names for several spaces.
_ENGINE_SPACES: Final = frozenset({"all", "default", "roi", "stoploss", "trades", "trailing"})
_NOT_IN_DEFAULT: Final = frozenset({"protection"})


def searches(spaces: Collection[str], space: str) -> bool:
    """Tell whether the search of `spaces`, as a user names them, includes `space`."""
    names = {space, "all"} if space in _NOT_IN_DEFAULT else {space, "all", "default"}
    return not names.isdisjoint(spaces)


def check_search(facts: SourceFacts, spaces: Collection[str]) -> None:
    """Check that the strategy has parameters to search in each of `spaces`, all of them portable.

    The engine ignores a space without parameters, and the values of some parameters cannot be
    written into a configuration.

    Raises:
        ConfigurationError: It has not; the error names the space or the parameter.
    """
    known = {parameter.space for parameter in facts.declared.values()}
    if facts.is_resolved and not facts.opaque and None not in known:
        for space in spaces:
            if space not in known | _ENGINE_SPACES:
                raise _no_parameters(space, {name for name in known if name}, facts)
    for name, parameter in facts.declared.items():
        is_named = parameter.space is None or searches(spaces, parameter.space)
        if is_named and parameter.is_searched and (problem := _obstacle(parameter)):
            raise ConfigurationError(
                f"{name} of {facts.class_name} cannot be searched, since the best epoch could not "
                f"be repeated: {problem}",
                key="run.spaces",
            )


def check_helpers(facts: SourceFacts) -> None:
    """Check that worker processes import the modules beside the strategy, and no others.

    They look there last, after the modules that are installed.

    Raises:
        ConfigurationError: A module beside the strategy has the name of another one.
    """
    for name in sorted(_helper_names(facts)):
        if name in sys.stdlib_module_names or _is_installed(name, facts):
            raise ConfigurationError(
                f"run.jobs is above 1, and the worker processes would not import {name} of "
                f"{facts.root} but the installed module of that name: rename it, or set run.jobs "
                "to 1",
                key="run.jobs",
            )


def _no_parameters(space: str, known: set[str], facts: SourceFacts) -> ConfigurationError:
    hint = did_you_mean(space, known) or (
        f": set run.spaces=[{', '.join(sorted(known))}]" if known else "; it has none at all"
    )
    return ConfigurationError(
        f"run.spaces names {space!r}, but {facts.class_name} has no parameter of that space{hint}",
        key="run.spaces",
    )


def _obstacle(parameter: DeclaredParameter) -> str | None:
    """Return why a configuration cannot give a value to `parameter`; None when it can."""
    if not parameter.is_loaded:
        return "it is declared with load=False, so the engine takes no value from outside"
    lost = [option for option in parameter.options or () if not _is_json(option)]
    if lost:
        return (
            f"its option {lost[0]!r} is a {type(lost[0]).__name__}, which no configuration can "
            "hold; use numbers, texts, lists or mappings"
        )
    return None


def _is_json(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    return value is None or isinstance(value, bool | int | float | str)


def _helper_names(facts: SourceFacts) -> Iterator[str]:
    # Data beside the strategy is imported by none.
    python = (file for file in facts.files if file.suffix == ".py")
    files = (file for file in python if facts.root / file != facts.file)
    return (file.parts[0].removesuffix(".py") for file in files)


def _is_installed(name: str, facts: SourceFacts) -> bool:
    left_out = {facts.root, Path.cwd()}
    paths = [entry for entry in sys.path if entry and Path(entry).resolve() not in left_out]
    spec = PathFinder.find_spec(name, paths)
    # A folder without code has no loader, and does not come before a module further down the path.
    return spec is not None and spec.loader is not None
