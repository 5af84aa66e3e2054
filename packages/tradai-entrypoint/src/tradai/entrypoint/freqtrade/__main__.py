"""Child processes: ``python -m tradai.entrypoint.freqtrade stage|probe|engine``."""

import runpy
import sys
from typing import Final

_USAGE: Final = (
    "python -m tradai.entrypoint.freqtrade stage | probe FOLDER | engine FOLDER ARGUMENTS"
)


def _main(arguments: list[str]) -> int:
    match arguments:
        case ["stage"]:
            from tradai.entrypoint.freqtrade._candles.staging_child import main as stage

            return stage()
        case ["probe", folder]:
            from tradai.entrypoint.freqtrade._modes.model_probe import main as probe

            return probe(folder)
        case ["engine", folder, *words]:
            return _run_engine(folder, words)
    sys.stderr.write(f"usage: {_USAGE}\n")
    return 2


def _run_engine(folder: str, words: list[str]) -> int:
    """Run the engine with `words`, and modules of `folder` where its worker processes find them.

    The engine puts the folder on the path only while it loads the strategy, and its workers load
    their own. They take over the path of this process; last on it, the folder hides no module.
    """
    sys.path.append(folder)
    sys.argv = ["freqtrade", *words]
    runpy.run_module("freqtrade", run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(_main(sys.argv[1:]))
