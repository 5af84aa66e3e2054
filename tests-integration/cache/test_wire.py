"""What goes over the line, and what never does."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, Literal

import pytest
from cache.tier_contract import KEY, PATIENCE_S, Heard, busy_at, claimed, load
from cache.wire import commands
from servers.redis import PASSWORD, USER, RedisServer, rights
from servers.tcp_proxy import TcpProxy

from tradai.cache._redis.tier import RedisTier

REFERENCE: Final = "env:REDIS_PASSWORD"
Connect = Callable[..., tuple[RedisTier, Heard]]


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[TcpProxy]:
    with TcpProxy(server.port) as started:
        yield started


@pytest.fixture
def url(proxy: TcpProxy) -> str:
    return f"redis://127.0.0.1:{proxy.port}/0"


@pytest.mark.parametrize("protocol", [2, 3])
def test_the_password_is_said_to_sign_in_and_never_else(
    server: RedisServer,
    proxy: TcpProxy,
    url: str,
    connected: Connect,
    monkeypatch: pytest.MonkeyPatch,
    protocol: Literal[2, 3],
) -> None:
    monkeypatch.setenv("REDIS_PASSWORD", PASSWORD)
    with server.admin() as admin:
        admin.execute_command("ACL", "SETUSER", USER, "on", f">{PASSWORD}", *rights())
    tier, _ = connected(url, username=USER, password=REFERENCE)
    # Not a setting: 2 serves everybody.
    tier._client._options.protocol = protocol  # noqa: SLF001

    load(tier, KEY, b"sealed")
    tier.fetch(KEY)
    tier.invalidate(KEY)
    tier.clear(KEY.namespace)

    told = [one[0] for one in commands(proxy) if any(PASSWORD.encode() in part for part in one)]
    assert set(told) <= {b"AUTH", b"HELLO"}
    assert len(told) == len(proxy.sent)


def test_a_hit_is_one_command_and_a_load_four(
    proxy: TcpProxy, url: str, connected: Connect
) -> None:
    tier, _ = connected(url)
    tier.fetch(KEY)
    before = said(proxy)

    assert tier.fetch(KEY) is None
    load(tier, KEY, b"sealed")
    assert tier.fetch(KEY) == b"sealed"

    assert said(proxy) - before == Counter({b"GET": 2, b"EVAL": 2})


def test_to_begin_takes_few_commands_and_no_chatter(
    proxy: TcpProxy, url: str, connected: Connect
) -> None:
    tier, _ = connected(url)

    tier.fetch(KEY)

    assert said(proxy) == Counter({b"HELLO": 1, b"SUBSCRIBE": 1, b"EVAL": 2, b"GET": 1})


def said(proxy: TcpProxy) -> Counter[bytes]:
    """Count commands by name, but those that only break silence, however long it took."""
    return Counter(one[0] for one in commands(proxy) if one[0] != b"PING")


def test_a_store_that_nobody_waits_for_is_told_to_nobody(
    server: RedisServer, connected: Connect
) -> None:
    here, there = connected(server.url)[0], connected(server.url)[0]
    here.fetch(KEY)
    with server.admin() as admin, admin.pubsub(ignore_subscribe_messages=True) as listening:
        listening.subscribe("tradai:messages:0")
        listening.get_message(timeout=PATIENCE_S)

        load(here, KEY, b"sealed")
        here.invalidate(KEY)
        claim = claimed(here)
        busy = busy_at(there)
        claim.store(b"sealed", keep_ms=60_000)
        busy.wait()

        kinds: list[bytes] = []
        while kinds[-1:] != [b"ended"]:
            message = listening.get_message(timeout=PATIENCE_S)
            assert message is not None
            kinds.append(message["data"].split()[0])

    # The other one joined in between.
    assert kinds == [b"invalidated", b"here", b"ended"]
