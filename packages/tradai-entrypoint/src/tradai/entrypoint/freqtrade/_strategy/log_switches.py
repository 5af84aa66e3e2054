"""Find code of a strategy that turns off log records of the engine, or of the whole process.

The verdict on a run rests on the engine's records, and errors of the strategy are counted in them.
"""

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from tradai.entrypoint.freqtrade._strategy.python_module import PythonModule, mentioning

_WORDS: Final = (
    *(b"logging.disable", b"import disable", b"dictConfig", b"fileConfig", b"loggerDict"),
    *(b'"freqtrade.', b"'freqtrade."),
)
# Loggers of facts that come after the strategy was loaded.
DECIDING_LOGGERS: Final = tuple(
    f"freqtrade.{name}"
    for name in (
        *("data.dataprovider", "data.history.datahandlers.idatahandler"),
        *("data.history.history_utils", "exchange.common", "freqai.freqai_interface"),
        *("freqtradebot", "optimize.hyperopt.hyperopt", "rpc.rpc_manager"),
        *("strategy.parameters", "strategy.strategy_wrapper", "worker"),
    )
)
_SWITCHES: Final = frozenset(
    {"logging.disable", "logging.config.dictConfig", "logging.config.fileConfig"}
)
# What a loop over all loggers goes through, those of the engine among them.
_ALL_LOGGERS: Final = "loggerDict"
# Parts of a logger that keep its records from being handled.
_LIMITS: Final = frozenset({"setLevel", "addFilter", "disabled", "handlers"})
# What keeps the records of loggers that exist already.
_OPTION: Final = "disable_existing_loggers"


def log_switches(module: PythonModule, others: Mapping[str, PythonModule]) -> Iterator[str]:
    """Yield each with its place, in `module` and in those of `others` that it imports."""
    for each in mentioning(module, others, _WORDS):
        yield from _switches_in(each)


def _switches_in(module: PythonModule) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            name = module.full_name(node.func)
            if name in _SWITCHES and not _keeps_records(module, node):
                yield f"{module.place(node)} calls {name}"
        if isinstance(node, ast.Attribute):
            if node.attr == _ALL_LOGGERS:
                yield f"{module.place(node)} goes through all loggers ({_ALL_LOGGERS})"
            elif node.attr in _LIMITS and (logger := _deciding_logger(module, node.value)):
                yield f"{module.place(node)} sets {node.attr} of the logger {logger}"


def _deciding_logger(module: PythonModule, node: ast.expr) -> str | None:
    """Return the name of the logger that `node` asks for, if a verdict rests on its records."""
    match node:
        case ast.Call(func=function, args=[ast.Constant(value=str(name))]):
            is_asked_for = module.full_name(function) == "logging.getLogger"
            return name if is_asked_for and name in DECIDING_LOGGERS else None
    return None


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
