"""The page docs/reference/wings.md: each wing, its sentence, and its allowed imports.

`scripts/reference.py` writes it, from the docstrings of the wings and the import contracts in
pyproject.toml, so that it cannot differ from the tree.
"""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def wings() -> Iterator[str]:
    """Yield the page of wings."""
    yield "# Wings"
    yield ""
    yield "Generated from the packages and their import contracts by `scripts/reference.py`."
    yield ""
    yield "A wing is a private folder that holds one idea. Its modules may import each other and"
    yield "what the table allows, never a wing that stands higher."
    yield "[Architecture](../explanation/architecture.md) says how the distributions depend on each"
    yield "other."
    for package, layers in layer_contracts().items():
        yield ""
        yield f"## `{package}`"
        yield ""
        yield "| place | holds | may import |"
        yield "|---|---|---|"
        for number, layer in enumerate(layers):
            below = _allowed(layers[number + 1 :])
            for name in layer:
                yield f"| `{name}` | {sentence(package, name)} | {below} |"


def layer_contracts() -> dict[str, list[list[str]]]:
    """Return the layers of each package that has wings, from top to bottom.

    A name in parentheses has its place kept: it is left out until there is such a module.
    """
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    return {
        contract["containers"][0]: list(_layers(contract["containers"][0], contract["layers"]))
        for contract in contracts
        if contract["id"].startswith("wings-")
    }


def _layers(package: str, layers: list[str]) -> Iterator[list[str]]:
    for layer in layers:
        names = [name.strip("()") for name in layer.split(" | ") if _is_there(package, name)]
        if names:
            yield names


def _is_there(package: str, name: str) -> bool:
    place = package_folder(package) / name.strip("()")
    return not name.startswith("(") or place.is_dir() or place.with_suffix(".py").is_file()


def sentence(package: str, name: str) -> str:
    """Return the first sentence of the docstring of `name` in `package`."""
    folder = package_folder(package) / name
    module = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split()).replace("``", "`").removesuffix(".")


def package_folder(package: str) -> Path:
    """Return the folder of the sources of `package`."""
    distribution = "-".join(package.split(".")[:2])
    return ROOT / "packages" / distribution / "src" / Path(*package.split("."))


def _allowed(layers: list[list[str]]) -> str:
    if not layers:
        return "nothing of this package"
    names = ", ".join(f"`{name}`" for name in layers[0])
    return f"{names} and below" if len(layers) > 1 else names
