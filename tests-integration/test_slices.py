"""scripts/check_slices.py finds mistakes: wheels and workspaces with one mistake each."""

import importlib.util
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

VERSIONS: Final = {"tradai-aws": "0.1.0", "tradai-core": "0.1.4"}
GOOD: Final[Mapping[str, str]] = {
    "tradai/": "",
    "tradai/aws/__init__.py": "",
    "tradai/aws/py.typed": "",
    "tradai_aws-0.1.0.dist-info/licenses/LICENSE": "",
    "tradai_aws-0.1.0.dist-info/METADATA": (
        "Metadata-Version: 2.4\nName: tradai-aws\nVersion: 0.1.0\n"
        "Requires-Dist: tradai-core>=0.1,<0.2\nRequires-Dist: pydantic>=2.0.0\n"
    ),
}
METADATA: Final = "tradai_aws-0.1.0.dist-info/METADATA"


@pytest.fixture(scope="module")
def check_slices(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_slices", root / "scripts/check_slices.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _wheel(folder: Path, files: Mapping[str, str]) -> Path:
    wheel = folder / "tradai_aws-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return wheel


def _prove(copy: Path, *requirements: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "scripts/check_slices.py", *requirements],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_good_wheel_has_no_problem(check_slices: ModuleType, tmp_path: Path) -> None:
    assert check_slices.wheel_problems(_wheel(tmp_path, GOOD), VERSIONS) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"tradai/__init__.py": ""}, "tradai/__init__.py does not belong"),
        ({"tradai/core/_more.py": ""}, "tradai/core/_more.py does not belong"),
        ({"tradai/aws/py.typed": None}, "tradai/aws/py.typed is missing"),
        ({"tradai_aws-0.1.0.dist-info/licenses/LICENSE": None}, "the license is missing"),
    ],
)
def test_a_wheel_with_a_wrong_file_is_found(
    change: Mapping[str, str | None], problem: str, check_slices: ModuleType, tmp_path: Path
) -> None:
    files = {name: text for name, text in {**GOOD, **change}.items() if text is not None}

    (reported,) = check_slices.wheel_problems(_wheel(tmp_path, files), VERSIONS)

    assert problem in reported


@pytest.mark.parametrize("bounds", ["", ">=0.1", "<0.2", ">=0.1,<0.3", ">=0.1,<1", "==0.1.4"])
def test_a_wheel_with_other_bounds_on_a_sibling_is_found(
    bounds: str, check_slices: ModuleType, tmp_path: Path
) -> None:
    metadata = GOOD[METADATA].replace(">=0.1,<0.2", bounds)

    wheel = _wheel(tmp_path, {**GOOD, METADATA: metadata})

    (reported,) = check_slices.wheel_problems(wheel, VERSIONS)

    assert "expected bounds >=0.1,<0.2" in reported


def test_an_import_that_is_not_declared_is_found(
    workspace_copy: Path, plant: Callable[[str, str], Path]
) -> None:
    plant("tradai.aws.__init__", "import tradai.cache\n\n__all__ = []\n")

    code, errors = _prove(workspace_copy, "tradai-aws")

    assert code == 1
    assert "No module named 'tradai.cache'" in errors


def test_a_public_name_that_cannot_be_imported_is_found(
    workspace_copy: Path, plant: Callable[[str, str], Path]
) -> None:
    plant("tradai.aws.__init__", '__all__ = ["Missing"]\n')

    code, errors = _prove(workspace_copy, "tradai-aws")

    assert code == 1
    assert "tradai.aws.Missing cannot be imported" in errors


def test_a_sibling_that_was_not_requested_is_found(workspace_copy: Path) -> None:
    file = workspace_copy / "packages/tradai-aws/pyproject.toml"
    wanted = '"tradai-core>=0.1,<0.2"'
    source = "\ntradai-cache = { workspace = true }"
    text = file.read_text().replace(wanted, f'{wanted}, "tradai-cache>=0.1,<0.2"')
    file.write_text(text.replace("[tool.uv.sources]", f"[tool.uv.sources]{source}"))

    code, errors = _prove(workspace_copy, "tradai-aws")

    assert code == 1
    assert "tradai.cache is importable, and must not be" in errors


def test_a_distribution_that_defines_the_namespace_cannot_be_built(
    workspace_copy: Path,
) -> None:
    (workspace_copy / "packages/tradai-aws/src/tradai/__init__.py").write_text("")

    code, errors = _prove(workspace_copy, "tradai-aws")

    assert code == 1
    assert "build" in errors
