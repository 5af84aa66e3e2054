"""Invalidations that wait for Redis.

Private, and tested as such: no server can be brought to these states in time.
"""

from tradai.cache._redis.unsent import UnsentInvalidations
from tradai.cache._tier.shared_tier import CacheKey

KEY = CacheKey("markets.1", bytes(16))


def test_an_unsent_invalidation_is_taken_once() -> None:
    unsent = UnsentInvalidations()

    unsent.add(KEY)
    unsent.add(KEY)
    unsent.add("candles.1")

    assert len(unsent) == 2
    assert set(unsent.take()) == {KEY, "candles.1"}
    assert not unsent


def test_many_unsent_keys_of_a_namespace_become_the_whole_namespace() -> None:
    unsent = UnsentInvalidations()
    other = CacheKey("candles.1", bytes(16))

    unsent.add(other)
    for number in range(3_000):
        unsent.add(CacheKey("markets.1", number.to_bytes(16, "big")))

    assert set(unsent.take()) == {"markets.1", other}
