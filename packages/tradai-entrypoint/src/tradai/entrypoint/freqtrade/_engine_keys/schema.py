"""Ask the installed engine's own schema about settings that have its names."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, Final, TypeAlias

from tradai.core import JsonValue, Origin, canonical_json, did_you_mean, digest
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.short_child import run_child
from tradai.entrypoint.freqtrade._engine.install import EngineInstall, engine_environment
from tradai.entrypoint.freqtrade._engine_keys.block import Problem, refuse

_Settings: TypeAlias = Mapping[str, Mapping[str, JsonValue]]

_TIMEOUT_S: Final = 60.0
# Answers by engine and settings: the variants of a sweep ask the same.
_answers: Final[dict[tuple[EngineInstall, str], tuple[Problem, ...]]] = {}
_lock: Final = Lock()


def check_schema(
    settings: _Settings,
    provenance: Mapping[str, Origin],
    *,
    engine: EngineInstall,
    environ: Mapping[str, str],
    interrupts: Interrupts,
) -> None:
    """Check `settings` against the schema of `engine`, which a child process of its Python reads.

    Args:
        settings: Settings by their names in the engine, by the block they are written in.
        provenance: Origin of each value, by its path.
        engine: The engine.
        environ: Environment from which the child's is made.
        interrupts: Signals that end the check.

    Raises:
        ConfigurationError: A key is unknown, or a value has the wrong type or range; or the engine
            gave no answer.
        RunInterruptedError: A signal came first.
    """
    key = (engine, digest(settings))
    with _lock:
        if key not in _answers:
            _answers[key] = tuple(_asked(settings, engine, environ, interrupts))
    refuse(iter(_answers[key]), provenance)


def _asked(
    settings: _Settings,
    engine: EngineInstall,
    environ: Mapping[str, str],
    interrupts: Interrupts,
) -> Iterator[Problem]:
    places = {name: place for place, block in settings.items() for name in block}
    given = {name: value for block in settings.values() for name, value in block.items()}
    with TemporaryDirectory(prefix="tradai-") as folder:
        ended = run_child(
            engine.module_command("tradai.entrypoint.freqtrade", "schema"),
            environ=engine_environment(environ, home=Path(folder), temporary=Path(folder)),
            stdin=canonical_json(given),
            interrupts=interrupts,
            timeout_s=_TIMEOUT_S,
        )
    if ended.return_code != 0:
        message = (
            f"the engine {engine.version} did not show its schema ({ended.last_words}): install it "
            f"again, or take out {' and '.join(_paths(settings))}"
        )
        raise ConfigurationError(message, key=next(iter(settings)))
    return (_problem(places[row["path"][0]], row) for row in json.loads(ended.output))


def _paths(settings: _Settings) -> Iterator[str]:
    for place, block in settings.items():
        yield from (f"{place}.{name}" for name in block)


def _problem(place: str, row: Mapping[str, Any]) -> Problem:
    path = ".".join([place, *row["path"]])
    if row["text"]:
        return path, f"is refused by the engine's schema: {row['text']}"
    names, name = row["names"], row["path"][-1]
    hint = did_you_mean(name, names) or f"; there are {', '.join(names)}"
    return path, f"is not a setting of the engine{hint}"
