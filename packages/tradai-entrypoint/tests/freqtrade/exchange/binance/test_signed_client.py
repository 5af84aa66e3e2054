"""Signed requests against a scripted server: each failure has one meaning for the caller."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, Self

import pytest

from tradai.core import Secret
from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    TradAIError,
    ValidationError,
)
from tradai.entrypoint._live._account.account import (
    ApiKeys,
    KeyRights,
    NewOrder,
    OrderStatus,
    SignedClient,
)
from tradai.entrypoint._live._account.account_errors import (
    ExchangeRateLimitedError,
    KeyRefusedError,
    OrderRefusedError,
    OutcomeUnknownError,
)
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named

KEY: Final = "FakeApiKey" * 6
SECRET: Final = "NotASecret" * 6
TIME: Final = {"serverTime": 1_769_860_800_000}
ACCOUNT: Final[dict[str, Any]] = {"uid": 7, "canTrade": True, "balances": []}
ORDER: Final[dict[str, Any]] = {
    "symbol": "BTCUSDT",
    "orderId": 12,
    "clientOrderId": "x-1",
    "side": "SELL",
    "status": "PARTIALLY_FILLED",
    "origQty": "2.00000000",
    "executedQty": "0.50000000",
    "cummulativeQuoteQty": "30000.00000000",
    "price": "59000.00000000",
    "stopPrice": "60000.00000000",
}
BAD_PORTS: Final = ("http://127.0.0.1:port", "https://example.org:65536", "http://127.0.0.1:0")
BID: Final = NewOrder(
    pair="BTC/USDT",
    side="buy",
    amount=Decimal("1E-8"),
    client_order_id="x-1",
    price=Decimal(59_000),
)
Answer = bytes | Callable[[socket.socket], None]


def whole(body: object, status: int = 200, **headers: str) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    rows = [f"HTTP/1.1 {status} -", f"Content-Length: {len(data)}"]
    rows += [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]
    return "\r\n".join(rows).encode() + b"\r\n\r\n" + data


def refusal(code: int, text: str = "No.", status: int = 400) -> bytes:
    return whole({"code": code, "msg": text}, status)


class ScriptedServer:
    """Answers each connection with the next of its answers, and keeps the requests."""

    def __init__(self) -> None:
        """Listen; nothing is answered yet."""
        self.answers: list[Answer] = []
        self.requests: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/token"

    def __enter__(self) -> Self:
        """Start to answer."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Answer no more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                text = client.recv(65_536).decode()
                if text:
                    self.requests.append(text)
                    self._answer(client, self.answers.pop(0))

    def _answer(self, client: socket.socket, answer: Answer) -> None:
        if isinstance(answer, bytes):
            client.sendall(answer)
        else:
            answer(client)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        running.answers.append(whole(TIME))
        yield running


def client_at(url: str, *, key: str = KEY, timeout_s: float = 60.0) -> SignedClient:
    keys = ApiKeys(key=Secret(key), secret=Secret(SECRET))
    return exchange_named("binance").sign_in(keys, base_url=url, timeout_s=timeout_s)


@pytest.fixture
def client(server: ScriptedServer) -> SignedClient:
    return client_at(server.url)


def test_the_first_request_asks_for_the_time_and_does_not_show_the_key(
    server: ScriptedServer, client: SignedClient
) -> None:
    server.answers += [whole(ACCOUNT), whole(ACCOUNT)]

    client.reads.fetch_account()
    client.reads.fetch_account()

    unsigned, first, second = server.requests
    assert unsigned.startswith("GET /token/api/v3/time? HTTP/1.1\r\n")
    assert KEY not in unsigned
    assert "signature" not in unsigned
    for signed in (first, second):
        assert signed.startswith("GET /token/api/v3/account?omitZeroBalances=true&recvWindow=5000")
        assert f"X-MBX-APIKEY: {KEY}\r\n" in signed


