"""The engine's own interface on loopback, for a person at a terminal: REST API and FreqUI."""

import importlib.util
import sys
from pathlib import Path
from typing import Final

from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._process.settings import EngineApi
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl

_KEY: Final = "TRADAI_RUN_ENGINE_API"
# Below the engine's package (freqtrade 2026.9).
_UI: Final = "rpc/api_server/ui/installed/index.html"
_NAMES: Final = {"api": "Freqtrade's API", "ui": "FreqUI"}


def check_interface(wanted: EngineApi) -> None:
    """Raise when the interface cannot be opened as it is `wanted`.

    Raises:
        ConfigurationError: FreqUI is not installed, or there is no terminal for the password.
    """
    if wanted == "none":
        return
    if wanted == "ui" and not _has_ui():
        message = (
            f"FreqUI is not installed beside the engine: run `{sys.executable} -m freqtrade "
            "install-ui` once, on a machine with internet, or use --api, which needs no page"
        )
        raise ConfigurationError(message, key=_KEY)
    if not sys.stderr.isatty():
        message = (
            "the password of the engine's interface is shown once, on a terminal, and there is "
            f"none: run in a terminal, or leave --api and --ui out and unset {_KEY}"
        )
        raise ConfigurationError(message, key=_KEY)


def show_interface(wanted: EngineApi, control: EngineControl) -> None:
    """Show address and password on the terminal, where they are in no log and no file."""
    if wanted != "none":
        # While there is a spinner, lines of standard error stand above it.
        sys.stderr.write(f"{_NAMES[wanted]}: {control.sign_in_text()}  (shown once)\n")
        sys.stderr.flush()


def _has_ui() -> bool:
    engine = importlib.util.find_spec("freqtrade")
    folders = (engine.submodule_search_locations if engine else None) or ()
    return any((Path(folder) / _UI).is_file() for folder in folders)
