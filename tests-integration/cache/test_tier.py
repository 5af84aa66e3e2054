"""The tier on Redis keeps what every tier promises."""

from collections.abc import Callable

import pytest
from cache.tier_contract import Heard, Member, NewMember, TierContract
from servers.redis import RedisServer

from tradai.cache._redis import tier as redis_tier
from tradai.cache._redis.tier import RedisTier


class TestRedisTier(TierContract):
    @pytest.fixture
    def new_member(
        self,
        server: RedisServer,
        connected: Callable[..., tuple[RedisTier, Heard]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> NewMember:
        monkeypatch.setattr(redis_tier, "LEASE_MS", 600_000)

        def make() -> Member:
            return connected(server.url)

        return make
