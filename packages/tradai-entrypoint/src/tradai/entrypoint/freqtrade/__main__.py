"""Child processes for the engine: ``python -m tradai.entrypoint.freqtrade stage|probe``."""

import gc
import sys


def _main(arguments: list[str]) -> int:
    match arguments:
        case ["stage"]:
            # It ends soon: looking for garbage would cost more than it frees.
            gc.disable()
            from tradai.entrypoint.freqtrade._candles.staging_child import main as stage

            return stage()
        case ["probe", folder]:
            from tradai.entrypoint.freqtrade._modes.model_probe import main as probe

            return probe(folder)
    sys.stderr.write("usage: python -m tradai.entrypoint.freqtrade stage | probe FOLDER\n")
    return 2


if __name__ == "__main__":
    raise SystemExit(_main(sys.argv[1:]))
