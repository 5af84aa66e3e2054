"""JSON is read exactly, or refused."""

from decimal import Decimal

import pytest

from tradai.core._documents.strict_json import read_json

DIGITS = "0.1000000000000000055511151231257827"


def test_a_number_keeps_the_digits_that_a_float_rounds_away() -> None:
    (found,) = read_json(f"[{DIGITS}]")

    assert Decimal(str(found)) == Decimal(DIGITS)
    assert found == float(DIGITS)


@pytest.mark.parametrize("text", ['{"a": 1, "a": 1}', '[{"b": {"a": 1, "a": 2}}]', "[1", ""])
def test_a_repeated_key_or_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"repeats a key|Expecting"):
        read_json(text)
