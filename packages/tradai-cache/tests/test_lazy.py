"""Public names of tradai.cache: one table, loaded lazily."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tradai.cache

HEAVY = {"redis", "pandas", "pyarrow", "numpy", "hiredis"}
MEMORY = """
from tradai.cache import Cache, candle
cache = Cache()
@cache.cached(ttl=candle("1h"), jitter=0.1)
def markets(exchange: str) -> dict[str, list[int]]:
    return {exchange: [1, 2]}
markets("binance")
markets("binance")
markets.invalidate("binance")
"""


def _modules_after(code: str) -> set[str]:
    program = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def _module() -> ast.Module:
    return ast.parse(Path(tradai.cache.__file__ or "").read_text())


def test_type_checkers_and_python_see_the_same_names() -> None:
    imports = {
        alias.name: (node.module or "").removeprefix("tradai.cache.")
        for node in ast.walk(_module())
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }
    (table,) = [
        ast.literal_eval(node) for node in ast.walk(_module()) if isinstance(node, ast.Dict)
    ]
    modules = {name: module for module, names in table.items() for name in names.split()}

    assert imports == modules
    assert vars(tradai.cache)["__all__"] == sorted(modules)


@pytest.mark.parametrize("name", vars(tradai.cache)["__all__"])
def test_every_exported_name_exists(name: str) -> None:
    assert getattr(tradai.cache, name) is not None


@pytest.mark.parametrize("code", ["import tradai.cache", MEMORY], ids=["import", "memory"])
def test_a_memory_cache_loads_no_heavy_modules(code: str) -> None:
    assert not _modules_after(code) & HEAVY
