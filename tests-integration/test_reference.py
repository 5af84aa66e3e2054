"""Generated pages of docs/reference: they match the code, and readers can paste their examples."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLACES = {
    "Decimal": "decimal.Decimal",
    "Pair": "tradai.core.Pair",
    "Price": "tradai.core.Price",
    "np": "numpy",
}


@pytest.fixture(scope="module")
def imports() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "example_imports", ROOT / "scripts" / "example_imports.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_pages_match_the_code() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "reference.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("example", "lines"),
    [
        (">>> Pair('BTC/USDT')\n'BTC/USDT'", [">>> from tradai.core import Pair"]),
        (
            ">>> [Price(one) for one in (1, np.nan)], Pair, Decimal(1)",
            [
                ">>> import numpy as np",
                ">>> from decimal import Decimal",
                ">>> from tradai.core import Pair, Price",
            ],
        ),
        (">>> from tradai.core import Pair\n>>> Pair", []),
        (">>> def Pair(price): return len(price)\n>>> Pair", []),
    ],
    ids=["one name", "several modules", "imported", "defined"],
)
def test_an_example_gets_the_imports_it_lacks(
    example: str, lines: list[str], imports: ModuleType
) -> None:
    assert imports.import_lines(imports.free_names(example), PLACES) == lines


def test_an_import_that_is_too_long_for_a_line_is_wrapped(imports: ModuleType) -> None:
    names = [f"a_rather_long_name_{number}" for number in range(5)]

    lines = imports.import_lines(names, {name: f"tradai.core.{name}" for name in names})

    assert lines[0] == ">>> from tradai.core import ("
    assert lines[1] == "...     a_rather_long_name_0,"
    assert lines[-1] == "... )"


def test_an_example_with_a_private_name_is_an_error(
    plant: Callable[[str, str], Path], workspace_copy: Path
) -> None:
    private = '"""Doubled numbers.\n\n>>> _double(2)\n4\n"""\n\n__all__ = ["Thing"]\n'
    plant(
        "tradai.mlflow.__init__", private + "def _double(one): return 2 * one\nclass Thing: ...\n"
    )

    done = subprocess.run(
        [sys.executable, workspace_copy / "scripts" / "reference.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "tradai.mlflow: an example uses _double" in done.stderr
