"""Commands that a tier sends to Redis: few, and the password only to sign in."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, Literal

import pytest
from cache.tier_contract import KEY, PATIENCE_S, EventRecorder, busy_lease, load, new_lease
from cache.wire import commands
from servers.redis import PASSWORD, USER, RedisServer, rights
from servers.tcp_proxy import TcpProxy

from tradai.cache._redis.tier import RedisTier

REFERENCE: Final = "env:REDIS_PASSWORD"
Connect = Callable[..., tuple[RedisTier, EventRecorder]]


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[TcpProxy]:
    with TcpProxy(server.port) as started:
        yield started


@pytest.fixture
def url(proxy: TcpProxy) -> str:
    return f"redis://127.0.0.1:{proxy.port}/0"


@pytest.mark.parametrize("protocol", [2, 3])
def test_the_password_is_sent_only_to_sign_in(
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
    # Not a setting, because 2 works everywhere.
    tier._client._options.protocol = protocol  # noqa: SLF001

    load(tier, KEY, b"sealed")
    tier.fetch(KEY)
    tier.invalidate(KEY)
    tier.clear(KEY.namespace)

    secret = PASSWORD.encode()
    names = [sent[0] for sent in commands(proxy) if any(secret in part for part in sent)]
    assert set(names) <= {b"AUTH", b"HELLO"}
    assert len(names) == len(proxy.sent)


def test_a_hit_takes_one_command_and_a_load_four(
    proxy: TcpProxy, url: str, connected: Connect
) -> None:
    tier, _ = connected(url)
    tier.fetch(KEY)
    before = count_commands(proxy)

    assert tier.fetch(KEY) is None
    load(tier, KEY, b"sealed")
    assert tier.fetch(KEY) == b"sealed"

    assert count_commands(proxy) - before == Counter({b"GET": 2, b"EVAL": 2})


def test_a_new_tier_sends_few_commands(proxy: TcpProxy, url: str, connected: Connect) -> None:
    tier, _ = connected(url)

    tier.fetch(KEY)

    assert count_commands(proxy) == Counter({b"HELLO": 1, b"SUBSCRIBE": 1, b"EVAL": 2, b"GET": 1})


def count_commands(proxy: TcpProxy) -> Counter[bytes]:
    """Count commands by name, without PING, whose number depends on the time that passes."""
    return Counter(command[0] for command in commands(proxy) if command[0] != b"PING")


def test_a_store_without_waiting_callers_publishes_no_message(
    server: RedisServer, connected: Connect
) -> None:
    here, there = connected(server.url)[0], connected(server.url)[0]
    here.fetch(KEY)
    with server.admin() as admin, admin.pubsub(ignore_subscribe_messages=True) as listening:
        listening.subscribe("tradai:messages:0")
        listening.get_message(timeout=PATIENCE_S)

        load(here, KEY, b"sealed")
        here.invalidate(KEY)
        lease = new_lease(here)
        busy = busy_lease(there)
        lease.store(b"sealed", keep_ms=60_000)
        busy.wait()

        kinds: list[bytes] = []
        while kinds[-1:] != [b"ended"]:
            message = listening.get_message(timeout=PATIENCE_S)
            assert message is not None
            kinds.append(message["data"].split()[0])

    # The second tier began to wait in between.
    assert kinds == [b"invalidated", b"here", b"ended"]
