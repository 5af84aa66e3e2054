"""Run the tests of the folder `inside` in the ArcticDB environment; see scripts/test."""

import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
VENV = Path(os.environ.get("TRADAI_ARCTICDB_VENV", HERE.parents[1] / ".venv-arcticdb"))


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python that has ArcticDB."""
    executable = VENV / "bin" / "python"
    if not executable.exists():
        reason = f"no ArcticDB environment at {VENV}: run scripts/test once"
        if "arcticdb" in os.environ.get("TRADAI_REQUIRE", "").split(","):
            pytest.fail(reason)
        pytest.skip(reason)
    return executable


def run_tests(python: Path, *arguments: str | Path) -> None:
    """Run pytest in the ArcticDB environment, and print its output."""
    options = ["--no-cov", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [python, "-m", "pytest", *options, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
        cwd=HERE.parents[1],
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_arcticdb_tests_pass(python: Path) -> None:
    run_tests(python, HERE / "inside")


def test_the_other_repositories_pass_with_pandas_2(python: Path, core_tests: Path) -> None:
    run_tests(python, core_tests / "frames", core_tests / "testing" / "test_candle_contract.py")
