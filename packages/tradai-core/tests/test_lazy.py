"""The door: one table, opened lazily, and what it costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tradai.core
from tradai.core import lazy_exports

# Prints the modules that are loaded after each of two lines, beyond an empty program.
LOADED_BY = """
import sys
before = {*sys.modules}
import tradai.core.exceptions
print(*{*sys.modules} - before)
from tradai.core import S3Path
print(*{*sys.modules} - before)
"""


@pytest.fixture(scope="module")
def loaded() -> tuple[set[str], set[str]]:
    """Modules that the errors need, and those that the errors and `S3Path` need."""
    # Our own interpreter, running a text of this file.
    done = subprocess.run(
        [sys.executable, "-c", LOADED_BY], capture_output=True, text=True, check=True
    )
    errors, path = done.stdout.splitlines()
    return set(errors.split()), set(path.split())


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
    table: dict[str, str]
    (table,) = tables
    return {name: module for module, names in table.items() for name in names.split()}


def test_type_checkers_and_python_see_the_same_door() -> None:
    assert _imports_for_type_checkers() == _table()


def test_the_door_lists_every_name_once_and_sorted() -> None:
    assert vars(tradai.core)["__all__"] == sorted(_table())


def test_every_name_behind_the_door_exists() -> None:
    absent = [name for name in vars(tradai.core)["__all__"] if getattr(tradai.core, name) is None]

    assert not absent


def test_a_listing_of_the_door_shows_every_name() -> None:
    assert set(vars(tradai.core)["__all__"]) <= set(dir(tradai.core))


def test_an_unknown_name_is_an_attribute_error() -> None:
    name = "S3Pth"

    with pytest.raises(AttributeError, match=r"'tradai\.core' has no attribute 'S3Pth'"):
        getattr(tradai.core, name)


def test_a_name_is_looked_up_once_and_then_kept() -> None:
    get, _, _ = lazy_exports("tradai.core", {"_documents.canonical": "version_id"})
    vars(tradai.core).pop("version_id", None)

    value = get("version_id")

    assert vars(tradai.core)["version_id"] is value


def test_the_light_names_load_the_standard_library_only(
    loaded: tuple[set[str], set[str]],
) -> None:
    for modules in loaded:
        packages = {name.partition(".")[0] for name in modules}
        assert packages - sys.stdlib_module_names == {"tradai"}
        assert not packages & {"asyncio", "decimal", "json", "logging", "pathlib"}


def test_the_light_names_load_little_of_our_own(loaded: tuple[set[str], set[str]]) -> None:
    ours = [{name for name in modules if name.startswith("tradai.core.")} for modules in loaded]

    assert "tradai.core.exceptions" in ours[0]
    assert len(ours[0]) <= 3
    assert len(ours[1]) <= 6


def test_the_errors_need_no_typing_machinery(loaded: tuple[set[str], set[str]]) -> None:
    assert not loaded[0] & {"typing", "dataclasses", "enum", "re", "inspect"}


def test_a_module_that_an_extra_brings_is_named_with_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "lazy_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "_inside.py").write_text("import no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    __import__("lazy_package")
    get, _, _ = lazy_exports("lazy_package", {"_inside": "Thing"}, extra="some-name[extra]")
    plain, _, _ = lazy_exports("lazy_package", {"_inside": "Thing"})

    with pytest.raises(ModuleNotFoundError) as caught:
        get("Thing")

    assert str(caught.value) == (
        "lazy_package needs no_such_module, which is not installed: install some-name[extra]"
    )
    assert caught.value.name == "no_such_module"
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'no_such_module'$"):
        plain("Thing")