def test_an_order_is_sent_in_plain_numbers(server: ScriptedServer, client: SignedClient) -> None:
    server.answers.append(whole(ORDER))

    client.orders.place(BID)

    assert (
        "POST /token/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=59000"
        "&quantity=0.00000001&newClientOrderId=x-1&newOrderRespType=RESULT&recvWindow=5000&timestamp="
    ) in server.requests[-1]


def test_an_order_without_a_limit_is_one_at_the_market(
    server: ScriptedServer, client: SignedClient
) -> None:
    server.answers.append(whole(ORDER | {"type": "MARKET", "price": "0.00000000"}))

    placed = client.orders.place(replace(BID, price=None))

    assert "&side=BUY&type=MARKET&quantity=0.00000001&" in server.requests[-1]
    assert placed.price is None


def test_an_order_is_cancelled_by_its_number_and_found_by_its_clients_id(
    server: ScriptedServer, client: SignedClient
) -> None:
    cancelled = ORDER | {"status": "CANCELED", "clientOrderId": "c", "origClientOrderId": "x-1"}
    server.answers += [whole(ORDER), whole(cancelled)]

    found = client.reads.fetch_order("BTC/USDT", "x-1")
    ended = client.orders.cancel(found)

    asked, sent = server.requests[1:]
    assert asked.startswith("GET /token/api/v3/order?symbol=BTCUSDT&origClientOrderId=x-1&recv")
    assert sent.startswith("DELETE /token/api/v3/order?symbol=BTCUSDT&orderId=12&recvWindow=")
    assert ended == replace(found, status=OrderStatus.CANCELLED)


def test_the_clock_is_measured_again_when_it_is_asked_for(
    server: ScriptedServer, client: SignedClient
) -> None:
    server.answers.append(whole({"serverTime": 0}))

    before_s = client.reads.measure_clock()

    assert client.reads.measure_clock() == pytest.approx(before_s - 1_769_860_800, abs=60)


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("NEW", OrderStatus.OPEN),
        ("PARTIALLY_FILLED", OrderStatus.OPEN),
        ("FILLED", OrderStatus.FILLED),
        ("CANCELED", OrderStatus.CANCELLED),
        ("REJECTED", OrderStatus.REJECTED),
        ("EXPIRED_IN_MATCH", OrderStatus.EXPIRED),
    ],
)
def test_an_order_is_read_with_its_status_and_its_stop(
    server: ScriptedServer, client: SignedClient, status: str, meaning: OrderStatus
) -> None:
    server.answers.append(whole([ORDER | {"status": status}]))

    (order,) = client.reads.fetch_open_orders()

    assert (order.status, order.stop_price, order.side) == (meaning, Decimal(60_000), "sell")
    assert (order.filled, order.value) == (Decimal("0.5"), Decimal(30_000))


def test_a_right_that_the_exchange_does_not_show_is_unknown(
    server: ScriptedServer, client: SignedClient
) -> None:
    server.answers.append(whole({"enableReading": True, "enableInternalTransfer": False}))

    assert client.reads.fetch_key_rights() == KeyRights(
        may_read=True, may_trade=None, may_withdraw=None, may_transfer=None
    )


