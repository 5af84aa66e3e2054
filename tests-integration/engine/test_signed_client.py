"""The signed client against the loopback exchange: each answer and each fault has one meaning."""

import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest
from engine.loopback_exchange import Handler
from engine.venue.account import UID
from engine.venue.control import Venue, running_exchange
from engine.venue.exchange import Exchange
from engine.venue.faults import Fault
from engine.venue.keys import DIGITS, READER, STRANGER, TRADER, UNCLEAR, WITHDRAWER, ApiKey
from servers.process import missing

from tradai.core import Secret, utc_now
from tradai.core.exceptions import ExternalServiceError, NotFoundError

# Not through the door: no command signs a request yet.
from tradai.entrypoint._live._account.account import (
    ApiKeys,
    Balance,
    ExchangeOrder,
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
from tradai.entrypoint.freqtrade._exchange._binance import signed_client
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named

PLACE: Final = "POST /api/v3/order"
CANCEL: Final = "DELETE /api/v3/order"
ACCOUNT: Final = "GET /api/v3/account"
ALL: Final = "GET /api/v3/allOrders"
PRICES: Final = {"BTCUSDT": 60_000, "ETHUSDT": 3_000}
TIMEOUT_S: Final = 60.0
SHORT_TIMEOUT_S: Final = 0.3

SignIn = Callable[..., SignedClient]


@pytest.fixture(scope="module")
def shared_exchange() -> Iterator[str]:
    """Address of one exchange for all tests of this file."""
    with running_exchange() as url:
        yield url


@pytest.fixture
def venue(shared_exchange: str) -> Venue:
    """The exchange as it was at its start."""
    shared = Venue(shared_exchange)
    shared.reset()
    return shared


@pytest.fixture
def sign_in(venue: Venue) -> SignIn:
    """Make a client; the prices stand still."""
    venue.set(prices=PRICES)

    return partial(client_at, venue.url)


def client_at(url: str, key: ApiKey = TRADER, *, timeout_s: float = TIMEOUT_S) -> SignedClient:
    keys = ApiKeys(key=Secret(key.key), secret=Secret(key.secret))
    return exchange_named("binance").sign_in(keys, base_url=url, timeout_s=timeout_s)


def bid(client_order_id: str = "x-test1", *, price: str | None = "59000") -> NewOrder:
    return NewOrder(
        pair="BTC/USDT",
        side="buy",
        amount=Decimal("0.01"),
        client_order_id=client_order_id,
        price=None if price is None else Decimal(price),
    )


def test_the_account_has_its_number_and_what_open_orders_lock(sign_in: SignIn) -> None:
    client = sign_in()
    client.orders.place(bid())

    account = client.reads.fetch_account()

    assert (account.uid, account.may_trade) == (str(UID), True)
    assert account.balances == (Balance(asset="USDT", free=Decimal(9410), locked=Decimal(590)),)


def test_an_order_is_placed_found_and_cancelled(sign_in: SignIn) -> None:
    client = sign_in()

    placed = client.orders.place(bid())

    assert placed == ExchangeOrder(
        symbol="BTCUSDT",
        order_id="1",
        client_order_id="x-test1",
        side="buy",
        status=OrderStatus.OPEN,
        amount=Decimal("0.01"),
        filled=Decimal(0),
        value=Decimal(0),
        price=Decimal(59_000),
        stop_price=None,
    )
    assert client.reads.fetch_open_orders() == (placed,)
    assert client.reads.fetch_order("BTC/USDT", "x-test1") == placed
    assert client.reads.fetch_order_by_id("BTC/USDT", "1") == placed
    with pytest.raises(NotFoundError):
        client.reads.fetch_order_by_id("ETH/USDT", "1")
    cancelled = client.orders.cancel(placed)
    assert (cancelled.client_order_id, cancelled.status) == ("x-test1", OrderStatus.CANCELLED)
    assert client.reads.fetch_open_orders() == ()


def test_orders_are_read_from_an_instant_on_ended_ones_too(sign_in: SignIn) -> None:
    client, began = sign_in(), utc_now() - timedelta(seconds=5)
    cancelled = client.orders.cancel(client.orders.place(bid()))
    filled = client.orders.place(bid("x-test2", price=None))

    assert client.reads.fetch_orders("BTC/USDT", since=began) == (cancelled, filled)
    assert client.reads.fetch_orders("ETH/USDT", since=began) == ()
    assert client.reads.fetch_orders("BTC/USDT", since=began + timedelta(hours=1)) == ()


def test_orders_are_read_page_by_page(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed_client, "_MOST_ORDERS", 2)
    client, began = sign_in(), utc_now() - timedelta(seconds=5)
    placed = [client.orders.place(bid(f"x-test{number}")) for number in range(5)]

    assert client.reads.fetch_orders("BTC/USDT", since=began) == tuple(placed)


@pytest.mark.parametrize("most", [1_000, 2])
def test_orders_of_many_days_are_read_though_an_answer_has_one_day_at_most(
    sign_in: SignIn, venue: Venue, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(signed_client, "_MOST_ORDERS", most)
    placed: list[ExchangeOrder] = []
    for days in (9, 6, 6, 3, 0):
        venue.set(clock_offset_ms=-days * 86_400_000)
        # Each client learns the exchange's time anew.
        placed.append(sign_in().orders.place(bid(f"x-test{len(placed)}")))
    reads, began = sign_in().reads, utc_now() - timedelta(days=8)
    asked = venue.signed().get(ALL, 0)

    assert reads.fetch_orders("BTC/USDT", since=began) == tuple(placed[1:])

    # The newest, a day without any, the day of the first, and three pages from there on.
    assert venue.signed()[ALL] - asked == (1 if most > 5 else 6)
    assert reads.fetch_orders_from("BTC/USDT", "4") == tuple(placed[3:])
    assert reads.fetch_orders_from("BTC/USDT", "6") == ()


def test_an_order_at_the_market_is_filled_at_once(sign_in: SignIn) -> None:
    placed = sign_in().orders.place(bid(price=None))

    assert (placed.status, placed.filled) == (OrderStatus.FILLED, Decimal("0.01"))
    assert (placed.value, placed.price) == (Decimal("600.0001"), None)


def test_an_order_is_filled_in_parts_and_keeps_what_was_filled_when_cancelled(
    sign_in: SignIn, venue: Venue
) -> None:
    client = sign_in()
    venue.set(fill_share="0.4")
    client.orders.place(bid())
    venue.set(prices={**PRICES, "BTCUSDT": 58_000})

    partly = client.reads.fetch_order("BTC/USDT", "x-test1")
    cancelled = client.orders.cancel(partly)

    assert (partly.status, partly.filled) == (OrderStatus.OPEN, Decimal("0.004"))
    assert (cancelled.status, cancelled.filled) == (OrderStatus.CANCELLED, Decimal("0.004"))
    (_, bitcoin) = client.reads.fetch_account().balances
    # The fee was taken from it.
    assert bitcoin == Balance(asset="BTC", free=Decimal("0.003996"), locked=Decimal(0))


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (bid(price="59000.001"), "PRICE_FILTER"),
        (bid(price="1"), "NOTIONAL"),
        (bid(price="2000000"), "insufficient balance"),
    ],
)
def test_an_order_that_is_refused_changes_nothing(
    sign_in: SignIn, venue: Venue, order: NewOrder, reason: str
) -> None:
    with pytest.raises(OrderRefusedError, match=reason):
        sign_in().orders.place(order)

    assert venue.orders() == []


