import contextlib
import json
import socket
import struct
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tradai.entrypoint.freqtrade import MarketRules, MarketServer, MarketsSnapshot

SNAPSHOT = MarketsSnapshot.made(
    {"BTC/USDT": MarketRules(tick="0.01", step="0.0001", min_notional="5")},
    note="for a test",
    captured_at=datetime(2026, 1, 31, tzinfo=UTC),
)


PATIENCE_S = 60


def get(url: str, *, data: bytes | None = None) -> dict[str, Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, data=data, timeout=PATIENCE_S) as answer:
        assert answer.headers["Content-Type"] == "application/json"
        values: dict[str, Any] = json.load(answer)
    return values


def address(server: MarketServer) -> tuple[str, int]:
    host, _, port = server.base_url.removeprefix("http://").partition(":")
    return host, int(port)


def test_it_answers_with_the_rules_of_the_snapshot() -> None:
    with MarketServer(SNAPSHOT) as server:
        info = get(f"{server.base_url}/api/v3/exchangeInfo?permissions=SPOT")

    assert info == SNAPSHOT.exchange_info()
    assert [symbol["symbol"] for symbol in info["symbols"]] == ["BTCUSDT"]


def test_it_answers_the_first_requests_of_a_client() -> None:
    with MarketServer(SNAPSHOT) as server:
        assert get(f"{server.base_url}/api/v3/ping") == {}
        before_ms = time.time_ns() // 1_000_000
        answered_ms = get(f"{server.base_url}/api/v3/time")["serverTime"]

    assert before_ms <= answered_ms <= time.time_ns() // 1_000_000


@pytest.mark.parametrize("path", ["/", "/api/v3/klines", "/api/v3/order", "/fapi/v1/exchangeInfo"])
def test_it_has_no_prices_and_takes_no_orders(path: str) -> None:
    with MarketServer(SNAPSHOT) as server, pytest.raises(urllib.error.HTTPError) as caught:
        get(server.base_url + path)

    assert caught.value.code == 404
    assert "only market rules" in json.load(caught.value)["msg"]
    caught.value.close()


def test_an_order_is_refused() -> None:
    with MarketServer(SNAPSHOT) as server, pytest.raises(urllib.error.HTTPError) as caught:
        get(f"{server.base_url}/api/v3/order", data=b"side=BUY")

    assert caught.value.code == 501
    caught.value.close()


def test_it_counts_how_often_the_rules_were_asked_for() -> None:
    with MarketServer(SNAPSHOT) as server:
        assert server.requests == 0
        get(f"{server.base_url}/api/v3/exchangeInfo")
        get(f"{server.base_url}/api/v3/time")
        get(f"{server.base_url}/api/v3/exchangeInfo")

        assert server.requests == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
def test_it_listens_on_one_address_of_this_machine_only() -> None:
    with MarketServer(SNAPSHOT) as server:
        host, port = address(server)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), timeout=PATIENCE_S)

    assert host == "127.0.0.1"


def test_it_is_gone_afterwards_and_leaves_nothing_behind() -> None:
    def rounds(count: int) -> tuple[int, int]:
        for _ in range(count):
            with MarketServer(SNAPSHOT) as server:
                get(f"{server.base_url}/api/v3/ping")
                where = address(server)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(where, timeout=PATIENCE_S)
        return len(list(Path("/dev/fd").iterdir())), threading.active_count()

    once = rounds(1)

    assert rounds(5) == once


def test_it_sleeps_until_a_request_or_the_end_and_looks_at_no_clock(
    sleeps: list[float | None],
) -> None:
    with MarketServer(SNAPSHOT) as server:
        for _ in range(3):
            get(f"{server.base_url}/api/v3/ping")

    assert sleeps == [None] * 4


def test_its_thread_does_not_keep_the_process_alive() -> None:
    with MarketServer(SNAPSHOT):
        assert all(
            thread.daemon for thread in threading.enumerate() if thread.name == "market-server"
        )
        assert "market-server" in [thread.name for thread in threading.enumerate()]


def test_a_client_that_keeps_its_connection_does_not_hold_up_the_next_one() -> None:
    with (
        MarketServer(SNAPSHOT) as server,
        socket.create_connection(address(server), timeout=PATIENCE_S) as kept,
    ):
        kept.sendall(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
        assert kept.recv(100).startswith(b"HTTP/1.0 200")

        assert get(f"{server.base_url}/api/v3/ping") == {}


def test_a_silent_client_does_not_hold_up_the_next_one_for_long(
    eventually: Callable[[Callable[[], bool]], bool],
) -> None:
    def is_answered() -> bool:
        # On a slow machine this client, too, may be cut off for its silence.
        with contextlib.suppress(OSError):
            return get(f"{server.base_url}/api/v3/ping") == {}
        return False

    with (
        MarketServer(SNAPSHOT, silence_s=0.2) as server,
        socket.create_connection(address(server), timeout=PATIENCE_S),
    ):
        assert eventually(is_answered)


def test_a_client_that_disconnects_is_ignored(
    capfd: pytest.CaptureFixture[str],
) -> None:
    reset_on_close = struct.pack("ii", 1, 0)
    with MarketServer(SNAPSHOT) as server:
        for words in (b"", b"GET /api", b"nonsense\r\n\r\n"):
            with socket.create_connection(address(server), timeout=PATIENCE_S) as rude:
                rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset_on_close)
                rude.sendall(words)

        assert get(f"{server.base_url}/api/v3/ping") == {}

    assert capfd.readouterr() == ("", "")
