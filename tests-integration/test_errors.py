"""Every error of every distribution keeps its code, and crosses a process border whole.

After a deliberate change, write the golden file anew: ``python tests-integration/test_errors.py``.
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
# It needs an environment of its own; its errors are raised, not defined there.
APART = "tradai.core.arcticdb"


def _import_everything() -> None:
    for module in pkgutil.walk_packages(tradai.__path__, "tradai."):
        if not module.name.startswith(APART):
            importlib.import_module(module.name)


def _kinds(root: type[TradAIError]) -> Iterator[type[TradAIError]]:
    yield root
    for kind in root.__subclasses__():
        yield from _kinds(kind)


_import_everything()
KINDS = sorted(
    (kind for kind in set(_kinds(TradAIError)) if kind.__module__.startswith("tradai.")),
    key=lambda kind: kind.__qualname__,
)


def _example(kind: type[TradAIError]) -> TradAIError:
    """Make one error of `kind`, with a text for each argument and a cause."""
    parameters = [*inspect.signature(kind).parameters.values()]
    positional = [f"a {one.name}" for one in parameters if one.kind is one.POSITIONAL_ONLY]
    keywords = [one for one in parameters if one.kind is one.KEYWORD_ONLY]
    named = {one.name: 2 if one.annotation is int else f"a {one.name}" for one in keywords}
    error = kind(*positional, **named)
    error.__cause__ = OSError("the disk is on fire")
    error.add_note("a note")
    return error


def _through_pickle(error: TradAIError) -> TradAIError:
    # The bytes are our own, made in the same line.
    twin = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert isinstance(twin, TradAIError)
    return twin


def _table() -> dict[str, dict[str, object]]:
    return {
        kind.__name__: {
            "code": kind.code,
            "exit_code": kind.exit_code,
            "retryable": kind.retryable,
        }
        for kind in KINDS
    }


def test_codes_exit_codes_and_retryability_are_those_of_the_golden_file() -> None:
    assert _table() == json.loads(GOLDEN.read_text())


def test_no_two_kinds_share_a_code() -> None:
    codes = [kind.code for kind in KINDS]

    assert sorted(set(codes)) == sorted(codes)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, _through_pickle])
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_copying_and_pickling_whole(
    kind: type[TradAIError], duplicate: Callable[[TradAIError], TradAIError]
) -> None:
    error = _example(kind)

    twin = duplicate(error)

    facts = {name: value for name, value in vars(twin).items() if name != "_cause_text"}
    assert type(twin) is kind
    assert (str(twin), twin.args, facts) == (str(error), error.args, vars(error))
    assert twin.__notes__ == ["a note"]
    assert twin.cause_text == "OSError: the disk is on fire"


if __name__ == "__main__":
    GOLDEN.write_text(f"{json.dumps(_table(), indent=2)}\n")