def test_an_id_that_an_open_order_has_is_refused(sign_in: SignIn, venue: Venue) -> None:
    client = sign_in()
    client.orders.place(bid())

    with pytest.raises(OrderRefusedError, match="Duplicate order sent") as caught:
        client.orders.place(bid())

    assert caught.value.reason == "-2010"
    assert len(venue.orders()) == 1


def test_an_unknown_order_is_not_found(sign_in: SignIn) -> None:
    client = sign_in()
    placed = client.orders.place(bid())
    client.orders.cancel(placed)

    with pytest.raises(NotFoundError, match="no such order"):
        client.reads.fetch_order("BTC/USDT", "x-other")
    with pytest.raises(NotFoundError, match="Unknown order sent"):
        client.orders.cancel(placed)


@pytest.mark.parametrize("fault", [Fault.LOST_REPLY, Fault.UNKNOWN, Fault.GARBLED])
def test_an_order_whose_reply_is_lost_is_unknown_and_then_found_by_its_id(
    sign_in: SignIn, venue: Venue, fault: Fault
) -> None:
    client = sign_in()
    venue.script(PLACE, fault)

    with pytest.raises(OutcomeUnknownError, match="unknown") as caught:
        client.orders.place(bid())

    assert not caught.value.retryable
    assert caught.value.client_order_id == "x-test1"
    assert client.reads.fetch_order("BTC/USDT", "x-test1").status is OrderStatus.OPEN
    # It was not sent again.
    assert venue.signed()[PLACE] == len(venue.orders()) == 1


