"""The beginning of its client id says whose order it is."""

from hypothesis import given, strategies as st

from tradai.core.live import TradingAccount
from tradai.entrypoint._live._account.order_owner import is_ours, order_prefix

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
