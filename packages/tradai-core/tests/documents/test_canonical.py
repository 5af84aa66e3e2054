"""Digests: one per meaning, the same everywhere."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tradai.core import StrategyConfig, canonical_json, digest, version_id
from tradai.core.exceptions import ValidationError

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner),
    max_leaves=8,
)
PROGRAM = """
from tradai.core import StrategyConfig, digest
config = StrategyConfig.model_validate({
    "zeta": {"b": 1, "a": [1.5, "ü"]}, "version": "1.0.0", "timeframe": "5m", "name": "trend",
    "execution": {"stake_amount": 0.10, "minimal_roi": {"30": 0.05, "0": 0.1}},
    "pairs": ["BTC/USDT"], "alpha": True,
})
print(digest(config.canonical()))
"""
GOLDEN = "0aac973a280acab39d230bbacf74816ba27b284339e87d3aeeed5868671b3e1d"


def _config(**changes: object) -> StrategyConfig:
    values = {"name": "trend", "version": "1.0.0", "timeframe": "5m"}
    return StrategyConfig.model_validate(values | changes)


def _digest(**changes: object) -> str:
    return digest(_config(**changes).canonical())


def _reversed(value: object) -> object:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", ["0", "424242"])
def test_every_process_computes_the_golden_digest(seed: str) -> None:
    # Our own interpreter, running the text above.
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == GOLDEN


@given(VALUES)
def test_the_order_of_keys_does_not_matter(value: object) -> None:
    assert digest(_reversed(value)) == digest(value)


@pytest.mark.parametrize("amount", [0.1, "0.1", "0.100", "1e-1", Decimal("0.10")], ids=repr)
def test_the_written_form_of_an_amount_does_not_matter(amount: object) -> None:
    assert _digest(execution={"fee": amount}) == _digest(execution={"fee": 0.1})


def test_a_whole_amount_is_the_same_as_int_float_and_text() -> None:
    digests = {_digest(execution={"stake_amount": one}) for one in (50, 50.0, "50", "50.00")}

    assert len(digests) == 1


def test_writing_a_default_does_not_matter() -> None:
    written = _digest(
        pairs=[],
        exchange="binance",
        freqai=None,
        execution={"max_open_trades": None},
        an_extra=None,
    )

    assert written == _digest()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"pairs": ["BTC/USDT"]},
        {"parameters": {"a": 1}},
        {"execution": {"fee": 0}},
        {"an_extra": 1},
        {"an_extra": "1"},
        {"an_extra": True},
    ],
)
def test_every_value_counts_extras_too(changes: dict[str, Any]) -> None:
    assert _digest(**changes) != _digest()


def test_different_extras_give_different_digests() -> None:
    extras: list[object] = [0, "0", False, "", [], {}, 0.5]

    assert len({_digest(an_extra=extra) for extra in extras}) == len(extras)


def test_the_order_of_pairs_counts() -> None:
    assert _digest(pairs=["BTC/USDT", "ETH/USDT"]) != _digest(pairs=["ETH/USDT", "BTC/USDT"])


@pytest.mark.parametrize(
    ("value", "spelling"),
    [
        (None, b"null"),
        (True, b"true"),
        (1.0, b"1"),
        (-0.0, b"0"),
        (1e300, b"1e+300"),
        (2**60, b"1152921504606846976"),
        ("\u00fc", '"\u00fc"'.encode()),
        (Decimal("1.50E+2"), b'"150"'),
        (Decimal("-0.00"), b'"0"'),
        (datetime(2025, 1, 1, tzinfo=UTC), b'"2025-01-01T00:00:00Z"'),
        (datetime(2025, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), b'"2025-01-01T00:00:00Z"'),
        ({"b": (1,), "a": []}, b'{"a":[],"b":[1]}'),
    ],
)
def test_each_value_has_one_canonical_form(value: object, spelling: bytes) -> None:
    assert canonical_json(value) == spelling


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("-inf"),
        Decimal("NaN"),
        datetime(2025, 1, 1, tzinfo=UTC).replace(tzinfo=None),
        {1: 2},
        {1, 2},
        b"bytes",
        "\ud800",
        [10**5_000],
        object(),
    ],
)
def test_a_value_without_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="cannot digest"):
        digest([value])


def test_the_short_name_is_the_head_of_the_digest() -> None:
    assert version_id("0123456789abcdef") == "v1-01234567"