@pytest.mark.parametrize(("fault", "orders"), [(Fault.HANG, 0), (Fault.SERVED_HANG, 1)])
def test_an_exchange_that_hangs_leaves_an_unknown_outcome_at_the_deadline(
    sign_in: SignIn, venue: Venue, fault: Fault, orders: int
) -> None:
    venue.script(PLACE, fault)

    with pytest.raises(OutcomeUnknownError, match="timed out"):
        sign_in(timeout_s=SHORT_TIMEOUT_S).orders.place(bid())

    assert len(venue.orders()) == orders


def test_a_read_that_hangs_ends_at_the_deadline_and_may_be_tried_again(
    sign_in: SignIn, venue: Venue
) -> None:
    client = sign_in(timeout_s=SHORT_TIMEOUT_S)
    venue.script(ACCOUNT, Fault.HANG)

    with pytest.raises(ExternalServiceError, match="timed out") as caught:
        client.reads.fetch_account()

    assert caught.value.retryable
    assert client.reads.fetch_account().uid == str(UID)


def test_an_order_that_the_exchange_could_not_take_is_unknown(
    sign_in: SignIn, venue: Venue
) -> None:
    venue.script(PLACE, Fault.UNAVAILABLE)

    with pytest.raises(OutcomeUnknownError, match="An unknown error"):
        sign_in().orders.place(bid())

    assert venue.orders() == []


def test_a_rejected_cancel_leaves_the_order_open(sign_in: SignIn, venue: Venue) -> None:
    client = sign_in()
    placed = client.orders.place(bid())
    venue.script(CANCEL, Fault.REJECTED_CANCEL)

    with pytest.raises(OrderRefusedError, match="disabled on this account") as caught:
        client.orders.cancel(placed)

    assert caught.value.reason == "-2011"
    assert client.reads.fetch_open_orders() == (placed,)


def test_a_cancel_whose_reply_is_lost_is_unknown_and_then_read(
    sign_in: SignIn, venue: Venue
) -> None:
    client = sign_in()
    placed = client.orders.place(bid())
    venue.script(CANCEL, Fault.LOST_REPLY)

    with pytest.raises(OutcomeUnknownError) as caught:
        client.orders.cancel(placed)

    assert caught.value.client_order_id == "x-test1"
    assert client.reads.fetch_order("BTC/USDT", "x-test1").status is OrderStatus.CANCELLED


@pytest.mark.parametrize("fault", [Fault.TOO_MANY, Fault.BANNED])
def test_nothing_more_is_sent_for_as_long_as_the_exchange_says(
    sign_in: SignIn, venue: Venue, fault: Fault
) -> None:
    client = sign_in()
    venue.script(ACCOUNT, fault, retry_after_s=3_600)
    with pytest.raises(ExchangeRateLimitedError, match="3600 s") as caught:
        client.reads.fetch_account()
    before = venue.signed() | venue.public()

    with pytest.raises(ExchangeRateLimitedError):
        client.orders.place(bid())
    with pytest.raises(ExchangeRateLimitedError):
        client.reads.measure_clock()

    assert caught.value.retry_after_s == 3_600
    assert venue.signed() | venue.public() == before


