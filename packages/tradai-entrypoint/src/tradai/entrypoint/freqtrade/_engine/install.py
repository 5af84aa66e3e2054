"""The installed engine: its Python, its version, its environment."""

import importlib.util
import site
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Self, final

from tradai.core.exceptions import ConfigurationError

_ENGINE: Final = "freqtrade"
# Everything else is withheld: no FREQTRADE__* can arm live trading, no AWS_* or token leaks.
_PASSED_ON: Final = (
    "HTTPS_PROXY",
    "LANG",
    "LD_LIBRARY_PATH",
    "PATH",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "https_proxy",
)
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_FIXED: Final = {
    "TZ": "UTC",
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "1",
    # A strategy that iterates over a set would trade differently in each run.
    "PYTHONHASHSEED": "0",
    # Contention between the threads of numeric libraries makes small trainings ten times
    # slower; one thread also makes their sums repeatable.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # The engine wraps its log at the width of the terminal, and colours it.
    "COLUMNS": "1000",
    "NO_COLOR": "1",
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInstall:
    """A Python in which the engine is installed.

    Attributes:
        python: Command of the interpreter, with its options.
        version: The engine's version.
        package: Folder of the engine's package.
    """

    python: tuple[str, ...]
    version: str
    package: Path

    @classmethod
    def beside_us(cls) -> Self:
        """Return the engine that is installed in our own interpreter.

        Raises:
            ConfigurationError: It is not installed.
        """
        found = importlib.util.find_spec(_ENGINE)
        if found is None or not found.submodule_search_locations:
            raise _not_installed()
        return cls(
            # Without -P a module in the folder it runs in could take the place of the engine's own.
            python=(sys.executable, "-P"),
            version=_installed_version(),
            package=Path(found.submodule_search_locations[0]),
        )

    def command(self, *arguments: str) -> list[str]:
        """Return the command that starts the engine with `arguments`."""
        return self.module_command(_ENGINE, *arguments)

    def module_command(self, module: str, *arguments: str) -> list[str]:
        """Return the command that runs `module` in the engine's Python."""
        return [*self.python, "-m", module, *arguments]


def engine_environment(
    environ: Mapping[str, str], *, home: Path, temporary: Path
) -> dict[str, str]:
    """Return the whole environment of the engine.

    Args:
        environ: Our own environment, of which a few harmless variables are passed on.
        home: Home folder of the engine.
        temporary: Folder for temporary files. Its path must be short: the engine's worker
            processes put sockets there, and a socket's path has some 100 bytes.
    """
    passed = {
        name: text for name, text in environ.items() if name in _PASSED_ON or name.startswith("LC_")
    }
    if site.ENABLE_USER_SITE:
        # Python finds it through the real home folder, and the engine may be installed there.
        passed["PYTHONUSERBASE"] = site.getuserbase()
    return passed | _FIXED | _past_proxies(environ) | {"HOME": str(home), "TMPDIR": str(temporary)}


def _past_proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that keep what the engine asks of this machine from any proxy."""
    hosts = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    # A star alone means every host; in a list it means nothing.
    if hosts.strip() != "*":
        hosts = ",".join(filter(None, (hosts, *_LOOPBACK)))
    return {"no_proxy": hosts, "NO_PROXY": hosts}


def _installed_version() -> str:
    try:
        return version(_ENGINE)
    except PackageNotFoundError:
        raise _not_installed() from None


def _not_installed() -> ConfigurationError:
    return ConfigurationError(
        "the engine is not installed beside tradai: install tradai-entrypoint[freqtrade] from the "
        "checkout or the wheels that tradai came from (docs/how-to/install.md)",
        key=_ENGINE,
    )
