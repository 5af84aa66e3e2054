"""An image with tradai, as `tradai-entrypoint image build` lays it out: no hub is needed."""

import os
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from servers.python_image import PYTHON, add_base, add_text, owned_by_root

if TYPE_CHECKING:
    from docker import DockerClient

ROOT: Final = Path(__file__).parents[2]
_PACKAGES: Final = f"opt/tradai/lib/{PYTHON}/site-packages"
# The command imports none of these, nor does a backtest.
NOT_NEEDED: Final = frozenset({"__pycache__", "sklearn", "tests", "xgboost"})
# Without these there is no engine, and the image is made in a few seconds.
ENGINE: Final = frozenset(
    {
        *("ccxt", "freqtrade", "lightgbm", "numpy", "numpy.libs", "pandas", "pyarrow"),
        *("scipy", "scipy.libs", "sqlalchemy", "talib", "uvloop"),
    }
)
COMMAND: Final = """#!/opt/tradai/bin/python -P
from tradai.entrypoint import main
raise SystemExit(main())
"""


def make_strategy_image(
    client: "DockerClient",
    name: str,
    environment: Path | None,
    *,
    variables: dict[str, str],
    left_out: frozenset[str] = NOT_NEEDED,
    command: str = COMMAND,
) -> str:
    """Import the image into a daemon, and return its name.

    Args:
        client: The daemon.
        name: Name of the image.
        environment: Environment of the engine on this machine, for this Python; None for an image
            whose containers are given the `package_mounts` of one.
        variables: Variables of every container of the image.
        left_out: Folders of the environment that the image does not need.
        command: Program called ``tradai-entrypoint``.
    """
    env = {"PATH": "/opt/tradai/bin:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"} | variables
    changes = [
        *(f"ENV {name}={value}" for name, value in env.items()),
        "WORKDIR /work",
        'ENTRYPOINT ["tradai-entrypoint", "contain", "--"]',
    ]
    with tempfile.NamedTemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            add_base(archive)
            _add_programs(archive, command)
            if environment is not None:
                _add_packages(archive, environment, left_out)
        file.flush()
        repository, tag = name.split(":")
        client.api.import_image(file.name, repository, tag=tag, changes=changes)
    return name


def package_mounts(environment: Path) -> dict[Path, str]:
    """Return folders of this machine to mount, and their places in a container.

    They have compiled packages, which an image has not, so that a program starts in seconds; Python
    may write its caches there, as it does outside of a container.
    """
    (installed,) = environment.glob("lib/python*/site-packages")
    # The environment names the packages of the workspace by their place on this machine.
    return {installed: f"/{_PACKAGES}", ROOT / "packages": str(ROOT / "packages")}


def _add_programs(archive: tarfile.TarFile, command: str) -> None:
    add_text(archive, "opt/tradai/pyvenv.cfg", "home = /usr/local/bin\n")
    add_text(archive, "opt/tradai/bin/tradai-entrypoint", command, mode=0o755)
    for name in ("python", "python3"):
        member = tarfile.TarInfo(f"opt/tradai/bin/{name}")
        member.type, member.linkname = tarfile.SYMTYPE, f"/usr/local/bin/{PYTHON}"
        archive.addfile(member)


def _add_packages(archive: tarfile.TarFile, environment: Path, left_out: frozenset[str]) -> None:
    (installed,) = environment.glob("lib/python*/site-packages")
    for folder in (installed, *ROOT.glob("packages/*/src")):
        for file in _files(folder, left_out):
            name = f"{_PACKAGES}/{file.relative_to(folder)}"
            archive.add(file, name, recursive=False, filter=owned_by_root)


def _files(folder: Path, left_out: frozenset[str]) -> Iterator[Path]:
    """Yield the files of a folder, except links to the packages of the workspace."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - left_out)
        for name in sorted(names):
            if not name.startswith("tradai_") or not name.endswith(".pth"):
                yield Path(parent, name)
