"""Waiting for the end of a lease.

Private, and tested as such: no server can be brought to these states in time.
"""

from tradai.cache._redis.leases import LeaseWaiters
from tradai.cache._tier.shared_tier import CacheKey

KEY = CacheKey("markets.1", bytes(16))


def test_a_removed_waiter_is_not_woken() -> None:
    waiters = LeaseWaiters()
    first, second = waiters.add(KEY), waiters.add(KEY)

    waiters.remove(KEY, first)
    waiters.wake(KEY)
    waiters.remove(KEY, second)

    assert second.is_set()
    assert not first.is_set()
