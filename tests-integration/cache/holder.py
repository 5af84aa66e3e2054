"""Run by `test_leases`: claims its place, says so, and stores when told to.

``python holder.py URL``; the first line of standard input is the sign.
"""

import sys

from tradai.cache import CacheSettings
from tradai.cache._redis.tier import connect
from tradai.cache._tier.shared_tier import CacheKey, Claim


class Deaf:
    """Hears nothing."""

    def invalidated(self, key: CacheKey) -> None:
        pass

    def cleared(self, namespace: str) -> None:
        pass

    def on_tier_change(self, *, is_up: bool, reason: str) -> None:
        pass


def main() -> None:
    tier = connect(CacheSettings(url=sys.argv[1]), events=Deaf())
    # Nobody else has it: the test begins with this.
    claim: Claim = tier.claim(CacheKey("markets.1", bytes(range(16))))  # type: ignore[assignment]
    print("claimed", flush=True)
    sys.stdin.readline()
    print(claim.store(b"by the holder", keep_ms=60_000), flush=True)


if __name__ == "__main__":
    main()
