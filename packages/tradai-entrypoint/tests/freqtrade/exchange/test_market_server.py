import contextlib
import json
import select
import socket
import struct
import sys
import threading
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tradai.core import redact
from tradai.entrypoint.freqtrade import MarketRules, MarketServer, MarketsSnapshot

SNAPSHOT = MarketsSnapshot.made(
    {"BTC/USDT": MarketRules(tick="0.01", step="0.0001", min_notional="5")},
    note="for a test",
    captured_at=datetime(2026, 1, 31, tzinfo=UTC),
)


# Of an exchange whose answers are replayed.
SPOT_URL = "https://api.hyperliquid.xyz/info?category=spot"
INFO_URL = "https://api.hyperliquid.xyz/info"
RECORDED = MarketsSnapshot.model_validate(
    {
        "exchange": "hyperliquid",
        "captured_at": SNAPSHOT.captured_at,
        "origin": "captured",
        "symbols": (),
        "answers": [
            {"url": SPOT_URL, "text": '{"of": "spot"}'},
            {"url": INFO_URL, "body": '{"type":"meta"}', "text": '{"of": "meta"}'},
        ],
    }
)
PATIENCE_S = 60


def get(url: str, *, data: bytes | None = None) -> dict[str, Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, data=data, timeout=PATIENCE_S) as answer:
        assert answer.headers["Content-Type"] == "application/json"
        values: dict[str, Any] = json.load(answer)
    return values


def address(server: MarketServer) -> tuple[str, int]:
    parts = urlsplit(server.base_url)
    return str(parts.hostname), int(parts.port or 0)


def connected(server: MarketServer) -> socket.socket:
    return socket.create_connection(address(server), timeout=PATIENCE_S)


def is_closed(client: socket.socket) -> bool:
    """Return whether the server has closed the connection of `client`."""
    readable, _, _ = select.select([client], [], [], 0.01)
    with contextlib.suppress(ConnectionResetError):
        return bool(readable) and client.recv(65_536) == b""
    return True


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


def test_it_sleeps_until_there_is_something_to_do(sleeps: list[float | None]) -> None:
    with MarketServer(SNAPSHOT):
        pass
    assert sleeps == [None]

    with MarketServer(SNAPSHOT, deadline_s=3600.0) as server:
        for _ in range(3):
            get(f"{server.base_url}/api/v3/ping")

    # A connection is accepted, read, answered and closed, each after at most one sleep.
    assert len(sleeps) <= 3 * 4 + 2
    assert all(timeout is None or 3500 < timeout <= 3600 for timeout in sleeps)


def test_its_thread_does_not_keep_the_process_alive() -> None:
    with MarketServer(SNAPSHOT):
        assert all(
            thread.daemon for thread in threading.enumerate() if thread.name == "market-server"
        )
        assert "market-server" in [thread.name for thread in threading.enumerate()]


def test_a_client_that_keeps_its_connection_does_not_hold_up_the_next_one() -> None:
    with MarketServer(SNAPSHOT) as server, connected(server) as kept:
        path = f"{urlsplit(server.base_url).path}/api/v3/ping"
        kept.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n".encode())
        assert kept.recv(100).startswith(b"HTTP/1.0 200")

        assert get(f"{server.base_url}/api/v3/ping") == {}


def test_slow_clients_do_not_hold_up_the_others() -> None:
    with MarketServer(SNAPSHOT, deadline_s=3600.0) as server, contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connected(server)) for _ in range(20)]
        for letter in (b"G", b"E", b"T", b" ", b"/"):
            for client in slow:
                client.sendall(letter)
            assert get(f"{server.base_url}/api/v3/ping") == {}

        assert not any(map(is_closed, slow))


def test_a_client_that_reads_nothing_does_not_hold_up_the_others() -> None:
    many = {
        f"A{number}/USDT": MarketRules(tick="1", step="1", min_notional="1")
        for number in range(5000)
    }
    snapshot = MarketsSnapshot.made(many, note="large", captured_at=SNAPSHOT.captured_at)
    with MarketServer(snapshot, deadline_s=3600.0) as server, connected(server) as deaf:
        path = f"{urlsplit(server.base_url).path}/api/v3/exchangeInfo"
        deaf.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())

        assert get(f"{server.base_url}/api/v3/ping") == {}
        assert len(get(f"{server.base_url}/api/v3/exchangeInfo")["symbols"]) == 5000


@pytest.mark.parametrize("drip", [b"", b"x"])
def test_a_connection_is_closed_at_its_deadline_whatever_its_client_does(drip: bytes) -> None:
    with MarketServer(SNAPSHOT, deadline_s=0.2) as server, connected(server) as slow:
        started = time.monotonic()
        while not is_closed(slow):
            assert time.monotonic() - started < PATIENCE_S
            with contextlib.suppress(OSError):
                slow.sendall(drip)


