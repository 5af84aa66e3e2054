"""Messages of errors show what stands in the code that raised them, and nothing else."""

from collections.abc import Callable
from ipaddress import ip_address

import pytest

from tradai.core._layers.code_message import code_message

VALUE = "planted fake value"
SENTENCE = "must be lower-case, as in a file"


def _raise(message: str) -> None:
    raise ValueError(message)


def _constant(_: str) -> None:
    message = "must be lower-case"
    raise ValueError(message)


def _formatted(value: str) -> None:
    message = f"{value!r} is not {value[:3]} good"
    raise ValueError(message)


def _percent(value: str) -> None:
    # An older way of formatting, which code of others still has.
    message = "the pair %r is not good" % value  # noqa: UP031
    raise ValueError(message)


def _format(value: str) -> None:
    # Another one.
    _raise("the pair {} is not good".format(value))  # noqa: UP032


def _global(_: str) -> None:
    raise ValueError(SENTENCE)


def _word(value: str) -> None:
    if value == "planted fake value".replace("+", ""):
        message = f"{value.split(maxsplit=1)[0]}"
        raise ValueError(message)


@pytest.mark.parametrize(
    ("fail", "message"),
    [
        (_constant, "must be lower-case"),
        (_formatted, "*** is not *** good"),
        (_percent, "the pair *** is not good"),
        (_format, "the pair *** is not good"),
        (_global, SENTENCE),
        (_word, ""),
        (int, ""),
        (ip_address, "*** does not appear to be an IPv4 or IPv6 address"),
    ],
)
def test_only_constants_of_the_code_are_shown(fail: Callable[[str], object], message: str) -> None:
    # The message is compared below, as it is shown.
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        fail(VALUE)

    assert code_message(caught.value) == message


def test_an_error_that_was_never_raised_shows_nothing() -> None:
    assert code_message(ValueError("planted fake value")) == ""
