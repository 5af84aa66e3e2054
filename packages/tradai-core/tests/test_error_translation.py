"""Vendor errors become ours at one border: by table, with their cause or scrubbed of it."""

import pickle
import traceback

import pytest

from tradai.core import ErrorTable
from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    TradAIError,
    ValidationError,
)

PLANTED = "not-a-real-secret-41d7"


class VendorError(Exception):
    """Base class of all errors of the vendor."""


class MissingError(VendorError):
    """One of the vendor's own."""


class GoneError(MissingError):
    """A special case of it."""


def _missing(error: VendorError, operation: str, *, key: str) -> TradAIError:
    return NotFoundError(f"cannot {operation} {key}: {error}", kind="thing", key=key)


def _failed(_: VendorError, operation: str, *, key: str) -> TradAIError:
    return ExternalServiceError(
        f"cannot {operation} {key}", service="vendor", operation=operation, retryable=True
    )


TABLE = ErrorTable({MissingError: _missing, VendorError: _failed})


def _scrubbed(_: VendorError) -> TradAIError:
    return ConfigurationError("the secret cannot be read; check its name")


SCRUBBING = ErrorTable({VendorError: _scrubbed}, scrubs=True)


def test_an_error_becomes_what_its_rule_makes_of_it_and_is_the_cause() -> None:
    vendors = MissingError("no such thing")

    with pytest.raises(NotFoundError) as caught, TABLE.translated("read", key="a"):
        raise vendors

    assert str(caught.value) == "cannot read a: no such thing"
    assert caught.value.__cause__ is vendors
    assert caught.value.cause_text == "MissingError: no such thing"


def test_the_nearest_kind_in_the_table_decides() -> None:
    with pytest.raises(NotFoundError), TABLE.translated("read", key="a"):
        raise GoneError

    with pytest.raises(ExternalServiceError), TABLE.translated("read", key="a"):
        raise VendorError


@pytest.mark.parametrize("passing", [ValueError, KeyboardInterrupt, NotFoundError])
def test_an_error_outside_the_table_passes_unchanged(passing: type[BaseException]) -> None:
    error = passing.__new__(passing)

    with pytest.raises(passing) as caught, TABLE.translated("read", key="a"):
        raise error

    assert caught.value is error
    assert caught.value.__cause__ is None


def test_an_error_of_ours_passes_although_it_is_a_builtin_in_the_table() -> None:
    table = ErrorTable({ValueError: _missing})
    error = ValidationError("no number", field="n")

    with pytest.raises(ValidationError) as caught, table.translated("read", key="a"):
        raise error

    assert caught.value is error


def test_nothing_happens_where_nothing_is_raised() -> None:
    with TABLE.translated("read", key="a"):
        pass


def test_a_vendor_is_known_by_name_without_being_imported() -> None:
    table = ErrorTable({f"{__name__}.MissingError": _missing})

    with pytest.raises(NotFoundError), table.translated("read", key="a"):
        raise GoneError


def test_a_rule_may_be_asked_outside_of_a_border() -> None:
    ours = TABLE.ours(MissingError("no such thing"), "read", key="a")

    assert isinstance(ours, NotFoundError)
    assert TABLE.ours(ValueError(), "read", key="a") is None


def test_a_scrubbed_error_holds_nothing_of_the_vendors() -> None:
    with pytest.raises(ConfigurationError) as caught, SCRUBBING.translated():
        raise VendorError(PLANTED)

    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    assert error.__notes__ == [f"caused by {__name__}.VendorError"]
    assert PLANTED not in pickle.dumps(error).decode("latin-1")


def test_no_frame_of_the_border_keeps_the_vendors_error() -> None:
    with pytest.raises(ConfigurationError) as caught, SCRUBBING.translated():
        raise VendorError(PLANTED)

    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)][1:]
    assert frames
    assert PLANTED not in repr([frame.f_locals for frame in frames])
