"""The beginning of its client id says whose order it is."""

import re

from hypothesis import given, strategies as st

from tradai.core.live import TradingAccount
from tradai.entrypoint._live._account.order_owner import (
    is_closing,
    is_ours,
    new_closing_id,
    order_prefix,
)

NAMES = st.text("abcXYZ123", min_size=1, max_size=8)


def test_a_prefix_leaves_room_for_the_characters_that_ccxt_appends() -> None:
    prefix = order_prefix(TradingAccount(venue="binance", uid="4242"), "Trend")

    assert prefix.startswith("x-")
    assert len(prefix) + 22 == 36


@given(first=st.tuples(NAMES, NAMES, NAMES), second=st.tuples(NAMES, NAMES, NAMES))
def test_two_strategies_or_accounts_have_two_prefixes(
    first: tuple[str, str, str], second: tuple[str, str, str]
) -> None:
    prefixes = [
        order_prefix(TradingAccount(venue=venue, uid=uid), strategy)
        for venue, uid, strategy in (first, second)
    ]

    assert (prefixes[0] == prefixes[1]) == (first == second)


def test_without_a_prefix_no_order_is_ours() -> None:
    assert not is_ours("x-0123456789ab1", "")
    assert is_ours("x-0123456789ab1", "x-0123456789ab")
    assert not is_ours("web_1", "x-0123456789ab")


def test_a_closing_is_ours_and_differs_from_orders_of_the_engine() -> None:
    prefix = "x-0123456789ab"
    closing, of_engine = new_closing_id(prefix), f"{prefix}{'0123456789abcdef012345'}"

    assert (is_ours(closing, prefix), is_closing(closing, prefix)) == (True, True)
    assert (is_ours(of_engine, prefix), is_closing(of_engine, prefix)) == (True, False)
    assert not is_closing(closing, "")
    assert not is_closing(closing, "x-ba9876543210")
    assert len({new_closing_id(prefix) for _ in range(100)}) == 100
    # The exchange's own rule.
    assert re.fullmatch(r"[.A-Z:/a-z0-9_-]{1,36}", closing)
