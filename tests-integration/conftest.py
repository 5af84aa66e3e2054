"""Fixtures of all integration tests: the repository, copies of it, Docker, and MLflow."""

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from servers.docker import Dockerd, running_dockerd, running_registry
from servers.mlflow import MLflowServer, Release, guarded, running_releases
from servers.python_image import make_python_image

ROOT: Final = Path(__file__).parent.parent
# Tests that share costly servers or images, by the start of their ids.
TOGETHER: Final = {
    "tests-integration/aws/": "stand-ins for AWS",
    "tests-integration/containers/": "images",
    "tests-integration/engine/elsewhere/": "images",
    "tests-integration/engine/test_live_registry.py": "MLflow",
    "tests-integration/engine/test_models.py": "MLflow",
    "tests-integration/models/": "MLflow",
    "tests-integration/tracking/": "MLflow",
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Let `--dist loadfile` start servers in few processes: one runs all files that share them."""
    if config.getoption("dist") != "loadfile":
        return None
    # Not in the environment of ArcticDB, whose tests import this file, too.
    from xdist.scheduler import LoadFileScheduling

    scheduler = LoadFileScheduling(config, log)
    scheduler._split_scope = _scope_of  # noqa: SLF001 - the place where a subclass changes it
    return scheduler


def _scope_of(nodeid: str) -> str:
    shared = (name for start, name in TOGETHER.items() if nodeid.startswith(start))
    return next(shared, nodeid.partition("::")[0])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what takes longest begin first, and what waits most next: short files fill the end."""
    items.sort(key=lambda item: _turn_of(item.nodeid))


def _turn_of(nodeid: str) -> int:
    if _scope_of(nodeid) in TOGETHER.values() or nodeid.startswith("tests-integration/pages/"):
        return 0
    return 1 if nodeid.startswith("tests-integration/engine/") else 2


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's folder."""
    return ROOT


@pytest.fixture
def workspace_copy(tmp_path: Path) -> Path:
    """A copy of the workspace, to plant mistakes in."""
    compiled = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "packages", tmp_path / "packages", symlinks=True, ignore=compiled)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=compiled)
    for name in ("LICENSE", "pyproject.toml", "uv.lock"):
        shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def plant(workspace_copy: Path) -> Callable[[str, str], Path]:
    """Write a module, named by its dotted name, into the copy of the workspace."""

    def write(module: str, source: str) -> Path:
        distribution = "-".join(module.split(".")[:2])
        file = workspace_copy / "packages" / distribution / "src" / Path(*module.split("."))
        file = file.with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
        return file

    return write


@pytest.fixture(scope="session")
def dockerd() -> Iterator[Dockerd]:
    """A Docker daemon, started at first use, or a skip where there cannot be one."""
    with running_dockerd() as daemon:
        yield daemon


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of a registry without passwords."""
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="session")
def python_image(dockerd: Dockerd) -> str:
    """Name of an image in `dockerd` that has this Python and a shell."""
    with contextlib.closing(dockerd.client()) as client:
        return make_python_image(client)


@pytest.fixture(scope="session")
def mlflow_servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[Release, MLflowServer]]:
    """A plain MLflow server of each release, which tests share: names are unique to a test."""
    with running_releases(tmp_path_factory.mktemp("mlflow")) as servers:
        yield servers


@pytest.fixture(scope="session")
def guarded_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MLflowServer]:
    """An MLflow server that asks for a login, and serves below a path."""
    server = guarded(tmp_path_factory.mktemp("mlflow-guarded"))
    with server.running():
        yield server


@pytest.fixture(autouse=True)
def _forget_earlier_servers() -> None:
    """Close the circuit breakers of MLflow servers: a port may be that of an earlier test."""
    module = sys.modules.get("tradai.mlflow._http.circuit_breaker")
    if module is not None:
        vars(module)["_SHARED"].clear()