def test_a_request_over_the_limit_of_the_exchange_is_refused(sign_in: SignIn, venue: Venue) -> None:
    venue.set(weight_limit=90)
    client = sign_in()
    client.reads.fetch_open_orders()

    with pytest.raises(ExchangeRateLimitedError) as caught:
        client.reads.fetch_open_orders()

    assert 0 < caught.value.retry_after_s <= 61


@pytest.mark.parametrize("offset_s", [-600, 600])
def test_a_clock_that_is_off_by_ten_minutes_is_measured_and_made_good(
    sign_in: SignIn, venue: Venue, offset_s: int
) -> None:
    venue.set(clock_offset_ms=offset_s * 1_000)
    client = sign_in()

    assert client.reads.fetch_account().uid == str(UID)
    assert client.reads.measure_clock() == pytest.approx(offset_s, abs=TIMEOUT_S)


@pytest.mark.parametrize("offset_s", [-600, 600])
def test_a_clock_that_jumps_later_costs_one_request_more(
    sign_in: SignIn, venue: Venue, offset_s: int
) -> None:
    client = sign_in()
    client.reads.fetch_account()
    venue.set(clock_offset_ms=offset_s * 1_000)

    placed = client.orders.place(bid())

    assert placed.status is OrderStatus.OPEN
    assert venue.signed()[PLACE] == 2
    assert len(venue.orders()) == 1


@pytest.mark.parametrize(
    ("key", "problems"),
    [
        (TRADER, ()),
        (DIGITS, ()),
        (READER, ("the key may not trade on the spot market",)),
        (WITHDRAWER, ("the key may withdraw",)),
        (UNCLEAR, ("it is unknown whether the key may withdraw",)),
    ],
)
def test_the_rights_of_a_key_are_read_and_an_unknown_one_is_a_problem(
    sign_in: SignIn, key: ApiKey, problems: tuple[str, ...]
) -> None:
    assert sign_in(key).reads.fetch_key_rights().problems == problems


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (STRANGER, -2015),
        (replace(TRADER, key="too-short-a-key"), -2014),
        (replace(TRADER, secret=TRADER.secret[::-1]), -1022),
    ],
)
def test_a_wrong_key_is_refused_without_a_word_of_it(
    sign_in: SignIn, key: ApiKey, code: int
) -> None:
    with pytest.raises(KeyRefusedError, match=str(code)) as caught:
        sign_in(key).reads.fetch_account()

    assert key.key not in str(caught.value) + caught.value.cause_text
    assert key.secret not in str(caught.value) + caught.value.cause_text


def test_a_key_that_may_only_read_places_no_order(sign_in: SignIn, venue: Venue) -> None:
    client = sign_in(READER)
    client.reads.fetch_account()

    with pytest.raises(KeyRefusedError, match="permissions for action"):
        client.orders.place(bid())

    assert venue.orders() == []


class PatientServer(ThreadingHTTPServer):
    """Does not print that a client hangs up while they agree on keys."""

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def tls_url(tmp_path: Path) -> Iterator[str]:
    """Address of an exchange whose certificate, ``cert.pem``, only it has signed."""
    if shutil.which("openssl") is None:
        missing("openssl", "no openssl on PATH to make a certificate with: install it")
    subject = ("-subj", "/CN=loopback", "-addext", "subjectAltName=IP:127.0.0.1")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    files = ("-keyout", "key.pem", "-out", "cert.pem", "-days", "2")
    command = ["openssl", "req", "-x509", *key, *files, *subject]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    Handler.exchange = Exchange()
    with PatientServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_exchange_without_proof_of_its_identity_gets_no_key(tls_url: str) -> None:
    with pytest.raises(ExternalServiceError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        client_at(tls_url).reads.fetch_account()

    assert caught.value.retryable


def test_an_exchange_that_proves_its_identity_is_asked(
    tls_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))

    assert client_at(tls_url).reads.fetch_account().uid == str(UID)
