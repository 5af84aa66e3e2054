"""The configuration patch that sets everything an epoch of a hyperopt traded with."""

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from tradai.core import JsonValue, StrategyConfig, error_sentence
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._runs.parameters import RunParameters
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._runs.request import STRATEGY_COPY
from tradai.entrypoint.freqtrade._results.epochs import Epoch
from tradai.entrypoint.freqtrade._strategy.search import searches
from tradai.entrypoint.freqtrade._strategy.source import (
    SourceFacts,
    check_parameters,
    inspect_source,
)

_EXECUTION_SPACES: Final = ("stoploss", "trailing", "max_open_trades")


def recorded_patch(epoch: Epoch, folder: Path) -> str:
    """Return the patch of any epoch of the hyperopt in `folder`, written as that of the best one.

    Raises:
        ConfigurationError: No configuration can hold the parameters of the epoch, or the run
            recorded no strategy.
        NotFoundError: The folder has no manifest.
        StorageError: A file of the run cannot be read.
    """
    manifest = RunManifest.read(folder)
    config = StrategyConfig.model_validate(manifest.config)
    if config.strategy is None:
        message = f"run {manifest.run_id!r} recorded no strategy, so it can have no patch"
        raise ConfigurationError(message, key="strategy", source=str(folder))
    facts = inspect_source(folder / STRATEGY_COPY, config.strategy.class_name)
    spaces = RunParameters.model_validate(manifest.run_parameters).spaces
    patch = config_patch(epoch.details, epoch.exact, spaces=spaces, facts=facts)
    check_patch(patch, config, facts)
    return patch_text(patch)


def config_patch(
    details: Mapping[str, Any],
    exact: Mapping[str, Any],
    *,
    spaces: Collection[str],
    facts: SourceFacts,
) -> dict[str, dict[str, JsonValue]]:
    """Return the patch that sets the parameters of an epoch, and what its search switched on.

    Args:
        details: Values by space, as the engine writes them: floats are rounded to 13 places.
        exact: Values by parameter as the engine used them.
        spaces: The spaces that were searched, as the user named them.
        facts: Facts about the strategy.
    """
    patch: dict[str, dict[str, JsonValue]] = {}
    execution: dict[str, JsonValue] = {}
    for space, values in details.items():
        if space in _EXECUTION_SPACES:
            execution |= values
        elif space == "roi":
            execution["minimal_roi"] = {str(minute): gain for minute, gain in values.items()}
        elif values:
            patch[f"{space}_params"] = _as_used(values, exact, facts)
    # Both as the engine does, whatever the configuration and the strategy say.
    if searches(spaces, "sell"):
        execution["use_exit_signal"] = True
    if searches(spaces, "protection"):
        patch["parameters"] = {"enable_protections": True}
    return patch | ({"execution": execution} if execution else {})


def patch_text(patch: Mapping[str, Mapping[str, JsonValue]]) -> str:
    """Return `patch` as YAML, with a line for each value, in JSON: every reader takes it alike."""
    return "".join(line for key, block in patch.items() for line in (f"{key}:\n", *_lines(block)))


def check_patch(
    patch: Mapping[str, Mapping[str, JsonValue]], config: StrategyConfig, facts: SourceFacts
) -> None:
    """Check that `patch`, laid over `config`, makes a configuration that the strategy takes.

    Raises:
        ConfigurationError: It does not; the error names the value.
    """
    recorded: dict[str, Any] = config.canonical()
    merged = {key: {**recorded.get(key, {}), **block} for key, block in patch.items()}
    try:
        patched = StrategyConfig.model_validate({**recorded, **merged})
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise ConfigurationError(f"{key} {error_sentence(first)}", key=key) from exc
    check_parameters(facts, patched.params_by_space)


def _as_used(
    values: Mapping[str, Any], exact: Mapping[str, Any], facts: SourceFacts
) -> dict[str, JsonValue]:
    return {
        name: exact[name] if _is_real(name, value, facts) and name in exact else value
        for name, value in values.items()
    }


def _is_real(name: str, value: object, facts: SourceFacts) -> bool:
    """Tell whether the rounded `value` of `name` is not the one that was used."""
    declared = facts.declared.get(name)
    # The engine itself rounds a decimal parameter, whatever it is given.
    is_decimal = declared is not None and declared.kind == "DecimalParameter"
    return isinstance(value, float) and not is_decimal


def _lines(block: Mapping[str, JsonValue]) -> Iterator[str]:
    for name, value in block.items():
        yield f"  {name}: {json.dumps(value)}\n"
