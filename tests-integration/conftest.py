"""Fixtures of all integration tests: the repository, and copies of it to plant mistakes in."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent


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
