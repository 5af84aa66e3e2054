"""An answer is read whole or refused, in whatever form it comes."""

import json
from typing import Final

import pydantic
import pytest
from hypothesis import given, strategies as st

from tradai.core import JsonValue
from tradai.entrypoint.freqtrade._exchange._binance.answers import OrderAnswer

ORDER: Final[dict[str, JsonValue]] = {
    "symbol": "BTCUSDT",
    "orderId": 12,
    "clientOrderId": "x-1",
    "side": "SELL",
    "status": "NEW",
    "origQty": "2.0",
    "executedQty": "0.5",
    "cummulativeQuoteQty": "300",
    "price": "59000",
}
SCALARS = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "NaN", "-1", "BUY", "1"])
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.just("a"), SCALARS)


@given(name=st.sampled_from(sorted(ORDER)), value=VALUES)
def test_an_order_of_any_form_is_read_or_refused(name: str, value: JsonValue) -> None:
    try:
        order = OrderAnswer.model_validate_json(json.dumps(ORDER | {name: value})).value()
    except pydantic.ValidationError:
        return

    assert order.amount >= 0
    assert order.filled.is_finite()
    assert order.side in {"buy", "sell"}


@pytest.mark.parametrize("name", sorted(ORDER))
def test_an_order_with_a_part_missing_is_refused(name: str) -> None:
    parts = {key: value for key, value in ORDER.items() if key != name}

    with pytest.raises(pydantic.ValidationError):
        OrderAnswer.model_validate_json(json.dumps(parts))
