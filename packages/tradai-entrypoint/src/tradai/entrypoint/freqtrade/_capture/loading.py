"""Markets of an exchange as the installed engine loads them, in a process of its Python."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self, final

from tradai.core import JsonObject, JsonValue, canonical_json
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.short_child import ChildExit, run_child
from tradai.entrypoint.freqtrade._engine.install import EngineInstall, engine_environment
from tradai.entrypoint.freqtrade._exchange._recorded.exchange import RecordedExchange

_TIMEOUT_S: Final = 600.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedMarkets:
    """Answer of the engine that loaded the markets of an exchange.

    Attributes:
        markets: Rules of the pairs that were asked for and that there are.
        names: Names of all markets.
        versions: Version of each library that read them, by name.
    """

    markets: Sequence[JsonObject]
    names: Sequence[str]
    versions: Mapping[str, str]

    @classmethod
    def of(cls, ended: ChildExit) -> Self | None:
        """Return the answer of a process; None where it failed, or wrote something else, too."""
        try:
            found: Any = json.loads(ended.output)
        except ValueError:
            return None
        is_answer = isinstance(found, dict) and found.keys() == {each.name for each in fields(cls)}
        return cls(**found) if ended.return_code == 0 and is_answer else None


def load_markets(
    pairs: Sequence[str],
    source: RecordedExchange,
    base_url: str,
    engine: EngineInstall,
    *,
    interrupts: Interrupts,
    environ: Mapping[str, str],
) -> ChildExit:
    """Have `engine` load the markets of `source` from `base_url`; see `LoadedMarkets.of`.

    Raises:
        RunInterruptedError: A signal came first.
    """
    # The server has the patience; a client that gave up first would not say why.
    client = {**source.ccxt_config(base_url), "timeout": int(1000 * _TIMEOUT_S)}
    settings: dict[str, JsonValue] = {
        "name": source.engine_name,
        "enable_ws": False,
        "pair_whitelist": [],
        "ccxt_config": client,
    }
    with TemporaryDirectory(prefix="tradai-") as folder:
        return run_child(
            engine.module_command("tradai.entrypoint.freqtrade", "markets"),
            environ=engine_environment(environ, home=Path(folder), temporary=Path(folder)),
            stdin=canonical_json({"exchange": settings, "pairs": list(pairs)}),
            interrupts=interrupts,
            timeout_s=_TIMEOUT_S,
        )