@pytest.mark.parametrize("code", [-1002, -1022, -2014, -2015])
def test_a_refused_key_is_for_the_operator(
    server: ScriptedServer, client: SignedClient, code: int
) -> None:
    server.answers.append(refusal(code, f"Bad key {KEY}, {SECRET}.", 401))

    with pytest.raises(KeyRefusedError, match=str(code)) as caught:
        client.reads.fetch_account()

    assert (caught.value.key, caught.value.exit_code) == ("exchange key", 78)
    assert KEY not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(-2010, "Duplicate order sent."), OrderRefusedError),
        (refusal(-1013, "Filter failure: LOT_SIZE"), OrderRefusedError),
        (refusal(-2011, "This action is disabled on this account."), OrderRefusedError),
        (refusal(-2011, "Unknown order sent."), NotFoundError),
        (refusal(-2013), NotFoundError),
        (refusal(-1000), OutcomeUnknownError),
        (refusal(-1001), OutcomeUnknownError),
        (refusal(-1006), OutcomeUnknownError),
        (refusal(-1007, status=408), OutcomeUnknownError),
        (whole(b"<html>", 502), OutcomeUnknownError),
        (refusal(-2010, status=500), OutcomeUnknownError),
        (whole(b"<html>"), OutcomeUnknownError),
        (whole({"orderId": 12}), OutcomeUnknownError),
        (whole(ORDER | {"status": "INVENTED"}), OutcomeUnknownError),
        (whole(ORDER | {"side": []}), OutcomeUnknownError),
        (whole(ORDER | {"executedQty": "NaN"}), OutcomeUnknownError),
        (b"", OutcomeUnknownError),
        (whole(ORDER)[:-5], OutcomeUnknownError),
        (refusal(-1003, status=429), ExchangeRateLimitedError),
        (whole(b"", 418), ExchangeRateLimitedError),
        (refusal(-2015, status=401), KeyRefusedError),
        (whole(b"<html>", 403), ExternalServiceError),
        (whole(b"", 302, Location="http://127.0.0.1:9/"), ExternalServiceError),
    ],
)
def test_a_failed_order_has_one_meaning(
    server: ScriptedServer, client: SignedClient, answer: bytes, error: type[TradAIError]
) -> None:
    server.answers.append(answer)

    with pytest.raises(TradAIError) as caught:
        client.orders.place(BID)

    assert type(caught.value) is error
    # It was sent once: the second request would be a second order.
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("answer", "is_retryable"),
    [
        (refusal(-1000, status=503), True),
        (refusal(-1007, status=408), True),
        (refusal(-1121), False),
        (whole(b"<html>", 404), False),
        (whole(b"[]"), False),
        (whole(ACCOUNT | {"uid": None}), False),
        (
            whole(ACCOUNT | {"balances": [{"asset": "A", "free": "1e999999999", "locked": "0"}]}),
            False,
        ),
        (whole(ACCOUNT)[:-5], True),
        (b"", True),
        (b"220 mail\r\n", True),
    ],
)
def test_a_failed_read_says_whether_it_may_be_tried_again(
    server: ScriptedServer, client: SignedClient, answer: bytes, *, is_retryable: bool
) -> None:
    server.answers.append(answer)

    with pytest.raises(ExternalServiceError, match="GET /api/v3/account") as caught:
        client.reads.fetch_account()

    assert type(caught.value) is ExternalServiceError
    assert caught.value.retryable is is_retryable
    assert caught.value.__context__ is None


def test_a_request_that_is_late_is_sent_once_more_with_a_new_time(
    server: ScriptedServer, client: SignedClient
) -> None:
    late = refusal(-1021)
    server.answers += [late, whole({"serverTime": 5_000}), whole(ORDER)]

    client.orders.place(BID)

    assert "&timestamp=5" in server.requests[-1]
    assert ["/time" in text for text in server.requests] == [True, False, True, False]


def test_a_request_that_stays_late_may_be_tried_again(
    server: ScriptedServer, client: SignedClient
) -> None:
    late = refusal(-1021)
    server.answers += [late, whole(TIME), late]

    with pytest.raises(ExternalServiceError, match="-1021") as caught:
        client.orders.place(BID)

    assert type(caught.value) is ExternalServiceError
    assert caught.value.retryable


def test_a_limit_that_is_nearly_used_up_stops_reads_before_they_are_sent(
    server: ScriptedServer, client: SignedClient
) -> None:
    server.answers += [whole([], X_MBX_USED_WEIGHT_1M="5950"), whole(ORDER)]
    client.reads.fetch_open_orders()

    with pytest.raises(ExchangeRateLimitedError):
        client.reads.fetch_open_orders()
    client.orders.place(BID)

    assert [text.partition(" ")[0] for text in server.requests] == ["GET", "GET", "POST"]


