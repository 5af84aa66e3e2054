"""Pages of docs/reference/api: each public module and its names, read from the docstrings.

`scripts/reference.py` writes them. Nothing is imported: modules and docstrings are read as text.
"""

import ast
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import griffe
from example_imports import MissingImportError, free_names, import_lines

ROOT = Path(__file__).resolve().parent.parent
PUBLIC_SUBMODULES = {
    "tradai.aws": ("ecr", "testing"),
    "tradai.core": ("arcticdb", "exceptions", "frames", "live", "testing"),
    "tradai.entrypoint": ("freqtrade",),
}


Thing = griffe.Object | griffe.Alias


def api_pages() -> dict[str, list[str]]:
    """Return the lines of each page by its path inside docs/reference."""
    loader = griffe.GriffeLoader(
        search_paths=sorted(ROOT.glob("packages/*/src")), docstring_parser=griffe.Parser.google
    )
    names = ("aws", "cache", "core", "entrypoint", "mlflow")
    # Loading a package of the namespace loads all of them.
    tradai = loader.load("tradai", try_relative_path=False)
    packages = [tradai.members[name] for name in names]
    loader.resolve_aliases()
    modules = [module for package in packages for module in (package, *_submodules(package))]
    public = _public_paths(modules)
    return {
        f"api/{module.path.removeprefix('tradai.')}.md": list(_Page(module, public).lines())
        for module in modules
    }


def _submodules(package: Thing) -> Iterator[Thing]:
    for name in PUBLIC_SUBMODULES.get(package.path, ()):
        if name in package.members:
            yield package.members[name]


def _public_paths(modules: list[Thing]) -> dict[str, str]:
    """Return the public import path of each public object, by the path of its definition."""
    return {
        _target(module.members[name]).path: f"{module.path}.{name}"
        for module in modules
        for name in _exports(module)
    }


def _exports(module: Thing) -> set[str]:
    """Return the public names: ``__all__``, or the imports for type checkers of a lazy package."""
    if module.exports is not None:
        return {str(name) for name in module.exports}
    tree = ast.parse(Path(str(module.filepath)).read_text(encoding="utf-8"))
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return {alias.name for node in imports for alias in node.names if alias.asname == alias.name}


def _target(named: Thing) -> griffe.Object:
    return named.final_target if isinstance(named, griffe.Alias) else named


class _Page:
    """The page of one public module."""

    def __init__(self, module: Thing, public: Mapping[str, str]) -> None:
        self._module = module
        self._public = public
        self._exports = sorted(_exports(module))

    def lines(self) -> Iterator[str]:
        yield f"# `{self._module.path}`"
        yield ""
        yield "Generated from the docstrings by `scripts/reference.py`."
        yield ""
        yield from self._documentation(self._module)
        for name in self._exports:
            yield from self._entry(_target(self._module.members[name]), name)

    def _entry(self, thing: griffe.Object, name: str) -> Iterator[str]:
        yield f"## `{name}`"
        yield ""
        yield from _signature(thing, name)
        yield from self._documentation(thing)
        if isinstance(thing, griffe.Class):
            for member in _members(thing, self._public):
                if member.docstring and not member.name.startswith("_"):
                    yield from self._member(member, f"{name}.{member.name}")

    def _member(self, member: Thing, name: str) -> Iterator[str]:
        yield f"### `{name}`"
        yield ""
        yield from _signature(member, member.name)
        yield from self._documentation(member)

    def _documentation(self, thing: Thing) -> Iterator[str]:
        constructor = thing.members.get("__init__") if isinstance(thing, griffe.Class) else None
        sections = [*(thing.docstring.parsed if thing.docstring else ())]
        if constructor is not None and constructor.docstring:
            # Its first line repeats the class; only arguments and errors add something.
            parsed = constructor.docstring.parsed
            sections += [section for section in parsed if section.kind.value != "text"]
        examples = "\n\n".join(
            section.value
            for section in sections
            if isinstance(section, griffe.DocstringSectionText)
        )
        imports = self._imports(thing, examples)
        for section in sections:
            for paragraph in _section(section):
                if paragraph.startswith(">>>") and imports:
                    yield from ("```pycon", *imports, paragraph, "```", "")
                    imports = []
                elif paragraph.startswith(">>>"):
                    yield from ("```pycon", paragraph, "```", "")
                else:
                    yield from (paragraph, "")

    def _imports(self, thing: Thing, examples: str) -> list[str]:
        try:
            return import_lines(free_names(examples), self._places(thing))
        except MissingImportError as error:
            message = f"{thing.path}: {error}"
            raise MissingImportError(message) from error

    def _places(self, thing: Thing) -> dict[str, str]:
        """Return the import path of each name that an example of `thing` may use."""
        module = _target(thing if thing.is_module else thing.module)
        defined = {name: f"{module.path}.{name}" for name in module.members}
        places = {**defined, **module.imports}
        public = {name: self._public.get(place, place) for name, place in places.items()}
        exported = {name: f"{self._module.path}.{name}" for name in self._exports}
        return {name: path for name, path in public.items() if "._" not in path} | exported


