"""The layout of the packages: small folders, documented wings, and tests that mirror them."""

import ast
import tomllib
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from conftest import ROOT

WING_LIMIT: Final = 16
FLAT_LIMITS: Final = {"tradai.core.frames": 13}
FLAT_LIMIT: Final = 12
LINE_LIMIT: Final = 300
PACKAGES: Final = ("core", "aws", "cache", "mlflow", "entrypoint", "common")


def _sources() -> list[Path]:
    return sorted(ROOT.glob("packages/*/src/**/*.py"))


def _dotted(folder: Path) -> str:
    parts = folder.parts
    return ".".join(parts[parts.index("src") + 1 :])


def _folders() -> dict[str, Path]:
    folders = {source.parent for source in _sources()}
    return {_dotted(folder): folder for folder in sorted(folders)}


@cache
def _public_modules() -> set[str]:
    names = (_dotted(source.with_suffix("")).removesuffix(".__init__") for source in _sources())
    return {name for name in names if not any(part.startswith("_") for part in name.split("."))}


FOLDERS: Final = _folders()
WINGS: Final = {name: path for name, path in FOLDERS.items() if path.name.startswith("_")}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_holds_few_modules(name: str) -> None:
    modules = [path for path in FOLDERS[name].glob("*.py") if path.name != "__init__.py"]

    limit = WING_LIMIT if name in WINGS else FLAT_LIMITS.get(name, FLAT_LIMIT)
    assert len(modules) <= limit


@pytest.mark.parametrize("name", WINGS)
def test_the_door_of_a_wing_is_one_docstring(name: str) -> None:
    tree = ast.parse((WINGS[name] / "__init__.py").read_text(encoding="utf-8"))

    assert ast.get_docstring(tree)
    assert len(tree.body) == 1


@pytest.mark.parametrize("source", _sources(), ids=lambda path: _dotted(path.with_suffix("")))
def test_a_module_has_at_most_300_lines(source: Path) -> None:
    assert len(source.read_text(encoding="utf-8").splitlines()) <= LINE_LIMIT


@pytest.mark.parametrize("package", PACKAGES)
def test_the_folders_of_tests_are_named_after_the_wings(package: str) -> None:
    tests = ROOT / "packages" / f"tradai-{package}" / "tests"
    names = {
        name.removeprefix(f"tradai.{package}.").replace("._", ".").lstrip("_") for name in FOLDERS
    }

    folders = {test.parent.relative_to(tests) for test in tests.rglob("test_*.py")}

    assert {".".join(folder.parts) for folder in folders} - {""} <= names


@pytest.mark.parametrize("source", _sources(), ids=lambda path: _dotted(path.with_suffix("")))
def test_a_private_module_marks_its_own_names_by_an_underscore_alone(source: Path) -> None:
    if _dotted(source.with_suffix("")).removesuffix(".__init__") not in _public_modules():
        assert "__all__ =" not in source.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in FOLDERS if name not in WINGS])
def test_type_checkers_and_python_see_the_same_public_names(name: str) -> None:
    tree = ast.parse((FOLDERS[name] / "__init__.py").read_text(encoding="utf-8"))
    tables = [ast.literal_eval(node) for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    keywords = [node for node in ast.walk(tree) if isinstance(node, ast.keyword)]
    homes = [ast.literal_eval(node.value) for node in keywords if node.arg == "home"]
    (home,) = homes or [name]
    imports = {
        alias.name: (node.module or "").removeprefix(f"{home}.")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }

    for table in tables:
        assert imports == {one: module for module, text in table.items() for one in text.split()}


def test_entry_points_and_commands_name_public_modules() -> None:
    public = _public_modules()
    for file in sorted(ROOT.glob("packages/*/pyproject.toml")):
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        groups = [project.get("scripts", {}), *project.get("entry-points", {}).values()]
        for target in (target for group in groups for target in group.values()):
            assert target.partition(":")[0] in public, target


def test_child_processes_are_started_by_public_modules() -> None:
    public = _public_modules()
    for source in _sources():
        texts = [
            node.value
            for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        after_m = [texts[i + 1] for i, text in enumerate(texts[:-1]) if text == "-m"]
        assert {text for text in after_m if text.startswith("tradai.")} <= public, source
