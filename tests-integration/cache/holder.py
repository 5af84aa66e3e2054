"""A process of `test_leases` that acquires a lease, reports it, and stores a value on a signal.

``python holder.py URL LEASE_MS``; the first line of standard input is the signal.
"""

import sys

from tradai.cache import CacheSettings
from tradai.cache._redis import tier as redis_tier
from tradai.cache._redis.tier import connect
from tradai.cache._tier.shared_tier import CacheKey, Lease


class IgnoreEvents:
    """Ignores every event."""

    def invalidated(self, key: CacheKey) -> None:
        pass

    def cleared(self, namespace: str) -> None:
        pass

    def on_tier_change(self, *, is_up: bool, reason: str) -> None:
        pass


def main() -> None:
    vars(redis_tier)["LEASE_MS"] = int(sys.argv[2])
    # Long, so that a slow machine does not look like an outage.
    settings = CacheSettings(url=sys.argv[1])
    tier = connect(settings, events=IgnoreEvents(), answer_s=60.0, first_s=60.0)
    # The key is free, because the test starts with this process.
    lease: Lease = tier.acquire(CacheKey("markets.1", bytes(range(16))))  # type: ignore[assignment]
    print("acquired", flush=True)
    sys.stdin.readline()
    print(lease.store(b"by the holder", keep_ms=3_600_000), flush=True)


if __name__ == "__main__":
    main()
