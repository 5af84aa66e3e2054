import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from threading import Thread

import pytest

from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    ValidationError,
)
from tradai.entrypoint._process.interrupts import Interrupts, RunInterruptedError
from tradai.entrypoint.freqtrade import MarketsSnapshot, capture_markets
from tradai.entrypoint.freqtrade._engine.install import EngineInstall

# Asks as the engine's client does, at the address in its settings.
ASKING = """
    import json, sys, urllib.request
    given = json.load(sys.stdin)
    client = given["exchange"]["ccxt_config"]
    url = client["urls"]["api"]["public"] + "/v5/market/all?category=spot"
    answer = json.loads(urllib.request.urlopen(url).read())
    rows = [
        {
            "symbol": pair, "type": "spot", "base": pair[:3], "quote": pair[4:],
            "active": active, "precision": {"price": 0.1, "amount": 0.001},
            "limits": {"amount": {"min": 0.001}, "cost": {"min": 5}}, "contractSize": None,
            "precision_mode": 4,
        }
        for pair, active in answer.items() if pair in given["pairs"]
    ]
    names, versions = list(answer), {"ccxt": "4.5", "freqtrade": "2026.9"}
    print(json.dumps({"markets": rows, "names": names, "versions": versions}))
"""
FAILING = "import sys; sys.stdin.read(); sys.exit('TemporaryError: bybit has no markets')"
SIGNALLING = """
    import os, signal, sys, time
    os.kill(os.getppid(), signal.SIGINT)
    time.sleep(600)
"""


@contextmanager
def exchange(text: str = '{"BTC/USDT": true, "ETH/USDT": false}') -> Iterator[str]:
    """Answer each request on this machine with `text`; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def capture(
    interrupts: Interrupts,
    *pairs: str,
    program: str = ASKING,
    base_url: str | None = None,
    name: str = "bybit",
) -> MarketsSnapshot:
    python = (sys.executable, "-I", "-c", dedent(program))
    engine = EngineInstall(python=python, version="2026.9", package=Path())
    return capture_markets(
        pairs, exchange=name, base_url=base_url, interrupts=interrupts, environ={}, engine=engine
    )


def test_the_answers_that_the_engine_was_given_are_kept(
    interrupts: Interrupts, tmp_path: Path
) -> None:
    with exchange() as url:
        snapshot = capture(interrupts, "BTC/USDT", base_url=url)
    snapshot.save(tmp_path / "markets.json")

    assert (snapshot.exchange, snapshot.origin) == ("bybit", "captured")
    assert snapshot.note == "ccxt 4.5, freqtrade 2026.9"
    assert snapshot.pairs == {"BTC/USDT"}
    (answer,) = snapshot.answers
    assert answer.url == "https://api.bybit.com/v5/market/all?category=spot"
    assert json.loads(answer.text) == {"BTC/USDT": True, "ETH/USDT": False}
    assert MarketsSnapshot.load(tmp_path / "markets.json", exchange="bybit") == snapshot


def test_an_answer_that_changed_is_another_snapshot(interrupts: Interrupts) -> None:
    digests = set()
    for text in ('{"BTC/USDT": true}', '{"BTC/USDT": true, "ETH/USDT": true}'):
        with exchange(text) as url:
            digests.add(capture(interrupts, "BTC/USDT", base_url=url).digest)

    assert len(digests) == 2


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("XBT/USDT", r"bybit does not list XBT/USDT; did you mean 'BTC/USDT'\?; write the names"),
        (
            "ETH/USDT",
            r"ETH/USDT \(not active\).*capture them again, or remove the pairs from what asks",
        ),
    ],
)
def test_a_pair_that_is_not_traded_is_named(interrupts: Interrupts, pair: str, said: str) -> None:
    with exchange() as url, pytest.raises(NotFoundError, match=said):
        capture(interrupts, "BTC/USDT", pair, base_url=url)


def test_an_exchange_that_sends_a_page_is_an_error_of_the_exchange(interrupts: Interrupts) -> None:
    with exchange("<html>") as url, pytest.raises(ExternalServiceError) as caught:
        capture(interrupts, "BTC/USDT", base_url=url)

    assert str(caught.value).startswith(
        "bybit did not answer at api.bybit.com/v5/market/all: its answer is a web page"
    )


def test_answers_that_the_engine_cannot_read_are_an_error_with_its_reason(
    interrupts: Interrupts,
) -> None:
    with pytest.raises(ExternalServiceError, match="TemporaryError: bybit has no markets"):
        capture(interrupts, "BTC/USDT", program=FAILING)


def test_an_engine_that_ends_without_a_word_is_said_to_give_no_reason(
    interrupts: Interrupts,
) -> None:
    with pytest.raises(ExternalServiceError, match=r"its answers \(it gave no reason\)"):
        capture(interrupts, "BTC/USDT", program="import sys; sys.stdin.read(); sys.exit(1)")


def test_an_exchange_without_a_market_is_an_error_that_says_so(interrupts: Interrupts) -> None:
    program = f"{dedent(ASKING)}\nsys.exit(0 if names else 1)"

    with (
        exchange("{}") as url,
        pytest.raises(
            ExternalServiceError, match=r"its answers \(they list no market\): try again"
        ),
    ):
        capture(interrupts, "BTC/USDT", program=program, base_url=url)


def test_a_pair_without_a_step_is_refused_with_what_to_do(interrupts: Interrupts) -> None:
    program = ASKING.replace('"price": 0.1', '"price": None')

    with exchange() as url, pytest.raises(ValidationError) as caught:
        capture(interrupts, "BTC/USDT", program=program, base_url=url)

    assert "'BTC/USDT' is not usable: tick: must be" in str(caught.value)
    assert str(caught.value).endswith("; remove the pair, or capture its rules again")


def test_a_contract_is_refused_before_the_exchange_is_asked(interrupts: Interrupts) -> None:
    said = "pairs has BTC/USDT:USDT, and of bybit the spot market alone is known: remove them"

    with pytest.raises(ConfigurationError, match=said) as caught:
        capture(interrupts, "ETH/USDT", "BTC/USDT:USDT", program=FAILING)

    assert caught.value.key == "pairs"


def test_rules_that_did_not_change_keep_their_digest(interrupts: Interrupts) -> None:
    digests = set()
    for number in (1, 2):
        answer = json.dumps({"BTC/USDT": True, "time": number})
        with exchange(answer) as url:
            digests.add(capture(interrupts, "BTC/USDT", base_url=url).digest)

    assert len(digests) == 1


def test_an_infinite_rule_is_an_error_of_the_exchange(
    interrupts: Interrupts,
) -> None:
    program = ASKING.replace('"min": 0.001', '"min": float("inf")')

    with (
        exchange() as url,
        pytest.raises(ExternalServiceError, match="could not read the markets of bybit"),
    ):
        capture(interrupts, "BTC/USDT", program=program, base_url=url)


def test_a_signal_ends_the_capture(interrupts: Interrupts) -> None:
    with pytest.raises(RunInterruptedError):
        capture(interrupts, "BTC/USDT", program=SIGNALLING)


def test_an_exchange_that_is_not_known_is_suggested(interrupts: Interrupts) -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'bybit'") as caught:
        capture(interrupts, "BTC/USDT", name="bybt")

    assert caught.value.key == "exchange"


def test_a_plain_address_of_another_machine_is_refused(interrupts: Interrupts) -> None:
    with pytest.raises(ValidationError, match="expected https, or http on a loopback"):
        capture(interrupts, "BTC/USDT", base_url="http://192.0.2.1/")
