"""The engine's answer about markets is read, and anything else is none."""

import json

import pytest

from tradai.entrypoint._process.short_child import ChildExit
from tradai.entrypoint.freqtrade._capture.loading import LoadedMarkets

ANSWER = {"markets": [], "names": ["BTC/USDT"], "versions": {"ccxt": "4.5"}}


def ended(output: str, *, return_code: int = 0) -> ChildExit:
    return ChildExit(return_code=return_code, output=output, last_words="")


def test_an_answer_is_read() -> None:
    found = LoadedMarkets.of(ended(json.dumps(ANSWER)))

    assert found == LoadedMarkets(markets=[], names=["BTC/USDT"], versions={"ccxt": "4.5"})


@pytest.mark.parametrize(
    "output", ["", "{}", "[]", json.dumps({**ANSWER, "more": 1}), f"hello\n{json.dumps(ANSWER)}"]
)
def test_anything_else_is_no_answer(output: str) -> None:
    assert LoadedMarkets.of(ended(output)) is None


def test_a_process_that_failed_has_no_answer() -> None:
    assert LoadedMarkets.of(ended(json.dumps(ANSWER), return_code=1)) is None
