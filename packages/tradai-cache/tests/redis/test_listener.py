"""Parsing of pub/sub messages.

Private, and tested as such: no server can be brought to these states in time.
"""

import pytest

from tradai.cache._redis.listener import Message
from tradai.cache._tier.shared_tier import CacheKey


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"cleared x node epoch markets.1", b"cleared 1 node", b"\xff" * 20]
)
def test_a_foreign_message_is_ignored(data: bytes) -> None:
    assert Message.read(data) is None


def test_a_message_keeps_its_namespace_whole() -> None:
    message = Message.read(b"invalidated 12 n0de 00ff markets of the world.1")

    assert message == Message("invalidated", 12, "n0de", "00ff", "markets of the world.1")
    assert message.key == CacheKey("markets of the world.1", b"\x00\xff")
