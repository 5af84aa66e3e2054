"""Child processes for the engine: ``python -m tradai.entrypoint.freqtrade stage|probe``."""

import gc
import sys
from pathlib import Path
from typing import Final

_USAGE: Final = 2
_DATA: Final = 65


def _main(arguments: list[str]) -> int:
    match arguments:
        case ["stage"]:
            # It ends soon: looking for garbage would cost more than it frees.
            gc.disable()
            from tradai.entrypoint.freqtrade._candles.staging_child import main as stage

            return stage()
        case ["probe", folder] if not Path(folder).is_dir():
            sys.stderr.write(f"there is no folder {folder!r} with models to probe\n")
            return _DATA
        case ["probe", folder]:
            from tradai.entrypoint.freqtrade._modes.model_probe import main as probe

            return probe(folder)
    sys.stderr.write("usage: python -m tradai.entrypoint.freqtrade stage | probe FOLDER\n")
    return _USAGE


if __name__ == "__main__":
    raise SystemExit(_main(sys.argv[1:]))
