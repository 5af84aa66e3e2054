import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pydantic
import pytest

from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    StorageError,
    ValidationError,
)
from tradai.entrypoint.freqtrade import MarketRules, MarketServer, MarketsSnapshot
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
RULES = MarketRules(tick="0.01", step="0.0001", min_notional="5")


def made(*pairs: str, rules: MarketRules = RULES) -> MarketsSnapshot:
    return MarketsSnapshot.made(dict.fromkeys(pairs, rules), note="for a test", captured_at=NOON)


def with_status(snapshot: MarketsSnapshot, status: str) -> MarketsSnapshot:
    values = snapshot.model_dump(mode="json")
    values["symbols"][0]["status"] = status
    return MarketsSnapshot.model_validate(values)


SYMBOL = {"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT"}


@contextmanager
def exchange(status: int, body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        thread.join()


def test_a_saved_snapshot_is_read_as_it_was(tmp_path: Path) -> None:
    snapshot = made("BTC/USDT", "ETH/USDT")

    snapshot.save(tmp_path / "markets.json")

    again = MarketsSnapshot.load(tmp_path / "markets.json")
    assert again == snapshot
    assert again.digest == snapshot.digest
    assert list(tmp_path.iterdir()) == [tmp_path / "markets.json"]


def test_a_made_snapshot_says_so() -> None:
    snapshot = made("BTC/USDT")

    assert (snapshot.origin, snapshot.note) == ("made", "for a test")
    assert snapshot.pairs == {"BTC/USDT"}


def test_everything_the_exchange_sent_is_kept_including_unknown_fields(tmp_path: Path) -> None:
    values = made("BTC/USDT").model_dump(mode="json")
    values["symbols"][0]["futureField"] = {"list": [1, 2.5, None, True, {"deep": "er"}]}
    snapshot = MarketsSnapshot.model_validate(values)

    snapshot.save(tmp_path / "markets.json")

    assert json.loads((tmp_path / "markets.json").read_text())["symbols"] == values["symbols"]
    assert MarketsSnapshot.load(tmp_path / "markets.json").exchange_info()["symbols"] == [
        values["symbols"][0]
    ]


def test_rules_cannot_be_changed_at_any_depth() -> None:
    (symbol,) = made("BTC/USDT").symbols
    filters = symbol["filters"]

    with pytest.raises(TypeError):
        # That this cannot be is the point.
        symbol["status"] = "BREAK"  # type: ignore[index]
    assert isinstance(filters, tuple)
    with pytest.raises(TypeError):
        filters[0]["tickSize"] = "1"


def test_the_digest_is_of_the_rules_alone() -> None:
    snapshot = made("BTC/USDT", "ETH/USDT")
    other_rules = RULES.model_copy(update={"tick": "0.1"})

    assert made("ETH/USDT", "BTC/USDT").digest == snapshot.digest
    assert snapshot.model_copy(update={"note": None}).digest == snapshot.digest
    assert made("BTC/USDT", "ETH/USDT", rules=other_rules).digest != snapshot.digest
    assert made("BTC/USDT").digest != snapshot.digest


def test_a_snapshot_can_be_cut_to_some_pairs() -> None:
    snapshot = made("BTC/USDT", "ETH/USDT", "XRP/USDT").restricted_to(["XRP/USDT", "BTC/USDT"])

    assert snapshot.pairs == {"BTC/USDT", "XRP/USDT"}
    assert snapshot.origin == "made"


def test_all_missing_pairs_are_named_at_once_with_what_to_do() -> None:
    with pytest.raises(NotFoundError, match="capture them again") as caught:
        made("BTC/USDT").require(["ETH/USDT", "BTC/USDT", "ADA/USDT"])

    assert "ADA/USDT (not listed), ETH/USDT (not listed)" in str(caught.value)
    assert caught.value.key == "ADA/USDT"
    assert caught.value.exit_code == 65


def test_a_pair_that_was_not_traded_is_refused_because_the_engine_would_leave_it_out() -> None:
    halted = with_status(made("BTC/USDT", "ETH/USDT"), "BREAK")

    with pytest.raises(NotFoundError, match=r"BTC/USDT \(BREAK\), XRP/USDT \(not listed\)"):
        halted.require(["XRP/USDT", "BTC/USDT", "ETH/USDT"])
    halted.require(["ETH/USDT"])


@pytest.mark.parametrize("tick", ["0.00000000001", "0.000000000001"])
def test_a_tick_that_the_engine_does_not_trade_is_refused(tick: str) -> None:
    rules = {"PEPE/USDT": MarketRules(tick=tick, step="1", min_notional="5")}
    snapshot = MarketsSnapshot.made(rules, note="for tests", captured_at=NOON)

    with pytest.raises(ValidationError) as caught:
        snapshot.require(["PEPE/USDT"])

    assert str(caught.value) == (
        f"the tick of PEPE/USDT is {tick}, and the engine trades only pairs whose tick is above "
        "0.00000000001; remove the pair, or make its rules again"
    )


def test_the_smallest_usual_tick_is_traded() -> None:
    rules = {"PEPE/USDT": MarketRules(tick="0.0000000001", step="1", min_notional="5")}

    MarketsSnapshot.made(rules, note="", captured_at=NOON).require(["PEPE/USDT"])


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=f"markets capture CONFIG --data {tmp_path}"):
        MarketsSnapshot.load(tmp_path / "markets.json")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"captured_at": "2026-01-31T12:00:00", "origin": "made", "symbols": []}',
        '{"captured_at": "2026-01-31T12:00:00Z", "origin": "dreamt", "symbols": []}',
        '{"captured_at": "2026-01-31T12:00:00Z", "origin": "made", "symbols": [{"symbol": "X"}]}',
        '{"captured_at": "2026-01-31T12:00:00Z", "origin": "made", "symbols": ["BTCUSDT"]}',
    ],
)
def test_a_file_that_is_not_a_snapshot_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "markets.json"
    path.write_text(text)

    with pytest.raises(ValidationError, match="capture it again") as caught:
        MarketsSnapshot.load(path)

    assert caught.value.exit_code == 65


