"""The installed engine: its command, its version, and the environment it is given."""

import importlib.util
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from tradai.core.exceptions import ConfigurationError

__all__ = ["engine_command", "engine_environment", "engine_version"]

_INSTALL: Final = (
    "the engine is not installed beside tradai: pip install 'tradai-entrypoint[freqtrade]'"
)
# Everything else stays with us: no FREQTRADE__* can arm live trading, no AWS_* or token leaks.
_PASSED_ON: Final = ("PATH", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")


def engine_command() -> list[str]:
    """Return the command that starts the engine in our own interpreter.

    Raises:
        ConfigurationError: The engine is not installed.
    """
    if importlib.util.find_spec("freqtrade") is None:
        raise ConfigurationError(_INSTALL, key="freqtrade")
    return [sys.executable, "-P", "-m", "freqtrade"]


def engine_version() -> str:
    """Return the engine's version.

    Raises:
        ConfigurationError: The engine is not installed.
    """
    try:
        return version("freqtrade")
    except PackageNotFoundError:
        raise ConfigurationError(_INSTALL, key="freqtrade") from None


def engine_environment(
    environ: Mapping[str, str], *, home: Path, temporary: Path
) -> dict[str, str]:
    """Return the whole environment of the engine.

    Args:
        environ: Our own environment, of which a few harmless names are passed on.
        home: Folder that stands for the home.
        temporary: Folder for temporary files. Its path must be short: the engine's worker
            processes put sockets there, and a socket's path has some 100 bytes.
    """
    passed = {name: environ[name] for name in _PASSED_ON if name in environ}
    passed |= {name: text for name, text in environ.items() if name.startswith("LC_")}
    fixed = {
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "TZ": "UTC",
        "PYTHONUNBUFFERED": "1",
        # Contention between the threads of numeric libraries makes small trainings ten times
        # slower; one thread also makes their sums repeatable.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return passed | fixed
