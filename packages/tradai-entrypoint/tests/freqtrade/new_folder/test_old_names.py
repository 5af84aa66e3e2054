"""Settings under their old names get the present ones, unless two of them are one setting."""

import pytest

from tradai.core import JsonValue
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._new_folder.old_names import with_present_names


def refusal(**config: JsonValue) -> str:
    with pytest.raises(ConfigurationError) as caught:
        with_present_names(config)
    return str(caught.value)


def test_two_old_names_of_one_setting_are_both_named() -> None:
    orders: JsonValue = {"emergencysell": "market", "emergencyexit": "limit"}

    assert refusal(order_types=orders) == (
        "order_types.emergencysell and order_types.emergencyexit are both old names of "
        "order_types.emergency_exit: leave one"
    )


def test_an_old_and_the_present_name_of_one_setting_are_both_named() -> None:
    assert refusal(use_sell_signal=True, use_exit_signal=False) == (
        "use_sell_signal and use_exit_signal are one setting, the first by its old name: leave one"
    )


@pytest.mark.parametrize("value", ["x", 1, []])
def test_a_value_in_the_place_of_a_block_is_not_replaced(value: JsonValue) -> None:
    assert refusal(bid_strategy={"price_side": "ask"}, entry_pricing=value) == (
        "bid_strategy.price_side is entry_pricing.price_side now, and entry_pricing is not a "
        "block: write one there"
    )