def test_a_file_that_cannot_be_read_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match="directory"):
        MarketsSnapshot.load(tmp_path / "file" / "markets.json")


def test_another_exchange_is_refused() -> None:
    values = made("BTC/USDT").model_dump(mode="json") | {"exchange": "probit"}

    with pytest.raises(pydantic.ValidationError):
        MarketsSnapshot.model_validate(values)


def test_rules_of_another_exchange_are_refused(tmp_path: Path) -> None:
    made("BTC/USDT").save(tmp_path / "markets.json")

    with pytest.raises(ConfigurationError, match="rules of binance, and exchange is bybit") as got:
        MarketsSnapshot.load(tmp_path / "markets.json", exchange="bybit")

    assert got.value.key == "exchange"


@pytest.mark.parametrize(("exchange", "is_made"), [("binance", True), ("okx", False)])
def test_missing_rules_can_be_made_where_their_form_is_known(
    tmp_path: Path, exchange: str, *, is_made: bool
) -> None:
    with pytest.raises(NotFoundError, match="markets capture CONFIG") as caught:
        MarketsSnapshot.load(tmp_path / "markets.json", exchange=exchange)

    assert ("markets make" in str(caught.value)) is is_made


@pytest.mark.parametrize(
    "change",
    [{"exchange": "bybit"}, {"answers": [{"url": "https://api.exchange.test/x", "text": "{}"}]}],
)
def test_only_an_exchange_that_is_replayed_has_recorded_answers(change: dict[str, Any]) -> None:
    values = made("BTC/USDT").model_dump(mode="json")

    with pytest.raises(pydantic.ValidationError, match="do not belong together"):
        MarketsSnapshot.model_validate({**values, "symbols": (), **change})


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        *(
            ([(path, "{}")], "an answer belongs to an account: its address has")
            for path in (
                "/public/Balance?apikey=not-a-real-key",
                "/public/Time?sign=not-a-real-key",
                "/public/Time?ACCESS_SIGN=not-a-real-key",
                "/public/Time?AccessKeyId=not-a-real-key",
                "/0/private/Balance",
                "/v5/account/wallet",
            )
        ),
        ([("/AssetPairs#apikey=not-a-real-key", "{}")], "is not one of an exchange"),
        (
            [("/0/public/AssetPairs", "{}"), ("/0/public/AssetPairs", "[]")],
            "a request has two answers",
        ),
        ([("/0/asset/coins?id=me", "{}")], "com/0/asset/coins is not among the public addresses"),
    ],
)
def test_recorded_answers_that_no_capture_writes_are_refused(
    tmp_path: Path, answers: list[tuple[str, str]], said: str
) -> None:
    rows = [{"url": f"https://api.kraken.com{path}", "text": text} for path, text in answers]
    values = {**made("BTC/USDT").model_dump(mode="json"), "exchange": "kraken", "symbols": ()}
    values["origin"] = "captured"
    path = tmp_path / "markets.json"
    path.write_text(json.dumps({**values, "answers": rows}))

    with pytest.raises(ValidationError, match=said) as caught:
        MarketsSnapshot.load(path)

    assert "not-a-real-key" not in str(caught.value)


