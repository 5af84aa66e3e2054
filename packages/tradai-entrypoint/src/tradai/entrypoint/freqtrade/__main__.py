"""Child processes for the engine: ``python -m tradai.entrypoint.freqtrade stage|probe``."""

import sys


def _main(command: str, *arguments: str) -> int:
    if command == "stage":
        from tradai.entrypoint.freqtrade._candles.staging_child import main as stage

        return stage(*arguments)
    if command == "probe":
        from tradai.entrypoint.freqtrade._modes.model_probe import main as probe

        return probe(*arguments)
    message = f"{command!r} is not a command of this module: expected stage or probe"
    raise SystemExit(message)


if __name__ == "__main__":
    raise SystemExit(_main(*sys.argv[1:]))
