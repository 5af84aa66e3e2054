"""The tier on Redis under the contract of every shared tier."""

from collections.abc import Callable

import pytest
from cache.tier_contract import EventRecorder, Member, NewMember, TierContract
from servers.redis import RedisServer

from tradai.cache._redis import tier as redis_tier
from tradai.cache._redis.tier import RedisTier


class TestRedisTier(TierContract):
    @pytest.fixture
    def new_member(
        self,
        server: RedisServer,
        connected: Callable[..., tuple[RedisTier, EventRecorder]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> NewMember:
        monkeypatch.setattr(redis_tier, "LEASE_MS", 600_000)

        def make() -> Member:
            return connected(server.url)

        return make