def _members(thing: griffe.Class, public: Mapping[str, str]) -> Iterator[Thing]:
    """Yield the members of a class, with those of its bases that have no entry of their own."""
    parts = [base for base in reversed(thing.mro()) if base.path not in public]
    yield from {name: member for base in parts for name, member in base.members.items()}.values()
    yield from thing.members.values()


def _signature(thing: Thing, name: str) -> Iterator[str]:
    text = _code(thing, name)
    if text:
        yield from ("```text", text, "```", "")


def _code(thing: Thing, name: str) -> str:
    if isinstance(thing, griffe.Class) and "__init__" in thing.members:
        return f"class {name}{str(thing.signature()).removeprefix(thing.name)}"
    if isinstance(thing, griffe.Class):
        bases = ", ".join(str(base) for base in thing.bases if not str(base).startswith("_"))
        return f"class {name}({bases})" if bases else f"class {name}"
    if isinstance(thing, griffe.Function):
        return str(thing.signature())
    annotation = str(thing.annotation or "") if isinstance(thing, griffe.Attribute) else ""
    return f"{name}: {annotation}" if annotation not in {"", "TypeAlias"} else ""


def _section(section: griffe.DocstringSection) -> Iterator[str]:
    """Yield the paragraphs of a section as Markdown; an example starts with ``>>>``."""
    if isinstance(section, griffe.DocstringSectionText):
        yield from _text(section.value)
    elif isinstance(section.value, list):
        yield f"**{section.kind.value.capitalize()}**"
        yield "\n".join(_item(item) for item in section.value)


def _item(item: griffe.DocstringElement) -> str:
    label = getattr(item, "name", "") or str(item.annotation)
    return f"- `{label}`: {_inline(' '.join(str(item.description).split()))}"


def _text(text: str) -> Iterator[str]:
    """Yield the paragraphs of a docstring; fence each literal block after ``::``."""
    is_literal = False
    literal: list[str] = []
    for paragraph in re.split(r"\n{2,}", text.strip()):
        if is_literal and paragraph.startswith("    "):
            literal.append(paragraph)
            continue
        if literal:
            yield _fenced(literal)
            literal = []
        is_literal = paragraph.endswith("::")
        shown = paragraph if paragraph.startswith(">>>") else _inline(paragraph)
        if shown:
            yield shown
    if literal:
        yield _fenced(literal)


def _fenced(paragraphs: list[str]) -> str:
    return "\n".join(["```text", textwrap.dedent("\n\n".join(paragraphs)), "```"])


def _inline(text: str) -> str:
    """Turn reStructuredText literals into Markdown; drop the ``::`` before a block."""
    text = re.sub(r"(?<=\w)::$", ":", text).removesuffix("::").rstrip()
    return re.sub(r"``([^`]+)``", r"`\1`", text)
