"""The pages of docs/reference/api: what every public door offers, read from the docstrings.

`scripts/reference.py` writes them. Nothing is imported: doors and docstrings are read as text.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).resolve().parent.parent
PUBLIC_SUBMODULES = {
    "tradai.aws": ("testing",),
    "tradai.core": ("arcticdb", "exceptions", "frames", "testing"),
    "tradai.entrypoint": ("freqtrade",),
}


def api_pages() -> dict[str, list[str]]:
    """Return the lines of each page by its path inside docs/reference."""
    loader = griffe.GriffeLoader(
        search_paths=sorted(ROOT.glob("packages/*/src")), docstring_parser=griffe.Parser.google
    )
    names = ("aws", "cache", "core", "entrypoint", "mlflow")
    doors = [loader.load(f"tradai.{name}", try_relative_path=False) for name in names]
    loader.resolve_aliases()
    pages: dict[str, list[str]] = {}
    for door in doors:
        for module in (door, *_submodules(door)):
            pages[f"api/{module.path.removeprefix('tradai.')}.md"] = list(_page(module))
    return pages


def _submodules(door: griffe.Object | griffe.Alias) -> Iterator[griffe.Object | griffe.Alias]:
    for name in PUBLIC_SUBMODULES.get(door.path, ()):
        if name in door.members:
            yield door.members[name]


def _page(module: griffe.Object | griffe.Alias) -> Iterator[str]:
    yield f"# `{module.path}`"
    yield ""
    yield "Generated from the docstrings by `scripts/reference.py`."
    yield ""
    yield from _documentation(module)
    for name in sorted(_exports(module)):
        yield from _entry(module.members[name], name)


def _exports(module: griffe.Object | griffe.Alias) -> set[str]:
    """Return the public names: those of ``__all__``, or what a lazy door imports for checkers."""
    if module.exports is not None:
        return {str(name) for name in module.exports}
    tree = ast.parse(Path(str(module.filepath)).read_text())
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return {alias.name for node in imports for alias in node.names if alias.asname == alias.name}


def _entry(named: griffe.Object | griffe.Alias, name: str) -> Iterator[str]:
    thing = named.final_target if isinstance(named, griffe.Alias) else named
    yield f"## `{name}`"
    yield ""
    yield from _signature(thing, name)
    yield from _documentation(thing)
    if isinstance(thing, griffe.Class):
        for member in thing.members.values():
            if member.docstring and not member.name.startswith("_"):
                yield from _member(member, f"{name}.{member.name}")


def _member(member: griffe.Object | griffe.Alias, name: str) -> Iterator[str]:
    yield f"### `{name}`"
    yield ""
    yield from _signature(member, member.name)
    yield from _documentation(member)


def _signature(thing: griffe.Object | griffe.Alias, name: str) -> Iterator[str]:
    text = _code(thing, name)
    if text:
        yield from ("```python", text, "```", "")


def _code(thing: griffe.Object | griffe.Alias, name: str) -> str:
    if isinstance(thing, griffe.Class) and "__init__" in thing.members:
        return f"class {name}{str(thing.signature()).removeprefix(thing.name)}"
    if isinstance(thing, griffe.Class):
        bases = ", ".join(str(base) for base in thing.bases if not str(base).startswith("_"))
        return f"class {name}({bases})" if bases else f"class {name}"
    if isinstance(thing, griffe.Function):
        return str(thing.signature())
    annotation = str(thing.annotation or "") if isinstance(thing, griffe.Attribute) else ""
    return f"{name}: {annotation}" if annotation not in {"", "TypeAlias"} else ""


def _documentation(thing: griffe.Object | griffe.Alias) -> Iterator[str]:
    constructor = thing.members.get("__init__") if isinstance(thing, griffe.Class) else None
    sections = [*(thing.docstring.parsed if thing.docstring else ())]
    if constructor is not None and constructor.docstring:
        # Its first line says what the class says already; arguments and errors do not.
        sections += [one for one in constructor.docstring.parsed if one.kind.value != "text"]
    for section in sections:
        yield from _section(section)


def _section(section: griffe.DocstringSection) -> Iterator[str]:
    if isinstance(section, griffe.DocstringSectionText):
        yield from _text(section.value)
    elif isinstance(section.value, list):
        yield f"**{section.kind.value.capitalize()}**"
        yield ""
        for item in section.value:
            label = getattr(item, "name", "") or str(item.annotation)
            told = " ".join(str(item.description).split())
            yield f"- `{label}`: {_inline(told)}"
        yield ""


def _text(text: str) -> Iterator[str]:
    """Yield paragraphs of a docstring as Markdown, with examples fenced."""
    for paragraph in re.split(r"\n{2,}", text.strip()):
        if paragraph.startswith(">>>"):
            yield from ("```pycon", *paragraph.split("\n"), "```", "")
        else:
            yield from (_inline(paragraph), "")


def _inline(text: str) -> str:
    """Spell literals of reStructuredText, and its indented examples, as Markdown does."""
    return re.sub(r"``([^`]+)``", r"`\1`", text).replace("::", ":")
