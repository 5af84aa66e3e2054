"""Child processes: ``python -m tradai.entrypoint.freqtrade`` with one of eleven words.

The words are stage, probe, missing, answers, schema, markets, engine, training, pairs, lookahead
and watchdog.
"""

import gc
import json
import runpy
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tradai.entrypoint._live._account.account import ApiKeys, SignedClient

_USAGE: Final = (
    "python -m tradai.entrypoint.freqtrade stage | probe FOLDER [FOLDER] | missing MODULES "
    "| answers | schema | markets | engine FOLDER ARGUMENTS | training FOLDER ARGUMENTS "
    "| pairs FOLDER ARGUMENTS | lookahead FOLDER ARGUMENTS | watchdog"
)
# Questions to the engine's Python and the staging of candles, and the modules that do them.
_SHORT: Final = {
    "answers": "_preparation.engine_answers",
    "markets": "_capture.markets_child",
    "schema": "_engine_keys.schema_child",
    "stage": "_candles.staging_child",
}
# The thresholds that the engine sets itself, after most of its imports.
_GARBAGE: Final = (50_000, 500, 1000)
_BAD_USAGE: Final = 2
_DATA: Final = 65


def _main(arguments: list[str]) -> int:
    match arguments:
        case ["probe", folder, *kept] if len(kept) <= 1:
            code = _probe(folder, *kept)
        case ["missing", *modules]:
            sys.stdout.write(json.dumps([name for name in modules if find_spec(name) is None]))
            code = 0
        case [word] if word in _SHORT:
            # It ends soon: looking for garbage would cost more than it frees.
            gc.disable()
            code = int(import_module(f"tradai.entrypoint.freqtrade.{_SHORT[word]}").main())
        case ["engine" | "training" | "pairs" | "lookahead" as word, folder, *words]:
            code = _run_engine(word, Path(folder), words)
        case ["watchdog"]:
            from tradai.entrypoint._live._watchdog.child import main as watch

            code = watch(_sign_in)
        case _:
            sys.stderr.write(f"usage: {_USAGE}\n")
            code = _BAD_USAGE
    return code


def _probe(folder: str, kept: str | None = None) -> int:
    if not Path(folder).is_dir():
        sys.stderr.write(f"there is no folder {folder!r} with models to probe\n")
        return _DATA
    from tradai.entrypoint.freqtrade._training.model_probe import main as probe

    return probe(folder, kept)


def _run_engine(word: str, folder: Path, words: list[str]) -> int:
    """Run the engine with `words`, and as the first `word` says.

    After ``engine``, its worker processes find the modules of `folder`: the engine puts the folder
    on the path only while it loads the strategy, and its workers load their own. They take over the
    path of this process; last on it, the folder hides no module. After ``training``, the folder
    gets what FreqAI's models learn from. After ``pairs``, the engine runs once for each pair. After
    ``lookahead``, each backtest of the analysis is made apart, without candles after its end.
    """
    if word == "training":
        from tradai.entrypoint.freqtrade._training.recorder import record_trainings

        record_trainings(folder)
    else:
        sys.path.append(str(folder))
    if word == "pairs":
        from tradai.entrypoint.freqtrade._modes._bias.pairs_child import run_for_pairs

        return run_for_pairs(_run_freqtrade, words)
    if word == "lookahead":
        from tradai.entrypoint.freqtrade._modes._bias.cut_runs import separate_runs

        separate_runs()
    _run_freqtrade(words)
    return 0


def _run_freqtrade(words: list[str]) -> None:
    """Run the engine, which ends with `SystemExit`."""
    sys.argv = ["freqtrade", *words]
    gc.set_threshold(*_GARBAGE)
    runpy.run_module("freqtrade", run_name="__main__", alter_sys=True)


def _sign_in(exchange: str, keys: "ApiKeys", base_url: str | None) -> "SignedClient":
    """Return the client of a watchdog that must act; until then it does without these imports."""
    from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named

    return exchange_named(exchange).sign_in(keys, base_url=base_url)


if __name__ == "__main__":
    raise SystemExit(_main(sys.argv[1:]))
