"""Rejection of unsuitable servers.

Private, and tested as such: no server can be brought to these states in time.
"""

import pytest

from tradai.cache._redis.server_requirements import check_greeting
from tradai.core.exceptions import ConfigurationError


@pytest.mark.parametrize(
    ("version", "mode", "why"),
    [
        (b"6.2.14", b"standalone", "Redis 6.2.14; expected 7.0 or later"),
        (b"7.2.4", b"cluster", "runs as cluster"),
        (b"7.0.0", b"sentinel", "runs as sentinel"),
    ],
)
def test_an_unsuitable_server_is_rejected(version: bytes, mode: bytes, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        check_greeting({b"version": version, b"mode": mode}, "redis://cache:6379/0")