def test_an_exchange_that_is_away_has_no_order() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client = client_at(f"http://127.0.0.1:{port}")

    with pytest.raises(ExternalServiceError, match="refused") as caught:
        client.orders.place(BID)

    assert type(caught.value) is ExternalServiceError
    assert caught.value.retryable
    assert f"http://127.0.0.1:{port} cannot be reached" in str(caught.value)
    assert "signature" not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_an_exchange_that_hangs_up_is_named_by_its_address_without_the_request(
    server: ScriptedServer, client: SignedClient
) -> None:
    server.answers.append(b"")

    with pytest.raises(ExternalServiceError, match="no whole answer") as caught:
        client.reads.fetch_account()

    assert server.url.removesuffix("/token") in str(caught.value)
    assert "token" not in str(caught.value)
    assert "signature" not in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_refusal_without_a_code_that_is_401_is_one_of_the_key(
    server: ScriptedServer, client: SignedClient
) -> None:
    server.answers.append(whole("no", status=401))

    with pytest.raises(KeyRefusedError, match="HTTP status 401"):
        client.reads.fetch_account()


def test_a_host_name_that_cannot_be_looked_up_has_no_order() -> None:
    client = client_at(f"https://{'a' * 64}.invalid")

    with pytest.raises(ExternalServiceError, match="label") as caught:
        client.orders.place(BID)

    assert type(caught.value) is ExternalServiceError


def drip(client: socket.socket) -> None:
    """Send an endless header, a byte at a time, until the other side hangs up."""
    client.settimeout(0.02)
    with suppress(ConnectionError):
        client.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while not has_hung_up(client):
            client.sendall(b"-")


def has_hung_up(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except TimeoutError:
        return False


def test_an_answer_that_comes_byte_by_byte_ends_at_the_deadline(server: ScriptedServer) -> None:
    server.answers.append(drip)
    client = client_at(server.url, timeout_s=0.3)

    with pytest.raises(ExternalServiceError, match="timed out"):
        client.reads.fetch_account()


def test_a_request_takes_no_longer_than_the_time_that_is_left(server: ScriptedServer) -> None:
    server.answers.append(drip)
    client = client_at(server.url, timeout_s=600)
    client.time.limit(lambda: 0.3)

    with pytest.raises(ExternalServiceError, match="timed out"):
        client.reads.fetch_account()


def test_without_any_time_left_nothing_is_sent(
    server: ScriptedServer, client: SignedClient
) -> None:
    client.time.limit(lambda: 0.0)

    for send in (client.reads.fetch_account, lambda: client.orders.place(BID)):
        with pytest.raises(ExternalServiceError, match="no time is left for it") as caught:
            send()
        # An order of which not a byte was sent has no unknown outcome.
        assert type(caught.value) is ExternalServiceError

    assert server.requests == []


def test_the_exchange_is_to_refuse_a_request_that_comes_when_no_time_is_left(
    server: ScriptedServer, client: SignedClient
) -> None:
    server.answers += [whole(ACCOUNT), whole(ACCOUNT)]
    left_s = [60.0] * 4
    client.time.limit(lambda: left_s.pop(0) if left_s else 1.25)

    client.reads.fetch_account()
    left_s.clear()
    client.reads.fetch_account()

    windows = [re.findall(r"recvWindow=(\d+)", request) for request in server.requests]
    assert windows == [[], ["5000"], ["1250"]]


def test_a_proxy_of_the_environment_is_not_asked(
    server: ScriptedServer, client: SignedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.answers.append(whole(ACCOUNT))

    assert client.reads.fetch_account().uid == "7"


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "k\u00e9y"])
def test_a_key_that_would_break_a_header_is_refused_without_a_word_of_it(key: str) -> None:
    with pytest.raises(ConfigurationError, match="store it again") as caught:
        client_at("http://127.0.0.1:9", key=key)

    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://example.org", "ftp://127.0.0.1", "api.example.org", *BAD_PORTS]
)
def test_keys_are_sent_over_https_or_to_this_machine(url: str) -> None:
    with pytest.raises(ValidationError, match="https"):
        client_at(url)
