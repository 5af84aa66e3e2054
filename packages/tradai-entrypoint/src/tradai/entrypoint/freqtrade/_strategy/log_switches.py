"""Find calls in a strategy's code that turn off log records of the whole process.

The verdict on a run rests on the engine's records, and errors of the strategy are counted in them.
"""

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from tradai.entrypoint.freqtrade._strategy.python_module import PythonModule, mentioning

_WORDS: Final = (b"logging.disable", b"import disable", b"dictConfig", b"fileConfig")
_SWITCHES: Final = frozenset(
    {"logging.disable", "logging.config.dictConfig", "logging.config.fileConfig"}
)
# What keeps the records of loggers that exist already.
_OPTION: Final = "disable_existing_loggers"


def log_switches(module: PythonModule, others: Mapping[str, PythonModule]) -> Iterator[str]:
    """Yield place and name of each such call in `module` and in those of `others` it imports."""
    for each in mentioning(module, others, _WORDS):
        yield from _switches_in(each)


def _switches_in(module: PythonModule) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            name = module.full_name(node.func)
            if name in _SWITCHES and not _keeps_records(module, node):
                yield f"{module.place(node)} calls {name}"


def _keeps_records(module: PythonModule, call: ast.Call) -> bool:
    options = [(word.arg, word.value) for word in call.keywords]
    for argument in call.args:
        if module.full_name(argument) == "logging.NOTSET":
            return True
        if isinstance(argument, ast.Dict):
            names = (getattr(key, "value", None) for key in argument.keys)
            options += zip(names, argument.values, strict=True)
    return any(
        name == _OPTION and getattr(value, "value", True) is False for name, value in options
    )
