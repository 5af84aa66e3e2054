"""Every import contract fails on a violation, which is planted in a copy of the sources."""

import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

LINT: Final = "from importlinter.cli import lint_imports_command; lint_imports_command()"
TARGET: Final = "_planted_target"

# Contract -> the module to plant, and its source.
VIOLATIONS: Final = {
    "layers": ("tradai.core._planted", "import tradai.entrypoint"),
    "wings-core": ("tradai.core._types._planted", "import tradai.core._settings.base_settings"),
    "wings-cache": ("tradai.cache._keys._planted", "import tradai.cache._calls.steps"),
    "wings-aws": ("tradai.aws._client._planted", "import tradai.aws._s3.store"),
    "wings-mlflow": ("tradai.mlflow._http._planted", "import tradai.mlflow._client.client"),
    "wings-entrypoint": ("tradai.entrypoint._process._planted", "import tradai.entrypoint._cli"),
    "wings-freqtrade": (
        "tradai.entrypoint.freqtrade._engine._planted",
        "import tradai.entrypoint.freqtrade._modes.backtest",
    ),
    "ports": ("tradai.entrypoint._planted", "import tradai.aws"),
    "door-core": ("tradai.aws._client._planted", f"import tradai.core.{TARGET}"),
    "door-aws": ("tradai.common._planted", f"import tradai.aws.{TARGET}"),
    "door-cache": ("tradai.common._planted", f"import tradai.cache.{TARGET}"),
    "door-mlflow": ("tradai.common._planted", f"import tradai.mlflow.{TARGET}"),
    "door-entrypoint": ("tradai.common._planted", f"import tradai.entrypoint.{TARGET}"),
    "door-engine-room": (
        "tradai.entrypoint._planted",
        f"import tradai.entrypoint.freqtrade.{TARGET}",
    ),
    "test-kit": ("tradai.aws._planted", "import tradai.core.testing"),
    "test-tools": ("tradai.aws._planted", "import pytest"),
    "pandas": ("tradai.core._planted", "import pandas"),
    "boto3": ("tradai.entrypoint._planted", "import boto3"),
    "redis": ("tradai.core._planted", "import redis"),
    "requests": ("tradai.aws._planted", "import requests"),
    "psycopg": ("tradai.entrypoint._live._planted", "import psycopg"),
    "omegaconf": ("tradai.core._planted", "import omegaconf"),
    "engine": ("tradai.entrypoint.freqtrade._planted", "import freqtrade"),
    "acyclic": ("tradai.core._planted", f"import tradai.core.{TARGET}"),
}


def _contracts(root: Path) -> dict[str, str]:
    settings = tomllib.loads((root / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    return {contract["id"]: contract["name"] for contract in contracts}


def _lint(copy: Path) -> tuple[int, str]:
    # -S leaves out the .pth files of the editable installation, so only the copy's sources count.
    paths = [*map(str, copy.glob("packages/*/src")), sysconfig.get_path("purelib")]
    program = f"import sys; sys.path[:0] = {paths!r}; {LINT}"
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], cwd=copy, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_the_unchanged_sources_keep_every_contract(workspace_copy: Path) -> None:
    code, output = _lint(workspace_copy)

    assert (code, "BROKEN" in output) == (0, False), output


def test_every_contract_has_a_planted_violation(root: Path) -> None:
    assert set(VIOLATIONS) == set(_contracts(root))


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_planted_violation_breaks_its_contract(
    contract: str, workspace_copy: Path, plant: Callable[[str, str], Path]
) -> None:
    module, source = VIOLATIONS[contract]
    plant(module, source)
    if source.endswith(TARGET):
        plant(source.removeprefix("import "), f"import {module}" if contract == "acyclic" else "")

    code, output = _lint(workspace_copy)

    assert code == 1, output
    assert f"{_contracts(workspace_copy)[contract]} BROKEN" in output


def test_a_new_distribution_without_a_layer_breaks_a_contract(
    workspace_copy: Path, plant: Callable[[str, str], Path]
) -> None:
    plant("tradai.data.__init__", "")

    code, output = _lint(workspace_copy)

    assert code == 1, output
    assert f"{_contracts(workspace_copy)['layers']} BROKEN" in output
