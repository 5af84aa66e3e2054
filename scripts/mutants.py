"""Changes for mutation testing of a file, one at a time; used by `mutate.py`."""

import ast
import copy
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

__all__ = ["Mutant", "Mutator", "shown"]

_SWAPPED: Final[dict[type[ast.AST], type[ast.AST]]] = {
    ast.Add: ast.Sub,
    ast.And: ast.Or,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.Div: ast.Mult,
    ast.Eq: ast.NotEq,
    ast.FloorDiv: ast.Mult,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.LShift: ast.RShift,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Mod: ast.Mult,
    ast.Mult: ast.FloorDiv,
    ast.NotEq: ast.Eq,
    ast.NotIn: ast.In,
    ast.Or: ast.And,
    ast.Pow: ast.Mult,
    ast.RShift: ast.LShift,
    ast.Sub: ast.Add,
}
# In these places short texts are data; elsewhere they are mostly messages for people.
_DATA_PLACES: Final = (ast.Compare, ast.Dict, ast.List, ast.Set, ast.Subscript, ast.Tuple)
_MANY_WORDS: Final = 3
_REMOVABLE: Final = (ast.AugAssign, ast.Break, ast.Continue, ast.Delete, ast.Raise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A change: its place, the code before and after, and the changed file."""

    file: Path
    line: int
    before: str
    after: str
    source: bytes

    def __str__(self) -> str:
        """Return place and change on one line."""
        return f"{shown(self.file)}:{self.line}: {_short(self.before)}  ->  {_short(self.after)}"


class Mutator:
    """Finds the possible changes of one file."""

    def __init__(self, file: Path) -> None:
        """Read and parse `file`."""
        self._file = file
        self._source = file.read_bytes()
        self._tree = ast.parse(self._source)
        self._starts = [0]
        for line in self._source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def mutants(self) -> Iterator[Mutant]:
        """Yield every change that still compiles."""
        for node, parent in _code(self._tree):
            for text in _replacements(node, parent):
                mutant = self._mutant(node, text)
                with suppress(SyntaxError):
                    compile(mutant.source, str(self._file), "exec")
                    yield mutant

    def _mutant(self, node: ast.expr | ast.stmt, text: str) -> Mutant:
        start = self._starts[node.lineno - 1] + node.col_offset
        stop = self._starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        return Mutant(
            file=self._file,
            line=node.lineno,
            before=self._source[start:stop].decode(),
            after=text,
            source=self._source[:start] + text.encode() + self._source[stop:],
        )


def _code(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, ast.AST]]:
    """Yield each node that runs, with its parent: no annotation, docstring or `__all__`."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "type_params"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_left_out(child):
                if isinstance(child, ast.expr | ast.stmt):
                    yield child, node
                yield from _code(child)


def _is_left_out(node: ast.AST) -> bool:
    # Before Python 3.12 the parts of an f-string have no positions of their own.
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    is_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    is_export = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    return is_text or is_types or is_export or isinstance(node, ast.JoinedStr)


def _replacements(node: ast.expr | ast.stmt, parent: ast.AST) -> Iterator[str]:
    """Yield code that can replace `node`."""
    match node:
        case ast.Compare() | ast.BoolOp() | ast.BinOp():
            yield from _swapped(node)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield f"({ast.unparse(operand)})"
        case ast.Constant():
            yield from _other_values(node, parent)
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) != "None":
            yield "return None"
        case ast.If(test=ast.Name() | ast.Attribute() | ast.Call()):
            yield _negated(node)
        case ast.Expr(value=ast.Call() | ast.Await()):
            yield "pass"
        case _ if isinstance(node, _REMOVABLE):
            yield "pass"


def _swapped(node: ast.Compare | ast.BoolOp | ast.BinOp) -> Iterator[str]:
    """Yield `node` with one operator replaced by a similar one."""
    operators = node.ops if isinstance(node, ast.Compare) else [node.op]
    for index, operator in enumerate(operators):
        if replacement := _SWAPPED.get(type(operator)):
            changed = copy.deepcopy(node)
            if isinstance(changed, ast.Compare):
                changed.ops[index] = cast("ast.cmpop", replacement())
            else:
                changed.op = cast("ast.boolop", replacement())
            yield ast.unparse(changed)


def _other_values(node: ast.Constant, parent: ast.AST) -> Iterator[str]:
    match node.value:
        case bool() as value:
            yield str(not value)
        case int() | float() as value:
            yield repr(value + 1)
        case str() as text if isinstance(parent, _DATA_PLACES) and text.count(" ") < _MANY_WORDS:
            yield repr(text + "~")


def _negated(node: ast.If) -> str:
    test = ast.UnaryOp(op=ast.Not(), operand=node.test)
    lines = ast.unparse(ast.If(test=test, body=node.body, orelse=node.orelse)).splitlines()
    return f"\n{' ' * node.col_offset}".join(lines)


def _short(text: str, *, most: int = 70) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def shown(path: Path) -> Path:
    """Return `path` relative to the working folder, where it is inside."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
