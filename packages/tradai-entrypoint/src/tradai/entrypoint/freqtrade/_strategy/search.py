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

# The engine's spaces without a parameter of the strategy, by its names for several spaces.
_WITHOUT_PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "all": ("roi", "stoploss", "trades", "trailing"),
    "default": ("roi", "stoploss"),
}
_NOT_IN_DEFAULT: Final = frozenset({"protection"})
# Of these names, the engine searches these spaces whatever the strategy declares.
_ALWAYS_SEARCHED: Final = ("buy", "sell", "protection")


def searches(spaces: Collection[str], space: str) -> bool:
    """Tell whether the search of `spaces`, as a user names them, includes `space`."""
    names = {space, "all"} if space in _NOT_IN_DEFAULT else {space, "all", "default"}
    return not names.isdisjoint(spaces)


def check_search(facts: SourceFacts, spaces: Collection[str]) -> None:
    """Check that the strategy has parameters to search in each of `spaces`, all of them portable.

    The engine ignores a space without parameters, or fails on it at once, and the values of some
    parameters cannot be written into a configuration.

    Raises:
        ConfigurationError: It has not; the error names the space or the parameter.
    """
    known = {parameter.space for parameter in facts.declared.values()}
    if facts.is_resolved and not facts.opaque and None not in known:
        _check_spaces(facts, spaces)
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


def _check_spaces(facts: SourceFacts, spaces: Collection[str]) -> None:
    declared = {each.space or "" for each in facts.declared.values()}
    searched = {each.space or "" for each in facts.declared.values() if each.is_searched}
    for name in spaces:
        if name in _WITHOUT_PARAMETERS:
            _check_several(name, declared, searched, facts)
        elif name not in searched and name not in _WITHOUT_PARAMETERS["all"]:
            hint = did_you_mean(name, searched) or (_instead(searched) or "; it has none at all")
            message = (
                f"run.spaces names {name!r}, but {facts.class_name} has no parameter of that "
                f"space to search{hint}"
            )
            raise ConfigurationError(message, key="run.spaces")


def _check_several(name: str, declared: set[str], searched: set[str], facts: SourceFacts) -> None:
    """Check that each space that the engine takes for `name` has something to search."""
    engines = _WITHOUT_PARAMETERS[name]
    asked = (each for each in (*_ALWAYS_SEARCHED, *sorted(declared)) if searches({name}, each))
    lacking = [
        each for each in asked if each not in searched and each not in _WITHOUT_PARAMETERS["all"]
    ]
    if lacking:
        possible = {each for each in searched if searches({name}, each)}
        message = (
            f"run.spaces names {name!r}, which includes {lacking[0]!r}, and {facts.class_name} has "
            f"no parameter of that space to search{_instead(possible, *engines)}"
        )
        raise ConfigurationError(message, key="run.spaces")


def _instead(searched: Collection[str], *engines: str) -> str:
    names = [*sorted(searched), *engines]
    # Without spaces it is one word of a shell.
    return f": set run.spaces=[{','.join(names)}]" if names else ""


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
