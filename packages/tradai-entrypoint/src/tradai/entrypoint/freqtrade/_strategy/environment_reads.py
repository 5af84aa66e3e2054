"""Find the environment variables that the code of a strategy reads.

The engine runs in a closed environment, so that a run can be repeated: the strategy does not see
the variables of the shell.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, final

from tradai.entrypoint.freqtrade._strategy.python_module import PythonModule, mentioning

_WORDS: Final = (b"environ", b"getenv")
_VARIABLES: Final = "os.environ"
_GETTERS: Final = frozenset({"os.getenv", "os.environ.get", "os.environ.pop"})


@final
@dataclass(frozen=True, slots=True, order=True)
class EnvironmentRead:
    """A line that reads an environment variable; `name` is empty when it is made at run time."""

    place: str
    name: str


def environment_reads(
    module: PythonModule, others: Mapping[str, PythonModule]
) -> Iterator[EnvironmentRead]:
    """Yield each read of a variable in `module` and in those of `others` that it imports."""
    for each in mentioning(module, others, _WORDS):
        yield from _reads_in(each)


def _reads_in(module: PythonModule) -> Iterator[EnvironmentRead]:
    found = (_key(module, node) for node in ast.walk(module.tree))
    for key in sorted(filter(None, found), key=lambda key: key.lineno):
        name = key.value if isinstance(key, ast.Constant) else ""
        yield EnvironmentRead(module.place(key), str(name))


def _key(module: PythonModule, node: ast.AST) -> ast.expr | None:
    """Return the name of the variable that `node` reads, as it is written."""
    match node:
        case ast.Subscript(value=target, slice=key, ctx=ast.Load()):
            return key if module.full_name(target) == _VARIABLES else None
        case ast.Call(func=function, args=[key, *_]):
            return key if module.full_name(function) in _GETTERS else None
        case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[target]):
            return key if module.full_name(target) == _VARIABLES else None
    return None
