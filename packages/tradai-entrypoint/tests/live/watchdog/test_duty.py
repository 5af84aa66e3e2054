"""The duty on an engine that is dead is done and written down, whatever goes wrong."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from tradai.core import FileJournal
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._live._account.account import (
    ApiKeys,
    ExchangeOrder,
    OrderStatus,
    SignedClient,
)
from tradai.entrypoint._live._watchdog import child
from tradai.entrypoint._live._watchdog.duty import SignIn
from tradai.entrypoint._live._watchdog.engine_group import EngineGroup, started_at

PREFIX: Final = "x-0123456789ab"
KEY: Final = "FakeKeyOfNoAccount"
WHY: Final = "the lease was not renewed in time"
ENTRY: Final = ExchangeOrder(
    symbol="ETHUSDT",
    order_id="7",
    client_order_id=f"{PREFIX}{1:022}",
    side="buy",
    status=OrderStatus.OPEN,
    amount=Decimal("0.10"),
    filled=Decimal("0.05"),
    value=Decimal(150),
    price=Decimal(3_000),
    stop_price=None,
)


class Account:
    """An account with one open entry; its other answers are not asked for."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *_: (_ for _ in ()).throw(AssertionError(name))

    def fetch_open_orders(self) -> tuple[ExchangeOrder, ...]:
        return (ENTRY,)

    def cancel(self, order: ExchangeOrder) -> ExchangeOrder:
        if self.error:
            raise self.error
        return order


@pytest.fixture
def group() -> Iterator[EngineGroup]:
    """A process that sleeps and leads a group."""
    program = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(program, start_new_session=True) as process:
        yield EngineGroup(process.pid, started=started_at(process.pid))
        process.kill()


def _act(group: EngineGroup, log: Path, sign_in: SignIn) -> int:
    facts = {
        "exchange": "binance",
        "base_url": None,
        "key": KEY,
        "secret": "NotASecretOfAnyone",
        "prefix": PREFIX,
        "log": str(log),
        "settle_s": 0.0,
        "cancel_s": 0.0,
    }
    return child.act(WHY, facts, group, sign_in)


def _sign_in(error: Exception | None = None) -> SignIn:
    account = Account(error)

    def sign_in(exchange: str, keys: ApiKeys, base_url: str | None) -> SignedClient:
        assert (exchange, keys.key.reveal(), base_url) == ("binance", KEY, None)
        return SignedClient(reads=account, orders=account)

    return sign_in


def _log(path: Path) -> list[tuple[str, dict[str, Any]]]:
    return [(entry.event, dict(entry.facts)) for entry in FileJournal(path).entries()]


def test_the_kill_and_each_entry_are_written_down(group: EngineGroup, tmp_path: Path) -> None:
    code = _act(group, tmp_path / "log", _sign_in())

    assert code == child.ACTED
    assert not group.is_running
    assert _log(tmp_path / "log") == [
        ("engine killed", {"why": WHY, "has_ended": True}),
        (
            "entry cancelled",
            {
                "symbol": "ETHUSDT",
                "order": "7",
                "client_order_id": ENTRY.client_order_id,
                "amount": "0.10",
                "filled": "0.05",
            },
        ),
        ("done", {"cancelled": 1, "problem": None}),
    ]


def test_an_error_that_was_not_foreseen_is_written_down_without_its_text(
    group: EngineGroup, tmp_path: Path
) -> None:
    code = _act(group, tmp_path / "log", _sign_in(RuntimeError(f"a bug near {KEY}")))

    assert code == child.ORDERS_LEFT
    assert _log(tmp_path / "log")[-1] == ("entries unknown or left", {"problem": "RuntimeError"})
    assert KEY not in (tmp_path / "log").read_text()


def test_a_key_that_cannot_be_used_is_written_down(group: EngineGroup, tmp_path: Path) -> None:
    def refuse(*_: object) -> SignedClient:
        raise ConfigurationError("the API key has blanks", key="exchange key")

    code = _act(group, tmp_path / "log", refuse)

    assert code == child.ORDERS_LEFT
    assert _log(tmp_path / "log")[-1][1]["problem"] == "the API key has blanks"


def test_a_log_that_cannot_be_written_keeps_nothing_from_being_done(
    group: EngineGroup, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    code = _act(group, tmp_path / "file" / "log", _sign_in())

    assert code == child.ACTED
    assert not group.is_running
