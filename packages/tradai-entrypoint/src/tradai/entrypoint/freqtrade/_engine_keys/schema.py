"""Ask the installed engine's own schema about the block `engine`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, Final

from tradai.core import JsonValue, Origin, canonical_json, did_you_mean, digest
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.short_child import run_child
from tradai.entrypoint.freqtrade._engine.install import EngineInstall, engine_environment
from tradai.entrypoint.freqtrade._engine_keys.block import Problem, refuse

_TIMEOUT_S: Final = 60.0
# Answers by engine and block: the variants of a sweep ask the same.
_answers: Final[dict[tuple[EngineInstall, str], tuple[Problem, ...]]] = {}
_lock: Final = Lock()


def check_schema(
    block: Mapping[str, JsonValue],
    provenance: Mapping[str, Origin],
    *,
    engine: EngineInstall,
    environ: Mapping[str, str],
    interrupts: Interrupts,
) -> None:
    """Check `block` against the schema of `engine`, which a child process of its Python reads.

    Raises:
        ConfigurationError: A key is unknown, or a value has the wrong type or range; or the engine
            gave no answer.
        RunInterruptedError: A signal came first.
    """
    key = (engine, digest(block))
    with _lock:
        if key not in _answers:
            _answers[key] = tuple(_asked(block, engine, environ, interrupts))
    refuse(iter(_answers[key]), provenance)


def _asked(
    block: Mapping[str, JsonValue],
    engine: EngineInstall,
    environ: Mapping[str, str],
    interrupts: Interrupts,
) -> Iterator[Problem]:
    with TemporaryDirectory(prefix="tradai-") as folder:
        ended = run_child(
            engine.module_command("tradai.entrypoint.freqtrade", "schema"),
            environ=engine_environment(environ, home=Path(folder), temporary=Path(folder)),
            stdin=canonical_json(block),
            interrupts=interrupts,
            timeout_s=_TIMEOUT_S,
        )
    if ended.return_code != 0:
        message = (
            f"the engine {engine.version} did not show its schema ({ended.last_words}): install it "
            "again, or take out the block `engine`"
        )
        raise ConfigurationError(message, key="engine")
    return map(_problem, json.loads(ended.output))


def _problem(row: Mapping[str, Any]) -> Problem:
    path = ".".join(["engine", *row["path"]])
    if row["text"]:
        return path, f"is refused by the engine's schema: {row['text']}"
    names, name = row["names"], row["path"][-1]
    hint = did_you_mean(name, names) or f"; there are {', '.join(names)}"
    return path, f"is not a setting of the engine{hint}"
