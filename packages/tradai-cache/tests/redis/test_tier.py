"""Errors of `connect` before there is a connection."""

from pathlib import Path

import pytest

from tradai.cache import CacheSettings
from tradai.cache._redis.tier import connect
from tradai.cache._tier.shared_tier import CacheKey
from tradai.core.exceptions import ConfigurationError, ValidationError


class Deaf:
    """Events that are ignored."""

    def invalidated(self, key: CacheKey) -> None:
        pass

    def cleared(self, namespace: str) -> None:
        pass

    def on_tier_change(self, *, is_up: bool, reason: str) -> None:
        pass


def test_an_unreadable_certificate_file_is_an_error_at_once(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")

    for unusable in (file, tmp_path / "missing.pem"):
        settings = CacheSettings(url="rediss://cache.internal", ca_file=unusable)
        with pytest.raises(ConfigurationError, match=str(unusable)):
            connect(settings, events=Deaf())


def test_memory_is_not_a_shared_tier() -> None:
    with pytest.raises(ValidationError, match="redis"):
        connect(CacheSettings(url="memory:"), events=Deaf())
