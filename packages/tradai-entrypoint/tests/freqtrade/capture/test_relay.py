import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier

import pytest

from tradai.core import redact
from tradai.core.exceptions import ExternalServiceError
from tradai.entrypoint.freqtrade._capture.relay import RecordingRelay
from tradai.entrypoint.freqtrade._exchange._recorded.exchange import RecordedExchange

MARKETS = "https://api.exchange.test/v5/market/all?category=spot"
INFO = "https://api.exchange.test/v5/market/a"
PATIENCE_S = 60
KNOWN = RecordedExchange(
    name="bybit",
    addresses={"https://api.exchange.test": "public private"},
    public=("/v5/market/*",),
    options={},
)


@dataclass
class Exchange:
    """An exchange that repeats what it is asked; addresses with ``gone`` are not answered."""

    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def fetch(self, url: str, body: str = "", *, agent: str = "tradai") -> str:
        self.asked.append((url, body, agent))
        if "gone" in url:
            message = f"{url} is gone"
            raise ExternalServiceError(message, service="exchange", operation="gone")
        return json.dumps([url, body])


def ask(url: str, body: str = "") -> tuple[int, object]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    headers = {"User-Agent": "client/1", "X-Api-Key": "not-a-real-key"}
    # The relay is on this machine (S310).
    request = urllib.request.Request(  # noqa: S310
        url, data=body.encode() or None, headers=headers
    )
    try:
        with opener.open(request, timeout=PATIENCE_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, json.load(exc)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
def relay(exchange: Exchange) -> Iterator[RecordingRelay]:
    with RecordingRelay(exchange, KNOWN) as relay:
        yield relay


def test_answers_are_passed_on_and_recorded_by_address_and_body(
    relay: RecordingRelay, exchange: Exchange
) -> None:
    bodies = ('{"type":"b"}', '{"type":"a"}')
    answered = [ask(f"{relay.base_url}/{INFO}", body) for body in bodies]
    assert ask(f"{relay.base_url}/{MARKETS}") == (200, [MARKETS, ""])

    assert answered == [(200, [INFO, body]) for body in bodies]
    assert [(each.url, each.body) for each in relay.answers] == [
        (INFO, '{"type":"a"}'),
        (INFO, '{"type":"b"}'),
        (MARKETS, ""),
    ]
    assert relay.failure is None
    # The name of the client alone: no key can be sent on.
    assert {agent for _, _, agent in exchange.asked} == {"client/1"}


def test_the_same_request_is_passed_on_once(relay: RecordingRelay, exchange: Exchange) -> None:
    first, second = (ask(f"{relay.base_url}/{MARKETS}") for _ in range(2))

    assert first == second
    assert len(exchange.asked) == 1


def test_after_a_failure_the_exchange_is_left_alone(
    relay: RecordingRelay, exchange: Exchange
) -> None:
    gone = ask(f"{relay.base_url}/https://api.exchange.test/v5/market/gone")
    later = ask(f"{relay.base_url}/{MARKETS}")

    message = "https://api.exchange.test/v5/market/gone is gone"
    assert gone == later == (502, {"error": message})
    assert len(exchange.asked) == 1
    assert str(relay.failure) == message


@pytest.mark.parametrize(
    "path", ["", "/wrong", f"/wrong/{MARKETS}", "TOKEN/http://api.exchange.test/", "TOKEN/file:///"]
)
def test_only_the_engine_reaches_the_exchange_and_only_by_https(
    relay: RecordingRelay, exchange: Exchange, path: str
) -> None:
    root = relay.base_url.rpartition("/")[0]

    status, _ = ask(path.replace("TOKEN", relay.base_url) if "TOKEN" in path else root + path)

    assert (status, exchange.asked) == (404, [])
    assert relay.base_url.rpartition("/")[2] not in redact(relay.base_url)


def test_an_address_from_which_no_markets_are_loaded_is_neither_asked_for_nor_recorded(
    relay: RecordingRelay, exchange: Exchange
) -> None:
    status, _ = ask(f"{relay.base_url}/https://api.exchange.test/v5/asset/coin/query-info?coin=X")

    assert (status, exchange.asked, relay.answers) == (502, [], ())
    assert "the engine asks bybit for /v5/asset/coin/query-info, which is" in str(relay.failure)


def test_requests_at_the_same_time_are_all_recorded(relay: RecordingRelay) -> None:
    barrier = Barrier(8)

    def one(number: int) -> None:
        barrier.wait()
        assert ask(f"{relay.base_url}/{MARKETS}&page={number}")[0] == 200

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(8)))

    assert len({each.url for each in relay.answers}) == 8
