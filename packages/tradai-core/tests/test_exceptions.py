"""Errors cross process borders whole, and their tree is the one the docstring draws."""

import copy
import inspect
import pickle
import re
from collections.abc import Callable, Iterator

import pytest

import tradai.core
from tradai.core import exceptions
from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    StorageError,
    TradAIError,
    TradingError,
    ValidationError,
)

for _name in vars(tradai.core)["__all__"]:  # an error that lives elsewhere is found as well
    getattr(tradai.core, _name)


def _kinds(root: type[TradAIError] = TradAIError) -> Iterator[type[TradAIError]]:
    yield root
    for kind in root.__subclasses__():
        yield from _kinds(kind)


def _example(kind: type[TradAIError]) -> TradAIError:
    keywords = [
        parameter.name
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    error = kind("the thing is wrong; fix it", **{name: f"a {name}" for name in keywords})
    error.add_note("first note")
    error.add_note("second note")
    return error


# Other distributions may be loaded beside us; their errors are theirs to test.
KINDS = sorted(
    (kind for kind in set(_kinds()) if kind.__module__.startswith("tradai.core.")),
    key=lambda kind: kind.__qualname__,
)


def _through_pickle(error: TradAIError) -> TradAIError:
    # The bytes are our own, made in the same line.
    twin = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert isinstance(twin, TradAIError)
    return twin


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, _through_pickle])
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_copying_and_pickling_whole(
    kind: type[TradAIError], duplicate: Callable[[TradAIError], TradAIError]
) -> None:
    error = _example(kind)

    twin = duplicate(error)

    assert type(twin) is kind
    assert str(twin) == str(error)
    assert twin.args == error.args
    assert vars(twin) == vars(error)
    assert twin.__notes__ == ["first note", "second note"]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, _through_pickle])
@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_tells_the_cause_of_the_original(
    kind: type[TradAIError], duplicate: Callable[[TradAIError], TradAIError]
) -> None:
    error = _example(kind)
    error.__cause__ = OSError("the disk is on fire")

    twin = duplicate(duplicate(error))

    assert error.cause_text == "OSError: the disk is on fire"
    assert twin.cause_text == error.cause_text


def test_a_cause_that_cannot_be_printed_is_shown_by_its_name() -> None:
    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    error = _example(ConfigurationError)
    error.__cause__ = BrokenError()

    assert _through_pickle(error).cause_text == error.cause_text == "BrokenError"


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_without_a_cause_tells_none(kind: type[TradAIError]) -> None:
    assert _example(kind).cause_text == ""


def test_the_text_of_a_cause_is_masked() -> None:
    error = _example(ConfigurationError)
    error.__cause__ = OSError("GET https://me:not-a-real-password@example.org/ failed")

    assert error.cause_text == "OSError: GET https://***@example.org/ failed"
    assert b"not-a-real-password" not in pickle.dumps(error)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_sentence_is_printed(kind: type[TradAIError]) -> None:
    error = _example(kind)

    assert str(error) == "the thing is wrong; fix it"
    assert repr(error) == f"{kind.__name__}('the thing is wrong; fix it')"


def test_a_note_on_a_copy_does_not_reach_the_original() -> None:
    error = _example(ConfigurationError)

    copy.copy(error).add_note("third note")

    assert error.__notes__ == ["first note", "second note"]


def test_the_docstring_draws_the_tree_as_it_is() -> None:
    lines = re.findall(r"^    ([│├└─ ]*)(\w+Error)\b", exceptions.__doc__ or "", re.MULTILINE)
    drawn = {name: len(prefix) // 4 for prefix, name in lines}
    real = {
        name: getattr(exceptions, name).__mro__.index(TradAIError) for name in exceptions.__all__
    }

    assert drawn == real


def test_errors_can_be_caught_as_the_builtin_they_are() -> None:
    assert issubclass(ValidationError, ValueError)
    assert issubclass(NotFoundError, LookupError)


def test_facts_are_fields_and_the_sentence_stays_alone() -> None:
    error = NotFoundError("no secret 'x' in eu-west-1", kind="secret", key="x")

    assert str(error) == "no secret 'x' in eu-west-1"
    assert (error.kind, error.key) == ("secret", "x")


def test_only_an_external_failure_can_be_retryable() -> None:
    failure = ExternalServiceError("s3 timed out", service="s3", operation="get", retryable=True)

    assert failure.retryable
    assert not TradingError("no", reason="closed").retryable


def test_a_storage_error_is_about_the_file_system_unless_it_says_otherwise() -> None:
    assert StorageError("the disk is full", operation="write").service == "filesystem"


def test_a_message_is_positional_and_facts_are_not() -> None:
    parameters = inspect.signature(ConfigurationError).parameters

    assert [parameter.kind.name for parameter in parameters.values()] == [
        "POSITIONAL_ONLY",
        "KEYWORD_ONLY",
        "KEYWORD_ONLY",
    ]
