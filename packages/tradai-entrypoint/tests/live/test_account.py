"""The rights of a key: only one that may read and trade, and nothing else, has no problem."""

import pickle
from dataclasses import replace
from itertools import product

import pytest

from tradai.core import Secret
from tradai.core.exceptions import TradAIError
from tradai.entrypoint._live._account.account import ApiKeys, KeyRights
from tradai.entrypoint._live._account.account_errors import (
    ExchangeRateLimitedError,
    KeyRefusedError,
    OrderRefusedError,
    OutcomeUnknownError,
)

TRADER = KeyRights(may_read=True, may_trade=True, may_withdraw=False, may_transfer=False)


def test_of_all_combinations_of_rights_one_has_no_problem() -> None:
    answers = (True, False, None)
    combinations = [
        KeyRights(may_read=read, may_trade=trade, may_withdraw=withdraw, may_transfer=transfer)
        for read, trade, withdraw, transfer in product(answers, repeat=4)
    ]

    assert [rights for rights in combinations if not rights.problems] == [TRADER]


@pytest.mark.parametrize(
    ("name", "given", "problem"),
    [
        ("may_read", False, "the key may not read the account"),
        ("may_trade", None, "it is unknown whether the key may trade on the spot market"),
        ("may_withdraw", True, "the key may withdraw"),
        ("may_transfer", True, "the key may transfer to other accounts"),
    ],
)
def test_a_problem_names_the_right(name: str, problem: str, *, given: bool | None) -> None:
    assert replace(TRADER, **{name: given}).problems == (problem,)


def test_keys_are_masked_wherever_they_are_printed() -> None:
    keys = ApiKeys(key=Secret("FakeKey" * 9), secret=Secret("1234567890" * 4))

    assert "FakeKey" not in repr(keys)
    assert "1234567890" not in repr(keys)


@pytest.mark.parametrize(
    "error",
    [
        KeyRefusedError("a", key="exchange key"),
        ExchangeRateLimitedError("a", service="x", operation="y", retry_after_s=3),
        OrderRefusedError("a", service="x", operation="y", reason="-2010"),
        OutcomeUnknownError("a", service="x", operation="y", client_order_id="x-1"),
    ],
)
def test_an_error_crosses_a_process_border_with_its_facts(error: TradAIError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert type(again) is type(error)
    assert vars(again) == vars(error)