def test_a_file_without_recorded_answers_does_not_mention_them(tmp_path: Path) -> None:
    made("BTC/USDT").save(tmp_path / "markets.json")

    assert "answers" not in json.loads((tmp_path / "markets.json").read_text())


@pytest.mark.usefixtures("proxy")
def test_capturing_keeps_only_the_pairs_asked_for() -> None:
    served = made("BTC/USDT", "ETH/USDT")

    with MarketServer(served) as server:
        snapshot = MarketsSnapshot.capture(["ETH/USDT"], base_url=server.base_url)

    assert snapshot.origin == "captured"
    assert snapshot.symbols == served.restricted_to(["ETH/USDT"]).symbols
    assert snapshot.captured_at.tzinfo is not None


def test_capturing_from_an_unknown_exchange_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="'probit', which this release does not know"):
        MarketsSnapshot.capture(["BTC/USDT"], exchange="probit")


def test_a_pair_that_is_described_twice_is_refused() -> None:
    values = made("BTC/USDT").model_dump(mode="json")

    with pytest.raises(pydantic.ValidationError, match="a pair is there twice"):
        MarketsSnapshot.model_validate(values | {"symbols": values["symbols"] * 2})


def test_rules_are_read_as_exact_numbers() -> None:
    snapshot = made("ETH/USDT", "BTC/USDT").rules

    assert (snapshot.exchange, snapshot.taken_at) == ("binance", NOON)
    assert snapshot.market("BTC/USDT").tick == Decimal("0.01")
    assert snapshot.market("ETH/USDT").min_notional == 5


def test_a_missing_folder_is_said_before_anything_in_it(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=f"no folder {tmp_path / 'candels'}: check --data"):
        MarketsSnapshot.load(tmp_path / "candels" / "markets.json")


def test_a_folder_in_place_of_the_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="are a folder: name the file, such as") as caught:
        MarketsSnapshot.load(tmp_path)

    assert str(tmp_path / "markets.json") in str(caught.value)


def test_capturing_a_pair_that_is_not_listed_names_it() -> None:
    with MarketServer(made("BTC/USDT")) as server, pytest.raises(NotFoundError, match="ETH/USDT"):
        MarketsSnapshot.capture(["ETH/USDT"], base_url=server.base_url)


@pytest.mark.parametrize(
    ("status", "body", "retryable"),
    [
        (200, b"<html>", False),
        (200, b"[]", False),
        (200, b'{"symbols": 3}', False),
        (200, b'{"symbols": ["BTCUSDT"]}', False),
        (200, b"\xff", False),
        (200, json.dumps({"symbols": [dict(SYMBOL), dict(SYMBOL)]}).encode(), False),
        (429, b"{}", True),
        (418, b"{}", True),
        (451, b"{}", False),
        (503, b"{}", True),
    ],
)
def test_an_exchange_that_does_not_answer_as_it_should_is_an_external_error(
    status: int, body: bytes, *, retryable: bool
) -> None:
    with exchange(status, body) as url, pytest.raises(ExternalServiceError) as caught:
        MarketsSnapshot.capture(["BTC/USDT"], base_url=url)

    assert (caught.value.service, caught.value.operation) == ("binance", "exchangeInfo")
    assert caught.value.retryable is retryable


