"""Every error of every distribution keeps its code, also between processes.

After a deliberate change, write the golden file again: ``python tests-integration/test_errors.py``.
"""

import copy
import importlib
import inspect
import json
import pickle
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tradai
from tradai.core.exceptions import TradAIError

GOLDEN = Path(__file__).parent / "golden" / "errors.json"
# It needs an environment of its own, and defines no errors.
APART = "tradai.core.arcticdb"


def _import_everything() -> None:
    for module in pkgutil.walk_packages(tradai.__path__, "tradai."):
        if not module.name.startswith(APART):
            importlib.import_module(module.name)


def _error_types(root: type[TradAIError]) -> Iterator[type[TradAIError]]:
    yield root
    for error_type in root.__subclasses__():
        yield from _error_types(error_type)


_import_everything()
ERROR_TYPES = sorted(
    (
        error_type
        for error_type in set(_error_types(TradAIError))
        if error_type.__module__.startswith("tradai.")
    ),
    key=lambda error_type: error_type.__qualname__,
)


def _example(error_type: type[TradAIError]) -> TradAIError:
    """Make one error of `error_type`, with a text for each argument and a cause."""
    parameters = [*inspect.signature(error_type).parameters.values()]
    positional = [
        f"a {parameter.name}"
        for parameter in parameters
        if parameter.kind is parameter.POSITIONAL_ONLY
    ]
    keywords = [parameter for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    named = {
        parameter.name: 2 if parameter.annotation is int else f"a {parameter.name}"
        for parameter in keywords
    }
    error = error_type(*positional, **named)
    error.__cause__ = OSError("the disk is on fire")
    error.add_note("a note")
    return error


def _through_pickle(error: TradAIError) -> TradAIError:
    # The bytes were made in the same line.
    copied = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert isinstance(copied, TradAIError)
    return copied


def _table() -> dict[str, dict[str, object]]:
    return {
        error_type.__name__: {
            "code": error_type.code,
            "exit_code": error_type.exit_code,
            "retryable": error_type.retryable,
        }
        for error_type in ERROR_TYPES
    }


def test_codes_exit_codes_and_retryability_are_those_of_the_golden_file() -> None:
    assert _table() == json.loads(GOLDEN.read_text())


def test_no_two_errors_share_a_code() -> None:
    codes = [error_type.code for error_type in ERROR_TYPES]

    assert sorted(set(codes)) == sorted(codes)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, _through_pickle])
@pytest.mark.parametrize("error_type", ERROR_TYPES)
def test_an_error_survives_copying_and_pickling_whole(
    error_type: type[TradAIError], duplicate: Callable[[TradAIError], TradAIError]
) -> None:
    error = _example(error_type)

    copied = duplicate(error)

    facts = {name: value for name, value in vars(copied).items() if name != "_cause_text"}
    assert type(copied) is error_type
    assert (str(copied), copied.args, facts) == (str(error), error.args, vars(error))
    assert copied.__notes__ == ["a note"]
    assert copied.cause_text == "OSError: the disk is on fire"


if __name__ == "__main__":
    GOLDEN.write_text(f"{json.dumps(_table(), indent=2)}\n")