def test_a_client_that_stays_after_its_answer_is_closed_at_its_deadline() -> None:
    with MarketServer(SNAPSHOT, deadline_s=0.2) as server, connected(server) as kept:
        kept.sendall(b"GET / HTTP/1.1\r\n\r\n")

        while kept.recv(65_536):
            pass


def test_with_too_many_connections_the_oldest_is_closed() -> None:
    with MarketServer(SNAPSHOT, deadline_s=3600.0) as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(server)) for _ in range(130)]

        assert get(f"{server.base_url}/api/v3/ping") == {}
        closed = [number for number, client in enumerate(clients) if is_closed(client)]
        assert closed == [0, 1, 2]


def test_a_request_that_never_ends_is_refused() -> None:
    with MarketServer(SNAPSHOT) as server, connected(server) as endless:
        endless.sendall(b"x" * 20_000)

        assert endless.recv(100).startswith(b"HTTP/1.0 431")


@pytest.mark.parametrize("token", ["", "/", "/wrong", "/%74", "/\u00e9"])
def test_without_the_token_there_is_nothing_to_see(token: str) -> None:
    with MarketServer(SNAPSHOT) as server, connected(server) as stranger:
        stranger.sendall(f"GET {token}/api/v3/exchangeInfo HTTP/1.1\r\n\r\n".encode("latin-1"))

        assert stranger.recv(100).startswith(b"HTTP/1.0 404")
        assert server.requests == 0


def test_every_server_has_a_token_of_its_own_that_is_never_shown() -> None:
    with MarketServer(SNAPSHOT) as one, MarketServer(SNAPSHOT) as other:
        tokens = [urlsplit(server.base_url).path.strip("/") for server in (one, other)]

    assert tokens[0] != tokens[1]
    assert min(map(len, tokens)) >= 32
    assert tokens[0] not in redact(f"GET {one}/{tokens[0]}/api")


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


def test_recorded_answers_are_found_by_address_query_and_body() -> None:
    with MarketServer(RECORDED) as server:
        assert get(f"{server.base_url}/{SPOT_URL}") == {"of": "spot"}
        meta = get(f"{server.base_url}/{INFO_URL}", data=b'{"type": "meta"}')

        assert (meta, server.requests, server.unanswered) == ({"of": "meta"}, 2, ())


@pytest.mark.parametrize(
    ("url", "data"),
    [
        ("https://api.hyperliquid.xyz/info?category=linear", None),
        (INFO_URL, b'{"type": "other"}'),
        (INFO_URL, None),
    ],
)
def test_a_request_that_was_not_recorded_is_refused_and_noted(url: str, data: bytes | None) -> None:
    with MarketServer(RECORDED) as server:
        with pytest.raises(urllib.error.HTTPError) as caught:
            get(f"{server.base_url}/{url}", data=data)

        assert (caught.value.code, server.requests, server.unanswered) == (404, 0, (url,))
    caught.value.close()


def test_recorded_answers_are_seen_with_the_token_alone() -> None:
    with MarketServer(RECORDED) as server, connected(server) as stranger:
        stranger.sendall(f"GET /wrong/{SPOT_URL} HTTP/1.1\r\n\r\n".encode())

        assert stranger.recv(100).startswith(b"HTTP/1.0 404")
        assert server.unanswered == ()


def test_a_body_that_comes_in_pieces_is_read_whole() -> None:
    with MarketServer(RECORDED) as server, connected(server) as client:
        path = f"{urlsplit(server.base_url).path}/{INFO_URL}"
        client.sendall(f"POST {path} HTTP/1.1\r\ncontent-length: 15\r\n\r\n".encode())
        for byte in b'{"type":"meta"}':
            client.sendall(bytes([byte]))

        assert client.recv(100).startswith(b"HTTP/1.0 200")


def test_a_body_that_never_ends_is_refused() -> None:
    with MarketServer(RECORDED) as server, connected(server) as client:
        client.sendall(b"POST /x HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n")
        client.sendall(b"x" * 20_000)

        assert client.recv(100).startswith(b"HTTP/1.0 431")


def test_a_body_of_a_size_that_is_no_number_of_bytes_ends_no_server() -> None:
    with MarketServer(RECORDED) as server, connected(server) as client:
        client.sendall(b"POST /x HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n")
        client.sendall(b"x" * 20_000)

        assert client.recv(100).startswith(b"HTTP/1.0 431")
        assert get(f"{server.base_url}/{SPOT_URL}") == {"of": "spot"}