def test_a_blocked_country_is_an_error_that_says_to_use_another_network() -> None:
    with exchange(451, b"{}") as url, pytest.raises(ExternalServiceError) as caught:
        MarketsSnapshot.capture(["BTC/USDT"], base_url=url)

    assert str(caught.value).endswith(
        "; the exchange may not serve this country or network: use another one"
    )


def test_a_symbol_of_no_interest_stops_no_capture() -> None:
    wanted, other = made("BTC/USDT", "ETH/USDT").model_dump(mode="json")["symbols"]
    symbols = [wanted, other, other, {"symbol": "OLD"}, {}]

    with exchange(200, json.dumps({"symbols": symbols}).encode()) as url:
        snapshot = MarketsSnapshot.capture(["BTC/USDT"], base_url=url)

    assert snapshot.model_dump(mode="json")["symbols"] == [wanted]


def test_of_two_markets_of_a_pair_the_one_that_is_traded_counts() -> None:
    (traded,) = made("BTC/USDT").model_dump(mode="json")["symbols"]
    closed = {**traded, "symbol": "BTCUSDTOLD", "status": "BREAK"}

    with exchange(200, json.dumps({"symbols": [closed, traded]}).encode()) as url:
        snapshot = MarketsSnapshot.capture(["BTC/USDT"], base_url=url)

    (symbol,) = snapshot.symbols
    assert symbol["symbol"] == "BTCUSDT"


def test_an_exchange_that_cannot_be_reached_is_an_external_error() -> None:
    with MarketServer(made("BTC/USDT")) as server:
        url = server.base_url

    with pytest.raises(ExternalServiceError, match="refused") as caught:
        MarketsSnapshot.capture(["BTC/USDT"], base_url=url)

    assert caught.value.retryable


@pytest.mark.parametrize(
    "url", ["http://example.com", "ftp://example.com", "file:///etc", "x", "http://[::1"]
)
def test_an_address_that_is_neither_https_nor_loopback_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="expected https"):
        MarketsSnapshot.capture(["BTC/USDT"], base_url=url)


def test_the_last_candle_is_read_with_its_exact_close() -> None:
    rows = [[1_764_417_600_000, "1", "2", "0.5", "1.50", "9"], [1_764_417_660_000, *"1234", "9"]]

    with exchange(200, json.dumps(rows).encode()) as url:
        candle = exchange_named("binance").fetch_last_candle("BTC/USDT", "1m", url)

    assert candle is not None
    assert (candle.opened_at, candle.close) == (
        datetime(2025, 11, 29, 12, 1, tzinfo=UTC),
        Decimal(4),
    )


def test_a_pair_without_a_candle_has_none() -> None:
    with exchange(200, b"[]") as url:
        assert exchange_named("binance").fetch_last_candle("BTC/USDT", "1m", url) is None


@pytest.mark.parametrize(
    ("status", "body", "retryable"),
    [
        (200, b"{}", False),
        (200, b"[[1, 2]]", False),
        (200, b'[["a", 1, 1, 1, "1"]]', False),
        (200, b'[[1, 1, 1, 1, "much"]]', False),
        (200, b'[[1e99, 1, 1, 1, "1"]]', False),
        (503, b"{}", True),
    ],
)
def test_candles_that_are_not_in_a_known_form_are_an_external_error(
    status: int, body: bytes, *, retryable: bool
) -> None:
    with exchange(status, body) as url, pytest.raises(ExternalServiceError) as caught:
        exchange_named("binance").fetch_last_candle("BTC/USDT", "1m", url)

    assert (caught.value.operation, caught.value.retryable) == ("klines", retryable)
    assert "the candles of BTC/USDT could not be fetched" in str(caught.value)
