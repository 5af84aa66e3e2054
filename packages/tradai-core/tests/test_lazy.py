"""The door: one table, opened lazily, and what it costs."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tradai.core
from tradai.core import lazy_exports

HEAVY = {"pydantic", "pydantic_core", "pydantic_settings", "yaml", "pandas", "asyncio", "logging"}


def _modules_after(code: str) -> set[str]:
    program = f"{code}\nimport sys\nprint(*sys.modules)"
    # Our own interpreter, running a line of this file.
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def _cpu_seconds(code: str) -> float:
    """Return what one fresh interpreter needs at best."""
    best = float("inf")
    for _ in range(5):
        child = os.posix_spawn(sys.executable, [sys.executable, "-c", code], os.environ)
        _, status, usage = os.wait4(child, 0)
        assert status == 0
        best = min(best, usage.ru_utime + usage.ru_stime)
    return best


def _door() -> ast.Module:
    return ast.parse(Path(tradai.core.__file__ or "").read_text())


def _imports_for_type_checkers() -> dict[str, str]:
    return {
        alias.name: (node.module or "").removeprefix("tradai.core.")
        for node in ast.walk(_door())
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }


def _table() -> dict[str, str]:
    tables = [ast.literal_eval(node) for node in ast.walk(_door()) if isinstance(node, ast.Dict)]
    table: dict[str, tuple[str, ...]]
    (table,) = tables
    return {name: module for module, names in table.items() for name in names}


def test_type_checkers_and_python_see_the_same_door() -> None:
    assert _imports_for_type_checkers() == _table()


def test_the_door_lists_every_name_once_and_sorted() -> None:
    assert vars(tradai.core)["__all__"] == sorted(_table())


@pytest.mark.parametrize("name", vars(tradai.core)["__all__"])
def test_every_name_behind_the_door_exists(name: str) -> None:
    assert getattr(tradai.core, name) is not None


def test_a_listing_of_the_door_shows_every_name() -> None:
    assert set(vars(tradai.core)["__all__"]) <= set(dir(tradai.core))


def test_an_unknown_name_is_an_attribute_error() -> None:
    name = "S3Pth"

    with pytest.raises(AttributeError, match=r"'tradai\.core' has no attribute 'S3Pth'"):
        getattr(tradai.core, name)


def test_a_name_is_looked_up_once_and_then_kept() -> None:
    get, _, _ = lazy_exports("tradai.core", {"_documents.canonical": ("version_id",)})
    vars(tradai.core).pop("version_id", None)

    value = get("version_id")

    assert vars(tradai.core)["version_id"] is value


@pytest.mark.parametrize(
    "code",
    ["import tradai.core", "import tradai.core.exceptions", "from tradai.core import S3Path"],
)
def test_the_light_names_load_nothing_heavy(code: str) -> None:
    assert not _modules_after(code) & HEAVY


def test_the_errors_need_no_typing_machinery() -> None:
    added = _modules_after("import tradai.core.exceptions") - _modules_after("")

    assert not added & {"typing", "dataclasses", "enum", "re", "inspect"}


def test_the_light_names_cost_little_more_than_an_empty_program() -> None:
    empty = _cpu_seconds("pass")

    assert _cpu_seconds("import tradai.core.exceptions") <= 2.5 * empty
    assert _cpu_seconds("from tradai.core import S3Path") <= 4 * empty
