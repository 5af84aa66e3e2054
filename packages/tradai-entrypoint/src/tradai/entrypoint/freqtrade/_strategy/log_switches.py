"""Find code of a strategy that turns off log records of the engine, or of the whole process.

The verdict on a run rests on the engine's records, and errors of the strategy are counted in them.
"""

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from tradai.entrypoint.freqtrade._strategy.log_names import LogNames
from tradai.entrypoint.freqtrade._strategy.python_module import PythonModule, mentioning

# Whatever the alias, one of these stands where the module or a logger of the engine is imported.
_WORDS: Final = (b"logging", b"logger", b"Logger")
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
_LIMITS: Final = frozenset(
    {"setLevel", "level", "addFilter", "filters", "disabled", "propagate", "parent"}
    | {"handlers", "removeHandler"}
)
# The handler of the records is that of the engine's parent logger, whose own level counts for none
# of the deciding ones.
_PARENT: Final = "freqtrade"
_PARENT_LIMITS: Final = frozenset({"handlers", "removeHandler"})
# Classes whose methods handle each record.
_CLASSES: Final = ("Logger", "Manager", "Handler", "StreamHandler", "FileHandler", "Filterer")
# What keeps the records of loggers that exist already.
_OPTION: Final = "disable_existing_loggers"


def log_switches(module: PythonModule, others: Mapping[str, PythonModule]) -> Iterator[str]:
    """Yield each with its place, in `module` and in those of `others` that it imports."""
    for each in mentioning(module, others, _WORDS):
        yield from _switches_in(each)


def _switches_in(module: PythonModule) -> Iterator[str]:
    names = LogNames(module)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            called = _SWITCHES & names.meanings(node.func)
            if called and not _keeps_records(names, node):
                yield f"{module.place(node)} calls {min(called)}"
        for owner, part, is_set in _parts(node):
            if said := _part_said(names, owner, part, is_set=is_set):
                yield f"{module.place(owner)} {said}"


def _parts(node: ast.AST) -> Iterator[tuple[ast.expr, str, bool]]:
    """Yield each attribute that `node` names: its owner, its name, and whether it is set."""
    match node:
        case ast.Attribute(value=owner, attr=part, ctx=context):
            yield owner, part, not isinstance(context, ast.Load)
        case ast.Call(
            func=ast.Name(id="setattr" | "getattr" | "delattr" as name),
            args=[owner, ast.Constant(value=str(part)), *_],
        ):
            yield owner, part, name != "getattr"


def _part_said(names: LogNames, owner: ast.expr, part: str, *, is_set: bool) -> str | None:
    """Say which records `part` of `owner` turns off; None for none."""
    if part == _ALL_LOGGERS:
        return f"goes through all loggers ({_ALL_LOGGERS})"
    if part in _LIMITS:
        for logger in sorted(names.logger_names(owner)):
            if logger in DECIDING_LOGGERS or (logger == _PARENT and part in _PARENT_LIMITS):
                return f"sets {part} of the logger {logger}"
    if is_set:
        for meaning in sorted(names.meanings(owner)):
            if _handles_records(meaning, part):
                return f"sets {meaning}.{part}".replace(":", " ")
    return None


def _handles_records(owner: str, part: str) -> bool:
    """Tell whether `part` of `owner` decides over the records of all loggers."""
    is_switch = part == "disable" and owner.endswith(".manager")
    return is_switch or owner in {f"logging.{name}" for name in _CLASSES}


def _keeps_records(names: LogNames, call: ast.Call) -> bool:
    options = [(word.arg, word.value) for word in call.keywords]
    for argument in call.args:
        if "logging.NOTSET" in names.meanings(argument):
            return True
        if isinstance(argument, ast.Dict):
            keys = (getattr(key, "value", None) for key in argument.keys)
            options += zip(keys, argument.values, strict=True)
    return any(
        name == _OPTION and getattr(value, "value", True) is False for name, value in options
    )
