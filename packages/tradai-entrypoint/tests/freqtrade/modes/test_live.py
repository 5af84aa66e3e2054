"""LIVE from the gate to the verdict, on a stand-in for the engine and an account that is none."""

import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, cast

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tradai.core import FileJournal, SystemClock, TradingMode, Utc, canonical_json
from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    TradAIError,
)
from tradai.core.live import (
    Approval,
    LivePlan,
    ObjectSessionStore,
    OrderPolicy,
    RiskLimit,
    RiskMeasure,
    SessionRequest,
    SessionState,
    TradingAccount,
)
from tradai.core.testing import MemoryJournal
from tradai.entrypoint import (
    EntrypointSettings,
    ExitCode,
    Interrupts,
    LiveSettings,
    RunManifest,
    RunRequest,
    TradingEntrypoint,
)
from tradai.entrypoint._live._account.account import (
    AccountState,
    ApiKeys,
    Balance,
    ExchangeOrder,
    KeyRights,
    NewOrder,
    OrderStatus,
    SignedClient,
)
from tradai.entrypoint._live._account.order_owner import order_prefix
from tradai.entrypoint._live._account.traded_account import TradedAccount
from tradai.entrypoint._live._drain.budget import StopBudget
from tradai.entrypoint._live._risk.halt_latch import HaltLatch
from tradai.entrypoint._live.gate import SignedIn, Venue
from tradai.entrypoint._live.leases import HeldLeases
from tradai.entrypoint._live.live_places import approvals_of
from tradai.entrypoint._live.live_session import LiveSession
from tradai.entrypoint._live.session import Session
from tradai.entrypoint._live.session_requests import request_session
from tradai.entrypoint._live.watchdog import Watchdog, WatchdogTimes
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint._runs.parameters import read_run_parameters
from tradai.entrypoint._runs.request import load_config
from tradai.entrypoint.freqtrade import (
    MARKETS_NAME,
    MarketRules,
    MarketsSnapshot,
    plan_session,
)
from tradai.entrypoint.freqtrade._engine.install import EngineInstall
from tradai.entrypoint.freqtrade._evidence.log_silence import LogSilence
from tradai.entrypoint.freqtrade._exchange._binance.spot_market import Binance
from tradai.entrypoint.freqtrade._preparation.live_facts import SessionExchange
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._preparation.session_account import traded_account
from tradai.entrypoint.freqtrade._results.database import EngineDatabase

LOGS: Final = Path(__file__).resolve().parent.parent / "evidence/engine_log"
# No request is sent there.
NOWHERE: Final = "http://127.0.0.1:9"
TABLES: Final = """
CREATE TABLE trades (
    id INTEGER PRIMARY KEY, pair VARCHAR(25) NOT NULL, is_open BOOLEAN NOT NULL,
    realized_profit FLOAT, amount FLOAT, open_rate FLOAT,
    strategy VARCHAR(100)
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, ft_trade_id INTEGER, ft_order_side VARCHAR(25) NOT NULL,
    ft_pair VARCHAR(25) NOT NULL, order_id VARCHAR(255) NOT NULL, status VARCHAR(255),
    ft_is_open BOOLEAN NOT NULL DEFAULT 1, filled FLOAT
);
"""
OPEN_TRADE: Final = "trades VALUES (1, 'BTC/USDT', 1, 0, 1, 100, 'WaveRider')"
KEPT_ENTRY: Final = "orders VALUES (9, 1, 'buy', 'BTC/USDT', '1', 'open', 1, 0)"
PAIRS: Final = ("BTC/USDT", "ETH/USDT", "XRP/USDT")
LOG_SILENCE: Final = "tradai.entrypoint.freqtrade._evidence.log_silence"
# More than the ones that are missed before a log counts as silent.
HEARTBEATS: Final = 6
TRADING: Final = "engine: trading live on loopback, no money, Ctrl-C stops it"
KEY: Final = "not-a-real-api-key-000000000001"
SECRET: Final = "not-a-real-api-secret-0000000001"  # noqa: S105 - a test looks for it
ACCOUNT: Final = TradingAccount(venue="binance", uid="1234567")
PREFIX: Final = order_prefix(ACCOUNT, "waves")
# Of the checks.
READS: Final = ("account", "rights", "open orders")
RIGHTS: Final = KeyRights(may_read=True, may_trade=True, may_withdraw=False, may_transfer=False)

Run = Callable[..., Any]
Tell = Callable[[int], Callable[[], None]]
Faulty = Callable[[Callable[[], None]], Any]
Listing = Callable[[MarketsSnapshot], AbstractContextManager[str]]


def order(number: str, client_order_id: str, *, symbol: str = "BTCUSDT") -> ExchangeOrder:
    return ExchangeOrder(
        symbol=symbol,
        order_id=number,
        client_order_id=client_order_id,
        side="buy",
        status=OrderStatus.OPEN,
        amount=Decimal(1),
        filled=Decimal(0),
        value=Decimal(0),
        price=Decimal(100),
        stop_price=None,
    )


def placed(number: str) -> dict[str, Any]:
    """Have the engine place an entry order."""
    return {
        "order_id": number,
        "pair": "BTC/USDT",
        "side": "buy",
        "status": "open",
        "is_logged": True,
        "is_booked": True,
        "trade_id": 1,
        "then": (),
    }


@dataclass
class Account:
    """An account that answers as a test says, and takes no order from us."""

    uid: str = ACCOUNT.uid
    may_trade: bool = True
    rights: KeyRights = RIGHTS
    offset_s: float = 0.0
    balances: tuple[Balance, ...] = (Balance(asset="USDT", free=Decimal(1_000), locked=Decimal()),)
    # Answers before `balances`.
    earlier_balances: list[tuple[Balance, ...]] = field(default_factory=list)
    # Answers in turn, of which the last one stays; None is none.
    open_orders: list[list[ExchangeOrder] | None] = field(default_factory=lambda: [[]])
    # Those that have ended, at the comparison of the books.
    ended_orders: list[ExchangeOrder] = field(default_factory=list)
    # Those that were placed before the starts that are on record.
    earlier_orders: list[ExchangeOrder] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def sign_in(self, _: ApiKeys) -> SignedClient:
        return SignedClient(reads=self, orders=self)

    def fetch_account(self) -> AccountState:
        self.asked.append("account")
        balances = self.earlier_balances.pop(0) if self.earlier_balances else self.balances
        return AccountState(uid=self.uid, may_trade=self.may_trade, balances=balances)

    def fetch_key_rights(self) -> KeyRights:
        self.asked.append("rights")
        return self.rights

    def fetch_open_orders(self) -> Sequence[ExchangeOrder]:
        self.asked.append("open orders")
        answer = self.open_orders.pop(0) if len(self.open_orders) > 1 else self.open_orders[0]
        if answer is None:
            message = "the exchange does not answer"
            raise ExternalServiceError(message, service="binance", operation="openOrders")
        return answer

    def fetch_order(self, pair: str, client_order_id: str) -> ExchangeOrder:
        raise AssertionError(pair, client_order_id)

    def fetch_orders(self, pair: str, *, since: Utc) -> Sequence[ExchangeOrder]:
        self.asked.append("orders")
        del since
        if pair not in PAIRS:
            message = "Invalid symbol. (-1121)"
            raise ExternalServiceError(message, service="binance", operation="allOrders")
        return [each for each in self.ended_orders if each.symbol == pair.replace("/", "")]

    def fetch_order_by_id(self, pair: str, order_id: str) -> ExchangeOrder:
        self.asked.append("order")
        for each in self._all_of(pair):
            if each.order_id == order_id:
                return each
        message = "Order does not exist."
        raise NotFoundError(message, kind="order", key=order_id)

    def fetch_orders_from(self, pair: str, order_id: str) -> Sequence[ExchangeOrder]:
        self.asked.append("later orders")
        return [each for each in self._all_of(pair) if int(each.order_id) >= int(order_id)]

    def _all_of(self, pair: str) -> list[ExchangeOrder]:
        known = [*self.earlier_orders, *self.ended_orders]
        return [each for each in known if each.symbol == pair.replace("/", "")]

    def measure_clock(self) -> float:
        return self.offset_s

    def place(self, order: NewOrder) -> ExchangeOrder:
        raise AssertionError(order)

    def cancel(self, order: ExchangeOrder) -> ExchangeOrder:
        raise AssertionError(order)


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    """The account that every key is of."""
    account = Account()
    venue = Venue(name=ACCOUNT.venue, sign_in=account.sign_in)
    for module in ("_modes._live.start", "_preparation.planned_session"):
        name = f"tradai.entrypoint.freqtrade.{module}.venue_of"
        monkeypatch.setattr(name, lambda *_: venue)
    return account


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of everything that outlives a session, in the environment."""
    folder = tmp_path / "state"
    places = {
        "APPROVALS": f"file:{folder}/approvals",
        "APPROVAL_KEY": "env:FAKE_APPROVAL_KEY",
        "LEASE": f"file:{folder}/leases",
        "LATCH": f"file:{folder}/halts.json",
        "SESSIONS": f"file:{folder}/sessions",
        "DATABASES": str(folder / "databases"),
        # These tests may run in a container.
        "DURABLE_VOLUME": str(tmp_path),
        "DRY_RUN_HOURS": "0",
        "API_KEY": "env:FAKE_API_KEY",
        "API_SECRET": "env:FAKE_API_SECRET",
    }
    for name, value in places.items():
        monkeypatch.setenv(f"TRADAI_LIVE_{name}", value)
    monkeypatch.setenv("FAKE_APPROVAL_KEY", "not-a-real-key-for-approvals-0001")
    monkeypatch.setenv("FAKE_API_KEY", KEY)
    monkeypatch.setenv("FAKE_API_SECRET", SECRET)
    return folder


@pytest.fixture
def exchange(candles: Path, listing: Listing) -> Iterator[str]:
    """Address of an exchange that lists the pairs of the configuration."""
    with listing(MarketsSnapshot.load(candles / MARKETS_NAME)) as address:
        yield address


def planned(tmp_path: Path, exchange: str, *overrides: str) -> LivePlan:
    """Return the plan of the strategy with `overrides`."""
    entrypoint = TradingEntrypoint(
        EntrypointSettings(
            mode=TradingMode.LIVE,
            config=str(tmp_path / "strategy.yaml"),
            folder=tmp_path / "runs",
        ),
        request=RunRequest(overrides=(f"run.exchange_url={exchange}", *overrides)),
    )
    # The handler of these tests is a partial, which has the stand-in.
    engine = entrypoint.get_handler(TradingMode.LIVE).keywords["engine"]  # type: ignore[attr-defined]
    return plan_session(entrypoint, LiveSettings(), engine=engine).plan


def approval_of(plan: LivePlan, **terms: object) -> Approval:
    now = SystemClock().now()
    usual: dict[str, Any] = {
        "plan": plan,
        "account": ACCOUNT,
        "approver": "Ada Example",
        "approved_at": now,
        "expires_at": now + timedelta(days=7),
        "stake_currency": "USDT",
        "largest_stake": Decimal(100),
        "risk_limits": dict.fromkeys(RiskMeasure, RiskLimit(halt=Decimal(10))),
        "order_policy": OrderPolicy.KEEP,
    }
    return Approval.model_validate(usual | terms)


@pytest.fixture
def approve(
    tmp_path: Path,
    exchange: str,
    install: Callable[..., object],
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., LivePlan]:
    """Approve and confirm the plan of the strategy."""

    def approve(*overrides: str, **terms: object) -> LivePlan:
        install()
        plan = planned(tmp_path, exchange, *overrides)
        approvals_of(LiveSettings()).approve(approval_of(plan, **terms))
        monkeypatch.setenv("TRADAI_LIVE_CONFIRM", plan.confirmation)
        account.asked.clear()
        return plan

    return approve


@pytest.fixture
def live(run: Run, exchange: str) -> Run:
    """Run until something ends it."""
    return partial(run, TradingMode.LIVE, f"run.exchange_url={exchange}", waits=True)


@pytest.fixture
def stopped(live: Run, tell: Tell) -> Run:
    """Run, and send SIGTERM as soon as the engine trades."""
    reactions = {TRADING: tell(signal.SIGTERM)}
    return partial(live, reactions=reactions, on_sigterm="stops")


def test_a_log_names_the_session_by_which_operators_ask_and_stop_it(
    stopped: Run, approve: Callable[..., LivePlan]
) -> None:
    approve()

    (line,) = stopped().lines

    assert "`tradai-entrypoint status waves`" in line


def test_an_approved_session_trades_on_the_account_and_stops_in_good_order(
    stopped: Run,
    approve: Callable[..., LivePlan],
    account: Account,
    state: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    plan = approve()
    account.open_orders = [[], [order("1", f"{PREFIX}1")]]

    done = stopped(orders=[placed("1")])

    assert done.code == ExitCode.DONE, done.verdict
    exchange = done.given["config"]["exchange"]
    assert (exchange["key"], exchange["secret"]) == (KEY, SECRET)
    assert exchange["ccxt_config"]["options"]["broker"] == {"spot": PREFIX}
    assert done.given["config"]["dry_run"] is False
    assert done.given["config"]["initial_state"] == "paused"
    database = state / "databases" / "binance-1234567-waves.sqlite"
    assert done.given["config"]["db_url"] == f"sqlite:///{database}"
    manifest = done.manifest
    assert manifest.live["plan"] == plan.model_dump(mode="json")
    assert manifest.live["account"] == "binance:1234567"
    assert manifest.digests["live"] == plan.digest
    assert any("loopback, no money" in notice for notice in manifest.notices)
    (said,) = (each for each in caplog.records if each.getMessage() == "the session is admitted")
    assert "loopback, no money" in said.__dict__["place"]
    drain = manifest.live["drain"]
    assert ([row["order_id"] for row in drain["left"]], drain["is_reconciled"]) == (["1"], True)
    moves = [entry.facts["end"] for entry in done.journal if entry.event == "session_moved"]
    assert moves == ["warm-up", "running", "draining", "stopped"]
    kept = [path.read_bytes() for path in done.folder.rglob("*") if path.is_file()]
    assert not any(KEY.encode() in text or SECRET.encode() in text for text in kept)


def test_a_session_that_was_killed_while_paused_is_paused_when_it_starts_again(
    stopped: Run, approve: Callable[..., LivePlan], state: Path
) -> None:
    approve()
    store = ObjectSessionStore.for_uri(f"file:{state}/sessions")
    before = Session.start(store, session="waves", run_id="run-before", journal=MemoryJournal())
    for each in (SessionState.WARM_UP, SessionState.RUNNING, SessionState.PAUSED):
        before.move(each, "the news")

    done = stopped()

    assert done.code == ExitCode.DONE, done.verdict
    moves = [entry.facts["end"] for entry in done.journal if entry.event == "session_moved"]
    assert moves == ["warm-up", "paused", "draining", "stopped"]
    log = (done.folder / "engine.log").read_text()
    assert "to: PAUSED" in log
    assert "to: RUNNING" not in log


def test_probes_are_served_on_the_port_that_is_asked_for_and_end_with_the_session(
    live: Run,
    approve: Callable[..., LivePlan],
    tell: Tell,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRADAI_LIVE_PROBE_PORT", "0")
    approve()
    codes: dict[str, int] = {}
    stop = tell(signal.SIGTERM)

    def ask() -> None:
        (journal,) = tmp_path.glob("runs/*/journal.jsonl")
        listening = (each for each in FileJournal(journal).entries() if "probes" in each.event)
        port = next(listening).facts["port"]
        for name in ("live", "startup", "ready"):
            connection = http.client.HTTPConnection("127.0.0.1", cast("int", port), timeout=60)
            with closing(connection):
                connection.request("GET", f"/{name}")
                codes[name] = connection.getresponse().status
        stop()

    done = live(reactions={TRADING: ask}, on_sigterm="stops")

    assert done.code == ExitCode.DONE, done.verdict
    assert (codes["live"], codes["startup"]) == (200, 200)
    port = done.manifest.live["probe_port"]
    assert done.facts("probes listening") == {"port": port}
    with (
        pytest.raises(ConnectionRefusedError),
        closing(http.client.HTTPConnection("127.0.0.1", port)) as gone,
    ):
        gone.connect()


def test_a_session_serves_no_probes_unless_it_is_asked_to(
    stopped: Run, approve: Callable[..., LivePlan]
) -> None:
    approve()

    done = stopped()

    assert "probe_port" not in done.manifest.live
    assert "probes listening" not in done.events


def test_a_probe_port_that_is_taken_is_refused_before_anything_is_signed(
    live: Run,
    approve: Callable[..., LivePlan],
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    approve()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("TRADAI_LIVE_PROBE_PORT", str(taken.getsockname()[1]))

        refused(live, ExitCode.CONFIGURATION, "choose another port in TRADAI_LIVE_PROBE_PORT")

    assert account.asked == []


def test_a_start_reads_the_market_list_once_and_the_account_again_under_its_lease(
    stopped: Run,
    approve: Callable[..., LivePlan],
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    approve()
    fetched: list[str | None] = []
    real = Binance.fetch_symbols

    def fetch(self: Binance, base_url: str | None) -> object:
        fetched.append(base_url)
        return real(self, base_url)

    monkeypatch.setattr(Binance, "fetch_symbols", fetch)
    traded: list[AccountState] = []
    module = "tradai.entrypoint.freqtrade._modes._live.live"

    def note(
        job: EngineJob,
        context: RunContext,
        signed_in: SignedIn,
        database: EngineDatabase,
        *,
        venue: SessionExchange,
    ) -> TradedAccount:
        traded.append(signed_in.state)
        return traded_account(job, context, signed_in, database, venue=venue)

    monkeypatch.setattr(f"{module}.traded_account", note)
    # The predecessor, whose lease is waited for, sells its coins.
    account.earlier_balances = [
        (*account.balances, Balance(asset="BTC", free=Decimal(1), locked=Decimal()))
    ]

    done = stopped()

    assert done.code == ExitCode.DONE, done.verdict
    assert len(fetched) == 1
    assert account.asked[:4] == ["account", "account", "rights", "open orders"]
    assert [balance.asset for balance in traded[0].balances] == ["USDT"]


def test_a_check_makes_its_job_once(
    tmp_path: Path,
    strategy: Path,
    exchange: str,
    approve: Callable[..., LivePlan],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    approve()
    made: list[RunContext] = []
    real = EngineJob.__init__

    def make(self: EngineJob, context: RunContext, *, engine: EngineInstall | None = None) -> None:
        made.append(context)
        real(self, context, engine=engine)

    monkeypatch.setattr(EngineJob, "__init__", make)
    entrypoint = TradingEntrypoint(
        EntrypointSettings(mode=TradingMode.LIVE, config=str(strategy), folder=tmp_path / "runs"),
        request=RunRequest(overrides=(f"run.exchange_url={exchange}",)),
    )

    rows = list(entrypoint.checks())

    assert [row.name for row in rows if row.name in {"confirmation", "balance"}]
    assert len(made) == 1


def test_a_session_goes_on_with_the_database_of_the_one_before(
    stopped: Run, approve: Callable[..., LivePlan], account: Account, state: Path
) -> None:
    approve()
    (state / "databases").mkdir()
    with closing(sqlite3.connect(state / "databases" / "binance-1234567-waves.sqlite")) as database:
        database.executescript(TABLES)
        database.execute(f"INSERT INTO {KEPT_ENTRY}")
        database.execute("INSERT INTO trades VALUES (8, 'BTC/USDT', 0, 12.5, 1, 100, 'WaveRider')")
        database.commit()
    funds = (Balance(asset="USDT", free=Decimal(990), locked=Decimal(10)),)
    account.balances = (*funds, Balance(asset="BNB", free=Decimal(5), locked=Decimal()))
    before = order("1", f"{PREFIX}1")
    account.open_orders = [[before], [before, order("2", f"{PREFIX}2")]]

    done = stopped(orders=[placed("2")])

    assert done.code == ExitCode.DONE, done.verdict
    assert done.manifest.results["orders_in_journal"] == 1
    assert done.manifest.results["orders_in_database"] == 1
    assert done.manifest.live["risks"]["capital"] == "987.5"


def test_an_open_order_at_the_exchange_that_the_database_lacks_is_named(
    stopped: Run, approve: Callable[..., LivePlan], account: Account
) -> None:
    approve()
    account.open_orders = [[], [order("7", f"{PREFIX}7"), order("8", "web_of_a_person")]]

    done = stopped(orders=[placed("1")])

    assert done.code == ExitCode.MISMATCH
    assert "the database does not know the open buy order 7 on BTCUSDT" in done.verdict
    assert [row["order_id"] for row in done.manifest.live["drain"]["lost"]] == ["7"]


def test_books_that_cannot_be_compared_do_not_agree(
    stopped: Run, approve: Callable[..., LivePlan], account: Account
) -> None:
    approve()
    account.open_orders = [[], None]

    done = stopped()

    assert done.code == ExitCode.MISMATCH
    assert "the exchange does not answer" in done.verdict
    assert "exchange and database were not compared" in done.manifest.live["drain"]["problems"]


def refused(run: Run, exit_code: ExitCode, *words: str) -> None:
    """Check that the engine is never started, and that the manifest has the one sentence."""
    done = run()
    assert done.code == done.manifest.exit_code == exit_code, done.verdict
    for word in words:
        assert word in done.verdict
    assert done.given is None
    assert "engine starting" not in done.events
    assert "\n" not in done.verdict


def test_a_plan_without_an_approval_is_refused(
    live: Run, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRADAI_LIVE_CONFIRM", raising=False)

    refused(live, ExitCode.NOT_PERMITTED, "TRADAI_LIVE_CONFIRM is not set")
    assert account.asked == []


def test_a_strategy_whose_source_has_changed_since_is_refused(
    live: Run, approve: Callable[..., LivePlan], account: Account, tmp_path: Path
) -> None:
    approve()
    source = tmp_path / "strategies" / "wave_rider.py"
    source.write_text(source.read_text() + "\n")

    refused(
        live,
        ExitCode.NOT_PERMITTED,
        "TRADAI_LIVE_CONFIRM does not confirm it, as it names another digest",
    )
    assert account.asked == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"uid": "7654321"}, "for another account"),
        ({"may_trade": False}, "does not let the account trade"),
        ({"offset_s": 2.5}, "clock"),
        ({"offset_s": -600.0}, "clock"),
        ({"offset_s": float("nan")}, "clock"),
        ({"rights": replace(RIGHTS, may_withdraw=True)}, "may withdraw"),
        ({"rights": replace(RIGHTS, may_withdraw=None)}, "unknown"),
        ({"rights": replace(RIGHTS, may_trade=False)}, "may not trade"),
        ({"open_orders": [[order("5", "web_of_a_person")]]}, "another program or person"),
        ({"open_orders": [[order("5", "x-000000000000abc")]]}, "another program or person"),
    ],
)
def test_an_account_in_doubt_is_refused_before_the_engine_is_started(
    live: Run,
    approve: Callable[..., LivePlan],
    account: Account,
    changes: dict[str, Any],
    word: str,
) -> None:
    approve()
    for name, value in changes.items():
        setattr(account, name, value)

    refused(live, ExitCode.NOT_PERMITTED, word)
    assert len(account.asked) <= 8


def test_open_orders_on_other_pairs_do_not_matter(
    stopped: Run, approve: Callable[..., LivePlan], account: Account
) -> None:
    approve()
    account.open_orders = [[order("5", "web_of_a_person", symbol="DOGEUSDT")], []]

    assert stopped().code == ExitCode.DONE


def test_a_plan_beyond_the_approved_terms_is_refused(
    live: Run, approve: Callable[..., LivePlan]
) -> None:
    approve(largest_stake=Decimal("99.99"))

    refused(live, ExitCode.NOT_PERMITTED, "the approved largest one 99.99")


@pytest.mark.parametrize(
    "line",
    [
        "def custom_stake_amount(self, **kwargs): return 1e9",
        "position_adjustment_enable = True",
    ],
)
def test_a_strategy_that_decides_its_stakes_itself_is_refused(
    live: Run, approve: Callable[..., LivePlan], tmp_path: Path, line: str
) -> None:
    source = tmp_path / "strategies" / "wave_rider.py"
    source.write_text(f"{source.read_text()}    {line}\n")
    approve()

    refused(live, ExitCode.NOT_PERMITTED, "stake could not be kept")


def drained(manifest: RunManifest) -> dict[str, str]:
    """Return the outcome of each step of the stop."""
    report: Any = manifest.live["drain"]
    return {row["step"]: row["outcome"] for row in report["steps"]}


LEFT_OUT: Final = (
    "2026-11-24 01:03:38,504 - freqtrade.plugins.pairlist.IPairList - WARNING - Pair XRP/USDT is "
    "not compatible with exchange Binance. Removing it from whitelist.."
)
CRASHED: Final = (
    "2026-11-24 01:03:38,504 - freqtrade - ERROR - Fatal exception!",
    "Traceback (most recent call last):",
    "KeyError: 'close'",
)


def test_an_engine_that_leaves_out_a_pair_is_drained(
    live: Run, approve: Callable[..., LivePlan], account: Account
) -> None:
    approve()
    account.open_orders = [[], [order("1", f"{PREFIX}1")]]

    done = live(says=[LEFT_OUT], orders=[placed("1")], on_sigterm="stops")

    assert done.code == ExitCode.DATA, done.verdict
    assert drained(done.manifest)["wait for its word"] == "it has stopped trading"
    assert [row["order_id"] for row in done.manifest.live["drain"]["left"]] == ["1"]
    moves = [entry.facts for entry in done.journal if entry.event == "session_moved"]
    assert [move["end"] for move in moves][-2:] == ["draining", "failed"]
    assert moves[-2]["reason"] == "the engine left out XRP/USDT"


def test_an_order_that_is_lost_when_a_pair_is_left_out_ends_76(
    live: Run, approve: Callable[..., LivePlan], account: Account
) -> None:
    approve()
    account.open_orders = [[], [order("7", f"{PREFIX}7")]]

    done = live(says=[LEFT_OUT], on_sigterm="stops")

    assert done.code == ExitCode.MISMATCH, done.verdict
    assert "the database does not know the open buy order 7" in done.verdict


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no order be in flight for long, and no engine be waited for."""
    monkeypatch.setattr(Binance, "in_flight_s", 0.2)
    needs = [(step, seconds if step != "wait for its word" else 0.0) for step, seconds in NEEDS]
    monkeypatch.setattr("tradai.entrypoint._live._drain.budget._needs", lambda *_: tuple(needs))


NEEDS: Final = StopBudget.plan(open_orders=4, in_flight_s=100).needs_s


@pytest.mark.usefixtures("soon")
def test_an_engine_that_does_not_start_in_time_is_drained(
    live: Run, approve: Callable[..., LivePlan], account: Account
) -> None:
    given = ("run.start_deadline_s=1", "run.stop_timeout_s=12")
    approve(*given)
    account.open_orders = [[], [order("7", f"{PREFIX}7")]]

    done = live(*given, never_starts=True, on_sigterm="stops")

    assert done.code == ExitCode.MISMATCH, done.verdict
    assert "the database does not know the open buy order 7" in done.verdict
    assert any("had not started" in notice for notice in done.manifest.notices)
    assert drained(done.manifest)["orders in flight"] == "none can arrive 0.2 s after its end"


@pytest.mark.usefixtures("soon")
def test_an_engine_that_does_not_start_and_leaves_nothing_ends_124(
    live: Run, approve: Callable[..., LivePlan]
) -> None:
    given = ("run.start_deadline_s=1", "run.stop_timeout_s=12")
    approve(*given)

    done = live(*given, never_starts=True, on_sigterm="stops")

    assert done.code == ExitCode.START_DEADLINE, done.verdict
    assert done.manifest.live["drain"]["is_reconciled"] is True


def test_an_engine_that_crashes_when_it_is_to_stop_has_crashed(
    live: Run, approve: Callable[..., LivePlan], tell: Tell
) -> None:
    approve()
    reactions = {TRADING: tell(signal.SIGTERM)}

    done = live(says=CRASHED, reactions=reactions, on_sigterm="stops")

    assert done.code == ExitCode.CRASHED, done.verdict
    assert "KeyError: 'close'" in done.verdict
    assert done.manifest.live["drain"]["is_reconciled"] is True


@pytest.mark.usefixtures("soon")
def test_an_engine_that_was_killed_may_have_an_order_in_flight(
    live: Run, approve: Callable[..., LivePlan]
) -> None:
    approve()

    done = live(waits=False, killed_by=signal.SIGKILL)

    assert done.code == ExitCode.CRASHED, done.verdict
    assert drained(done.manifest)["wait for its word"] == "it did not say so in time"
    assert drained(done.manifest)["orders in flight"] == "none can arrive 0.2 s after its end"


def test_a_stop_counts_from_the_signal_and_not_from_when_it_was_seen(
    live: Run,
    approve: Callable[..., LivePlan],
    interrupts: Interrupts,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    approve()
    account.open_orders = [[], [order("1", f"{PREFIX}1")]]

    def signal_long_ago() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.received_s is not None
        # Instead of a sleep of so long.
        monkeypatch.setattr(interrupts, "_first_s", interrupts.received_s - 25.0)

    done = live(reactions={TRADING: signal_long_ago}, orders=[placed("1")], on_sigterm="stops")

    assert done.code == ExitCode.MISMATCH, done.verdict
    assert drained(done.manifest)["two equal snapshots"] == "not reached"


def test_a_database_that_cannot_be_read_any_more_does_not_hide_the_report_of_the_stop(
    live: Run, approve: Callable[..., LivePlan], account: Account, state: Path
) -> None:
    approve()
    account.open_orders = [[], [order("7", f"{PREFIX}7")]]

    def damage_and_stop() -> None:
        database = state / "databases" / "binance-1234567-waves.sqlite"
        for end in ("", "-wal", "-shm"):
            database.with_name(database.name + end).unlink(missing_ok=True)
        database.write_text("not a database at all")
        os.kill(os.getpid(), signal.SIGTERM)

    done = live(reactions={TRADING: damage_and_stop}, on_sigterm="stops")

    assert done.code == ExitCode.MISMATCH, done.verdict
    assert "the step 'reconcile' failed" in done.verdict
    assert any("cannot be read" in notice for notice in done.manifest.notices)


@pytest.fixture
def ended_after(live: Run, approve: Callable[..., LivePlan]) -> Faulty:
    """Trade until SIGTERM, which comes after a fault."""

    def ended_after(fault: Callable[[], None]) -> object:
        approve()

        def fail_and_stop() -> None:
            fault()
            os.kill(os.getpid(), signal.SIGTERM)

        return live(reactions={TRADING: fail_and_stop}, on_sigterm="stops")

    return ended_after


def test_a_session_whose_run_folder_was_removed_is_no_success(
    ended_after: Faulty, tmp_path: Path
) -> None:
    def remove() -> None:
        (journal,) = tmp_path.rglob("journal.jsonl")
        shutil.rmtree(journal.parent)

    done = ended_after(remove)

    assert done.code == ExitCode.RESULT, done.verdict
    assert "its journal and engine.log with it" in done.verdict


def test_a_session_whose_record_is_damaged_until_its_end_says_so(
    ended_after: Faulty, state: Path
) -> None:
    def damage() -> None:
        (state / "sessions" / "waves.json").write_text("{}")

    done = ended_after(damage)

    assert done.code == ExitCode.DONE, done.verdict
    assert "its session record could not be written since" in done.verdict
    assert any("could not be written since" in notice for notice in done.manifest.notices)


def test_a_session_whose_watchdog_was_killed_is_no_success(
    ended_after: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    watchdogs: list[int] = []
    enter = Watchdog.__enter__

    def note(self: Watchdog) -> Watchdog:
        watchdogs.append(self.pid)
        return enter(self)

    def end_watchdog() -> None:
        os.kill(watchdogs[0], signal.SIGKILL)
        os.waitid(os.P_PID, watchdogs[0], os.WEXITED | os.WNOWAIT)

    monkeypatch.setattr(Watchdog, "__enter__", note)

    done = ended_after(end_watchdog)

    assert done.code == ExitCode.MISMATCH, done.verdict
    assert "but the watchdog beside the engine has ended" in done.verdict


def filled(number: str, symbol: str = "BTCUSDT") -> ExchangeOrder:
    whole = order(number, f"{PREFIX}{number}", symbol=symbol)
    return replace(whole, status=OrderStatus.FILLED, filled=whole.amount)


def test_an_order_that_filled_while_no_session_ran_and_is_not_booked_is_refused(
    live: Run, approve: Callable[..., LivePlan], account: Account
) -> None:
    """The consent to holdings does not cover it: the engine would buy again."""
    approve()
    held = Balance(asset="BTC", free=Decimal(1), locked=Decimal())
    account.balances = (*account.balances, held)
    account.ended_orders = [filled("7")]

    refused(
        partial(live, accepts_holdings=True),
        ExitCode.MISMATCH,
        "the trade database does not know buy 1 BTCUSDT (7)",
        "TRADAI_LIVE_SESSION",
    )
    assert account.asked.count("orders") == 1


# chrisleekr/binance-trading-bot#198: a pair was taken out of the list, and its order stayed.
def test_an_open_order_of_ours_on_a_pair_that_was_taken_out_is_refused(
    live: Run, approve: Callable[..., LivePlan], account: Account
) -> None:
    approve()
    account.open_orders = [[order("7", f"{PREFIX}7", symbol="DOGEUSDT")]]

    refused(live, ExitCode.MISMATCH, "does not know buy 1 DOGEUSDT (7)")


def book(state: Path, *rows: str) -> None:
    (state / "databases").mkdir()
    with closing(sqlite3.connect(state / "databases" / "binance-1234567-waves.sqlite")) as database:
        database.executescript(TABLES)
        for row in rows:
            database.execute(f"INSERT INTO {row}")
        database.commit()


# ccxt/ccxt#26092: the exchange counts the orders of each pair apart, and two had one number.
def test_an_order_whose_number_is_booked_on_another_pair_is_refused(
    live: Run, approve: Callable[..., LivePlan], account: Account, state: Path
) -> None:
    approve()
    book(state, "orders VALUES (9, 1, 'buy', 'ETH/USDT', '1', 'open', 1, 0)")
    account.open_orders = [
        [order("1", f"{PREFIX}1"), order("1", f"{PREFIX}2", symbol="ETHUSDT")],
    ]

    refused(live, ExitCode.MISMATCH, "does not know buy 1 BTCUSDT (1)")


# Codaone/DEXBot#160, freqtrade/freqtrade#10436: an order was filled while the bot was away, and at
# its next start the bot did not know what it held.
@pytest.mark.parametrize(("amount", "is_open"), [("1", False), ("0.4", False), ("0.4", True)])
def test_an_entry_that_was_filled_while_no_session_ran_is_a_position_of_ours(
    stopped: Run,
    approve: Callable[..., LivePlan],
    account: Account,
    state: Path,
    amount: str,
    *,
    is_open: bool,
) -> None:
    approve()
    book(state, OPEN_TRADE, KEPT_ENTRY)
    status = OrderStatus.OPEN if is_open else OrderStatus.CANCELLED
    entry = replace(order("1", f"{PREFIX}1"), filled=Decimal(amount), status=status)
    account.open_orders = [[entry] if is_open else []]
    account.ended_orders = [] if is_open else [entry]
    coins = Balance(asset="BTC", free=Decimal(amount), locked=Decimal())
    account.balances = (*account.balances, coins)

    done = stopped()

    assert "no holdings in our coins" in done.manifest.live["checks"]["holdings"], done.verdict
    # An order that is open need not be looked for by its number.
    assert is_open is ("order" not in account.asked)


def test_coins_beside_an_entry_that_was_never_filled_are_no_position_of_ours(
    live: Run, approve: Callable[..., LivePlan], account: Account, state: Path
) -> None:
    approve()
    book(state, OPEN_TRADE, KEPT_ENTRY)
    account.ended_orders = [replace(order("1", f"{PREFIX}1"), status=OrderStatus.CANCELLED)]
    coins = Balance(asset="BTC", free=Decimal(1), locked=Decimal())
    account.balances = (*account.balances, coins)

    refused(live, ExitCode.NOT_PERMITTED, "the account holds BTC 1 beside our positions")


# freqtrade/freqtrade#11414: a pair was delisted, and what the bot had traded there kept it from
# starting.
def test_a_rest_of_a_delisted_coin_keeps_no_session_from_starting(
    stopped: Run, approve: Callable[..., LivePlan], account: Account, state: Path
) -> None:
    approve()
    book(state, "orders VALUES (9, 1, 'buy', 'OLD/USDT', '1', 'closed', 0, 1)")
    rest = Balance(asset="OLD", free=Decimal("0.003"), locked=Decimal())
    account.balances = (*account.balances, rest)

    done = stopped()

    assert done.code == ExitCode.DONE, done.verdict


def test_an_open_order_of_a_delisted_pair_is_named(
    live: Run, approve: Callable[..., LivePlan], state: Path
) -> None:
    approve()
    book(state, "orders VALUES (9, 1, 'buy', 'OLD/USDT', '1', 'open', 1, 0)")

    refused(live, ExitCode.MISMATCH, "the exchange has less of order 1 on OLD/USDT")


def test_a_position_that_the_account_does_not_hold_is_refused(
    live: Run, approve: Callable[..., LivePlan], account: Account, state: Path
) -> None:
    approve()
    book(
        state,
        "trades VALUES (1, 'BTC/USDT', 1, 0, 1, 100, 'WaveRider')",
        "orders VALUES (9, 1, 'buy', 'BTC/USDT', '1', 'closed', 0, 1)",
    )
    account.ended_orders = [filled("1")]

    refused(live, ExitCode.MISMATCH, "the account holds less than the position in BTC/USDT")


BOUGHT: Final = "orders VALUES (8, 1, 'buy', 'BTC/USDT', '1', 'closed', 0, 1)"
STOP: Final = "orders VALUES (9, 1, 'stoploss', 'BTC/USDT', '2', 'open', 1, 0)"


def holds(account: Account, amount: str) -> None:
    held = Balance(asset="BTC", free=Decimal(amount), locked=Decimal())
    account.balances = (*account.balances, held)


def sold(number: str, client_order_id: str) -> ExchangeOrder:
    return replace(filled(number), side="sell", client_order_id=client_order_id)


def test_a_stop_that_filled_while_no_session_ran_is_left_to_the_engine(
    stopped: Run, approve: Callable[..., LivePlan], account: Account, state: Path
) -> None:
    """Its session was stopped in good order, so that no start on record is before the stop."""
    approve()
    book(state, OPEN_TRADE, BOUGHT, STOP)
    account.earlier_orders = [filled("1"), sold("2", f"{PREFIX}2")]

    done = stopped()

    assert done.code == ExitCode.DONE, done.verdict
    row = done.manifest.live["checks"]["open orders"]
    assert "the engine books at its start: sell 1 BTCUSDT (2)" in row
    assert account.asked[:5] == ["account", "account", "rights", "open orders", "order"]
    drain = done.manifest.live["drain"]
    assert [row["order_id"] for row in drain["behind"]] == ["2"]
    assert (drain["left_positions"], drain["problems"]) == ({}, [])


def test_an_entry_that_filled_while_no_session_ran_is_a_position_and_no_other_holding(
    stopped: Run, approve: Callable[..., LivePlan], account: Account, state: Path
) -> None:
    approve()
    book(state, OPEN_TRADE, KEPT_ENTRY)
    account.earlier_orders = [filled("1")]
    holds(account, "0.999")

    done = stopped()

    assert done.code == ExitCode.DONE, done.verdict
    checks = done.manifest.live["checks"]
    assert "the engine books at its start: buy 1 BTCUSDT (1)" in checks["open orders"]
    assert "no holdings in our coins beside our positions" in checks["holdings"]


def test_a_position_without_the_stop_of_a_class_that_names_a_part_of_its_orders_is_reported(
    stopped: Run,
    approve: Callable[..., LivePlan],
    account: Account,
    state: Path,
    strategy: Path,
) -> None:
    with (strategy.parent / "strategies/wave_rider.py").open("a") as source:
        source.write("    order_types = {'stoploss_on_exchange': True}\n")
    override = "execution.order_types={stoploss: market}"
    approve(override)
    book(state, OPEN_TRADE, KEPT_ENTRY)
    account.earlier_orders = [filled("1")]
    holds(account, "0.999")

    done = stopped(override)

    assert done.given["config"]["order_types"] == {
        "entry": "limit",
        "exit": "limit",
        "stoploss": "market",
        "stoploss_on_exchange": True,
        "stoploss_on_exchange_interval": 60,
    }
    problem = "the position in BTC/USDT is left without its stop"
    assert problem in done.manifest.live["drain"]["problems"], done.verdict


def test_an_entry_that_a_stop_cancelled_is_left_to_the_engine(
    stopped: Run, approve: Callable[..., LivePlan], account: Account, state: Path
) -> None:
    approve()
    book(state, OPEN_TRADE, KEPT_ENTRY)
    account.earlier_orders = [replace(filled("1"), status=OrderStatus.CANCELLED, filled=Decimal())]

    assert stopped().code == ExitCode.DONE


def test_a_position_that_a_stop_closed_is_left_to_the_engine(
    stopped: Run, approve: Callable[..., LivePlan], account: Account, state: Path
) -> None:
    approve()
    book(state, OPEN_TRADE, BOUGHT, STOP)
    cancelled = replace(sold("2", f"{PREFIX}2"), status=OrderStatus.CANCELLED, filled=Decimal())
    account.earlier_orders = [filled("1"), cancelled, sold("3", f"{PREFIX}-3")]

    assert stopped().code == ExitCode.DONE
    assert account.asked[3:6] == ["open orders", "order", "later orders"]


def test_an_open_order_of_the_database_that_the_exchange_does_not_know_is_refused(
    live: Run, approve: Callable[..., LivePlan], state: Path
) -> None:
    approve()
    book(state, OPEN_TRADE, KEPT_ENTRY)

    refused(live, ExitCode.MISMATCH, "the exchange has less of order 1 on BTC/USDT")


def test_coins_that_cannot_be_sold_are_no_reason_to_read_orders(
    stopped: Run, approve: Callable[..., LivePlan], account: Account
) -> None:
    """What rounding leaves of each position must not make a start longer and longer."""
    approve()
    dust = Decimal("0.000009")
    account.balances += tuple(
        Balance(asset=pair.partition("/")[0], free=dust, locked=Decimal()) for pair in PAIRS
    )

    assert stopped().code == ExitCode.DONE
    assert account.asked[:4] == ["account", "account", "rights", "open orders"]
    assert "orders" not in account.asked


def test_a_start_sends_four_signed_reads_and_one_for_each_order_that_has_ended_since(
    live: Run, approve: Callable[..., LivePlan], account: Account, state: Path, tell: Tell
) -> None:
    approve()
    numbers = ("1", "2", "3", "4")
    book(
        state,
        *(
            f"orders VALUES ({each}, 1, 'buy', 'BTC/USDT', '{each}', 'open', 1, 0)"
            for each in numbers
        ),
    )
    ended = (
        replace(filled(each), status=OrderStatus.EXPIRED, filled=Decimal()) for each in numbers
    )
    account.earlier_orders = [*ended]
    before: list[str] = []
    stop = tell(signal.SIGTERM)

    def note() -> None:
        before.extend(account.asked)
        stop()

    assert live(reactions={TRADING: note}, on_sigterm="stops").code == ExitCode.DONE
    assert before == ["account", "account", "rights", "open orders", *["order"] * 4]


def test_the_first_look_at_the_capital_is_that_under_the_lease(
    stopped: Run, approve: Callable[..., LivePlan], account: Account, state: Path
) -> None:
    """The predecessor, whose lease is waited for, loses some of it."""
    approve()
    account.earlier_balances = [account.balances]
    account.balances = (Balance(asset="USDT", free=Decimal(900), locked=Decimal()),)

    assert stopped().code == ExitCode.DONE
    (record,) = (
        path
        for path in state.rglob("*")
        if path.is_file() and "capital" in path.read_text(errors="replace")
    )
    assert Decimal(json.loads(record.read_text())["capital"]) == 900


def test_a_halt_is_refused_until_it_is_cleared(
    live: Run, stopped: Run, approve: Callable[..., LivePlan], state: Path
) -> None:
    approve()
    latch = HaltLatch.for_uri(f"file:{state}/halts.json")
    latch.trip("daily loss", run_id="run-0")

    refused(live, ExitCode.HALTED, "daily loss")
    latch.clear(1, reason="a test", by="Ada Example")
    assert stopped().code == ExitCode.DONE


def test_a_session_that_was_halted_does_not_start_on_a_latch_that_was_deleted(
    live: Run, approve: Callable[..., LivePlan], state: Path
) -> None:
    approve()
    HaltLatch.for_uri(f"file:{state}/halts.json").trip("daily loss", run_id="run-0")
    store = ObjectSessionStore.for_uri(f"file:{state}/sessions")
    before = Session.start(store, session="waves", run_id="run-0", journal=MemoryJournal())
    before.move(SessionState.HALTED, "daily loss")
    (state / "halts.json").unlink()

    for _ in range(2):
        refused(live, ExitCode.HALTED, "run-0", "has no halt at all", "resume --lost")


def test_a_session_that_starts_again_and_again_is_halted(
    live: Run,
    stopped: Run,
    approve: Callable[..., LivePlan],
    account: Account,
    state: Path,
) -> None:
    approve()
    account.rights = replace(RIGHTS, may_withdraw=True)
    account.open_orders = [[] for _ in range(9)]

    for _ in range(5):
        refused(live, ExitCode.NOT_PERMITTED, "may withdraw")
    refused(live, ExitCode.HALTED, "this is start 6 of the session within 30 minutes")
    account.rights = RIGHTS
    refused(live, ExitCode.HALTED, "trading was halted")

    record = ObjectSessionStore.for_uri(f"file:{state}/sessions").read("waves")
    assert record is not None
    assert (record.state, len(record.starts)) == (SessionState.HALTED, 6)
    HaltLatch.for_uri(f"file:{state}/halts.json").clear(1, reason="a test", by="Ada Example")
    assert stopped().code == ExitCode.DONE


@pytest.mark.parametrize(
    ("moves", "code"),
    [
        (("warm-up", "running", "draining", "stopped"), ExitCode.DONE),
        (("warm-up", "running", "draining", "failed"), ExitCode.HALTED),
        # Cut off.
        (("warm-up", "running"), ExitCode.HALTED),
    ],
)
def test_the_restart_budget_counts_starts_that_were_not_stopped_in_good_order(
    live: Run,
    stopped: Run,
    approve: Callable[..., LivePlan],
    state: Path,
    moves: tuple[str, ...],
    code: ExitCode,
) -> None:
    approve()
    store = ObjectSessionStore.for_uri(f"file:{state}/sessions")
    for number in range(5):
        before = Session.start(
            store, session="waves", run_id=f"run-{number}", journal=MemoryJournal()
        )
        for each in moves:
            before.move(SessionState(each), "a test")

    done = stopped() if code is ExitCode.DONE else live()

    assert done.code == code, done.verdict


def test_a_configuration_without_a_dry_run_behind_it_is_refused(
    live: Run,
    stopped: Run,
    approve: Callable[..., LivePlan],
    account: Account,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TRADAI_LIVE_DRY_RUN_HOURS")
    approve()
    account.open_orders = [[], [], []]

    refused(live, ExitCode.NOT_PERMITTED, "dry-run: ", "the least is 1 d")

    live_run = RunManifest.read(tmp_path / "runs" / "run-0")
    dry_run = live_run.model_copy(
        update={
            "run_id": "dry-run",
            "mode": TradingMode.DRY_RUN,
            "exit_code": 0,
            "started_at": live_run.started_at - timedelta(hours=24),
        }
    )
    (tmp_path / "runs" / "dry-run").mkdir()
    (tmp_path / "runs" / "dry-run" / "manifest.json").write_text(dry_run.as_json())
    assert stopped().code == ExitCode.DONE


def test_holdings_in_our_coins_need_a_consent_which_is_recorded(
    live: Run, stopped: Run, approve: Callable[..., LivePlan], account: Account
) -> None:
    approve()
    held = Balance(asset="BTC", free=Decimal("0.5"), locked=Decimal())
    account.balances = (*account.balances, held)
    account.open_orders = [[], [], []]

    refused(live, ExitCode.NOT_PERMITTED, "the account holds BTC 0.5", "--accept-holdings")
    done = stopped(accepts_holdings=True)

    assert done.code == ExitCode.DONE, done.verdict
    row = done.manifest.live["checks"]["holdings"]
    assert row == "ok: accepted with --accept-holdings: BTC 0.5; other holdings: none"


def test_a_configuration_that_the_engine_refuses_is_not_started_with(
    live: Run, approve: Callable[..., LivePlan]
) -> None:
    approve()

    refused(
        partial(live, schema_problems=["stoploss: -2 is less than the minimum"]),
        ExitCode.CONFIGURATION,
        "stoploss: -2 is less than the minimum",
    )


def test_state_on_the_disk_of_a_container_is_refused(
    live: Run, approve: Callable[..., LivePlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    approve()
    monkeypatch.delenv("TRADAI_LIVE_DURABLE_VOLUME")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")

    names = ("approvals", "latch", "lease", "sessions", "trade database")
    refused(live, ExitCode.NOT_PERMITTED, *(f"the {name} at " for name in names))


def test_market_rules_that_were_made_are_refused(
    live: Run,
    approve: Callable[..., LivePlan],
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    approve()
    path = tmp_path / "made.json"
    rules = {"BTC/USDT": MarketRules(tick="0.01", step="0.00001", min_notional="5")}
    made = MarketsSnapshot.made(rules, note="for a test", captured_at=SystemClock().now())
    made.save(path)
    monkeypatch.setenv("TRADAI_RUN_MARKETS", str(path))

    refused(live, ExitCode.NOT_PERMITTED, "were made, not captured")
    assert account.asked == []


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("FAKE_API_KEY", "demo-key-of-an-exchange", "a stand-in, such as one of a demo"),
        ("FAKE_API_SECRET", "0123456789012345", "digits alone"),
    ],
    ids=["demo", "digits"],
)
def test_keys_that_cannot_be_meant_sign_nothing(  # noqa: PLR0913, PLR0917 - the fixtures
    live: Run,
    approve: Callable[..., LivePlan],
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    word: str,
) -> None:
    approve()
    monkeypatch.setenv(name, value)

    refused(live, ExitCode.CONFIGURATION, word)
    assert account.asked == []


@pytest.mark.parametrize("value", ["", "0", "no", "off"])
@pytest.mark.parametrize("name", ["DRY_RUN", "OUR_DRY_RUN", "FREQTRADE__DRY_RUN"])
def test_a_switch_between_paper_and_money_is_refused_whatever_its_value(
    live: Run,
    approve: Callable[..., LivePlan],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
) -> None:
    approve()
    monkeypatch.setenv(name, value)

    refused(live, ExitCode.CONFIGURATION, f"the environment has {name}", "unset it")


def test_an_inherited_variable_of_the_engine_is_refused(
    live: Run, approve: Callable[..., LivePlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    approve()
    monkeypatch.setenv("FREQTRADE__MAX_OPEN_TRADES", "9")

    refused(live, ExitCode.CONFIGURATION, "the environment has FREQTRADE__MAX_OPEN_TRADES")


@pytest.mark.parametrize("is_recomputed", [False, True], ids=["edited", "digest recomputed"])
def test_an_approval_that_was_edited_by_hand_does_not_count(
    live: Run,
    approve: Callable[..., LivePlan],
    account: Account,
    state: Path,
    *,
    is_recomputed: bool,
) -> None:
    approve(largest_stake=Decimal("99.99"))
    (file,) = (path for path in (state / "approvals").rglob("*") if path.is_file())
    document = json.loads(file.read_bytes())
    document["approval"]["largest_stake"] = "100000"
    if is_recomputed:
        edited = canonical_json(document["approval"])
        document["digest"] = hashlib.sha256(edited).hexdigest()
    file.write_bytes(canonical_json(document))

    refused(live, ExitCode.NOT_PERMITTED, "approv")
    assert account.asked == []


def test_a_stake_below_the_minimum_of_the_exchange_is_refused(
    live: Run, approve: Callable[..., LivePlan]
) -> None:
    stake = "execution.stake_amount=4"
    approve(stake)

    refused(partial(live, stake), ExitCode.CONFIGURATION, "stake: ", "4")


def test_a_database_of_another_strategy_is_refused(
    live: Run, approve: Callable[..., LivePlan], state: Path
) -> None:
    approve()
    (state / "databases").mkdir()
    with closing(sqlite3.connect(state / "databases" / "binance-1234567-waves.sqlite")) as database:
        database.executescript(TABLES)
        database.execute(
            "INSERT INTO trades (id, pair, is_open, strategy) VALUES (1, 'BTC/USDT', 1, 'Other')"
        )
        database.commit()

    refused(live, ExitCode.NOT_PERMITTED, "the trade database has trades of Other")


def test_a_host_that_no_longer_has_an_address_is_an_outage(
    live: Run, approve: Callable[..., LivePlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    approve()

    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    refused(live, ExitCode.UNAVAILABLE, "Name or service not known")


def test_a_missing_place_is_named_before_anything_is_signed(
    live: Run, approve: Callable[..., LivePlan], account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve()
    monkeypatch.delenv("TRADAI_LIVE_APPROVALS")

    refused(live, ExitCode.CONFIGURATION, "TRADAI_LIVE_APPROVALS is not set")
    assert account.asked == []


def test_a_session_that_lost_its_lease_ends_its_engine_at_once(
    live: Run,
    approve: Callable[..., LivePlan],
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_alive: Callable[[int], bool],
) -> None:
    monkeypatch.setattr("tradai.entrypoint._live.lease_keeper._RENEWED_EVERY", 0.001)
    soon = WatchdogTimes(settle_s=0.1, cancel_s=0.5)
    monkeypatch.setattr("tradai.entrypoint._live.watchdog.WatchdogTimes", lambda: soon)
    monkeypatch.setattr("tradai.entrypoint.freqtrade._modes.stall_watch._LOOK_EVERY_S", 0.1)
    approve()

    def take_away() -> None:
        for path in (state / "leases").iterdir():
            path.unlink()

    done = live(reactions={TRADING: take_away})

    assert done.code == ExitCode.MISMATCH, done.verdict
    assert "the engine was killed" in done.verdict
    assert "has lost the lease" in done.verdict
    assert not is_alive(done.given["pid"])
    moves = [entry.facts["end"] for entry in done.journal if entry.event == "session_moved"]
    assert moves[-1] == "failed"


AT: Final = "2026-11-24 01:03:38,504"
STOPS_ITSELF: Final = [
    f"{AT} - freqtrade.worker - ERROR - OperationalException. Stopping trader ...",
    "Traceback (most recent call last):",
    '  File "/freqtrade/worker.py", line 199, in _process_running',
    "freqtrade.exceptions.OperationalException: the model server is gone",
    f"{AT} - freqtrade.worker - INFO - Changing state from RUNNING to: STOPPED",
]


@pytest.mark.usefixtures("watched_at_once")
def test_an_engine_that_stops_trading_by_itself_is_drained_and_people_are_told(
    live: Run,
    approve: Callable[..., LivePlan],
    account: Account,
    caplog: pytest.LogCaptureFixture,
) -> None:
    approve()
    account.open_orders = [[], [order("1", f"{PREFIX}1")]]

    done = live(loops=[[], STOPS_ITSELF], orders=[placed("1")], on_sigterm="stops")

    assert done.code == ExitCode.STALLED, done.verdict
    assert "the model server is gone" in done.verdict
    assert [row["order_id"] for row in done.manifest.live["drain"]["left"]] == ["1"]
    moves = [entry.facts for entry in done.journal if entry.event == "session_moved"]
    assert [move["end"] for move in moves] == ["warm-up", "running", "draining", "failed"]
    assert "the engine stopped trading by itself" in moves[-2]["reason"]
    alerts = [each.getMessage() for each in caplog.records if each.name == "tradai.alerts"]
    assert any(each.startswith("stalled: the engine stopped trading by") for each in alerts)


def test_a_session_whose_callbacks_raised_has_failed_by_its_record_too(
    stopped: Run, approve: Callable[..., LivePlan], state: Path
) -> None:
    approve()
    said = (LOGS / "dry-run-strategy-raises.txt").read_text().splitlines()

    done = stopped(says=[line for line in said if "worker" not in line and "SIGINT" not in line])

    assert done.code == ExitCode.STRATEGY_ERRORS, done.verdict
    assert "the session stopped in good order" in done.verdict
    record = ObjectSessionStore.for_uri(f"file:{state}/sessions").read("waves")
    assert record is not None
    assert (record.state, len(record.starts)) == (SessionState.FAILED, 1)
    assert "but the strategy raised" in record.reason


def test_an_approval_that_is_revoked_while_a_lease_is_waited_for_does_not_count(
    live: Run, approve: Callable[..., LivePlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = approve()
    acquire = HeldLeases.acquire

    def revoke_and_acquire(leases: HeldLeases, *, say: Callable[[str], None]) -> None:
        approvals = approvals_of(LiveSettings())
        (listed,) = approvals.listing(plan.strategy)
        approvals.revoke(
            plan.strategy, listed.approval_id, revoked_by="Ada Example", reason="a test"
        )
        acquire(leases, say=say)

    monkeypatch.setattr(HeldLeases, "acquire", revoke_and_acquire)

    refused(live, ExitCode.NOT_PERMITTED, "revoked")


def test_an_engine_that_was_killed_without_a_drain_ends_76(
    live: Run, approve: Callable[..., LivePlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = WatchdogTimes(settle_s=0.1, cancel_s=0.5)
    monkeypatch.setattr("tradai.entrypoint._live.watchdog.WatchdogTimes", lambda: soon)
    approve()

    def fail() -> None:
        monkeypatch.setattr(LiveSession, "beat", refuse)

    def refuse(_: LiveSession) -> None:
        message = "a store refuses this process"
        raise ConfigurationError(message, key="store")

    done = live(reactions={TRADING: fail})

    assert done.code == ExitCode.MISMATCH, done.verdict
    assert "the engine was killed: a store refuses this process; look at the orders" in done.verdict


@pytest.fixture
def watched_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take samples of the risks at each beat, and beat often."""
    monkeypatch.setattr("tradai.entrypoint._live._risk.risk_watch.EVERY_S", 0.0)
    monkeypatch.setattr("tradai.entrypoint.freqtrade._modes.stall_watch._LOOK_EVERY_S", 0.1)


LOSS_LIMITS: Final = {
    **dict.fromkeys(RiskMeasure, RiskLimit(halt=Decimal(1000))),
    RiskMeasure.DRAWDOWN: RiskLimit(halt=Decimal("0.1")),
}


@pytest.mark.usefixtures("watched_at_once")
def test_a_session_that_loses_too_much_is_halted_and_no_other_one_starts(
    live: Run, approve: Callable[..., LivePlan], state: Path, account: Account
) -> None:
    approve(risk_limits=LOSS_LIMITS)
    account.open_orders = [[] for _ in range(9)]

    done = live(profits=[0.0, 0.0, -100.0], on_sigterm="stops")

    assert done.code == ExitCode.HALTED, done.verdict
    assert "drawdown is 0.1, and 0.1 halts; clear it with" in done.verdict
    assert done.manifest.live["drain"]["problems"] == []
    assert done.manifest.live["risks"]["marks"]["peak"] == "1000.0"
    (halt,) = HaltLatch.for_uri(f"file:{state}/halts.json").halts()
    assert halt.run_id == done.manifest.run_id
    moves = [entry.facts["end"] for entry in done.journal if entry.event == "session_moved"]
    assert moves == ["warm-up", "running", "draining", "halted"]
    events = done.events
    assert events.index("risk_action") < events.index("engine stopping")
    again = live()
    assert again.code == ExitCode.HALTED
    assert "drawdown is 0.1" in again.verdict
    assert "engine starting" not in again.events


@pytest.mark.usefixtures("watched_at_once")
def test_a_loss_that_is_still_there_halts_again_before_the_engine_trades(
    live: Run,
    approve: Callable[..., LivePlan],
    state: Path,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The engine is asked to stop while it starts, which takes longer on a busy machine.
    monkeypatch.setenv("TRADAI_RUN_STOP_GRACE_S", "120")
    approve(risk_limits=LOSS_LIMITS)
    account.open_orders = [[] for _ in range(9)]
    live(profits=[0.0, 0.0, -100.0], on_sigterm="stops")
    latch = HaltLatch.for_uri(f"file:{state}/halts.json")
    latch.clear(1, reason="a test", by="Ada Example")

    again = live(profits=[0.0], on_sigterm="stops")

    assert again.code == ExitCode.HALTED, again.verdict
    moves = [entry.facts["end"] for entry in again.journal if entry.event == "session_moved"]
    assert moves == ["draining", "halted"]


@pytest.mark.usefixtures("watched_at_once")
def test_a_halt_whose_books_do_not_agree_ends_as_a_mismatch_and_names_the_halt(
    live: Run, approve: Callable[..., LivePlan], account: Account, state: Path
) -> None:
    approve(risk_limits=LOSS_LIMITS)
    account.open_orders = [[], [order("7", f"{PREFIX}7")]]

    done = live(profits=[0.0, 0.0, -100.0], on_sigterm="stops")

    assert done.code == ExitCode.MISMATCH, done.verdict
    assert any("trading was halted: drawdown" in notice for notice in done.manifest.notices)
    record = ObjectSessionStore.for_uri(f"file:{state}/sessions").read("waves")
    assert record is not None
    assert record.state is SessionState.HALTED
    assert len(HaltLatch.for_uri(f"file:{state}/halts.json").halts()) == 1


@pytest.mark.usefixtures("watched_at_once")
def test_orders_that_the_exchange_rejects_are_counted_from_the_log(
    live: Run, approve: Callable[..., LivePlan], account: Account
) -> None:
    limits = {**LOSS_LIMITS, RiskMeasure.REJECTED_ORDERS: RiskLimit(drain=Decimal(2))}
    approve(risk_limits=limits)
    account.open_orders = [[] for _ in range(9)]
    refusal = (
        "2025-01-01 00:00:00,000 - freqtrade.freqtradebot - WARNING - Unable to {} BTC/USDT: "
        "Could not create limit {} order on market BTC/USDT. Tried to buy amount 1.0."
    )

    done = live(
        loops=[[refusal.format("create trade for", "buy")], [refusal.format("exit trade", "sell")]],
        on_sigterm="stops",
    )

    assert done.code == ExitCode.DONE, done.verdict
    assert "rejected-orders is 2, and 2 drains" in done.verdict


@pytest.mark.usefixtures("watched_at_once")
def test_a_session_whose_engine_has_a_silent_log_is_drained_and_is_a_mismatch(
    live: Run, approve: Callable[..., LivePlan], account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradai.entrypoint._live.heartbeat._EVERY_S", 0.0)
    monkeypatch.setattr(f"{LOG_SILENCE}.HEARTBEAT_S", 0.0)
    approve()
    account.open_orders = [[] for _ in range(9)]

    done = live(on_sigterm="stops")

    assert done.code == ExitCode.MISMATCH, done.verdict
    assert "the engine's log is silent: no heartbeat for" in done.verdict
    assert "look at the orders of the account" in done.verdict
    moves = [entry.facts for entry in done.journal if entry.event == "session_moved"]
    assert [move["end"] for move in moves] == ["warm-up", "running", "draining", "failed"]
    assert moves[-2]["reason"].startswith("the engine's log is silent")


@pytest.mark.usefixtures("watched_at_once")
def test_a_session_whose_engine_logs_its_heartbeats_goes_on(
    live: Run, approve: Callable[..., LivePlan], tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradai.entrypoint._live.heartbeat._EVERY_S", 0.0)
    monkeypatch.setattr(f"{LOG_SILENCE}.HEARTBEAT_S", 0.0)
    heard: list[str] = []
    take, stop = LogSilence.take, tell(signal.SIGTERM)

    def take_and_stop(silence: LogSilence, facts: Mapping[str, str]) -> None:
        take(silence, facts)
        heard.extend(filter(None, [facts.get("heartbeat")]))
        if len(heard) == HEARTBEATS:
            stop()

    monkeypatch.setattr(LogSilence, "take", take_and_stop)
    approve()
    beat = f"{AT} - freqtrade.worker - INFO - Bot heartbeat. PID=1, version='1', state='RUNNING'"

    done = live(loops=[[beat]] * 100, on_sigterm="stops")

    assert done.code == ExitCode.DONE, done.verdict
    assert len(heard) >= HEARTBEATS


def test_an_operator_elsewhere_stops_a_session_in_good_order(
    live: Run, approve: Callable[..., LivePlan], state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradai.entrypoint.freqtrade._modes.stall_watch._LOOK_EVERY_S", 0.1)
    monkeypatch.setattr("tradai.entrypoint._live.heartbeat._EVERY_S", 0.0)
    approve()
    request = SessionRequest(
        state=SessionState.STOPPED, reason="a test", by="Ada Example", at=SystemClock().now()
    )

    def ask() -> None:
        store = ObjectSessionStore.for_uri(f"file:{state}/sessions")
        request_session(store, "waves", request)

    done = live(reactions={TRADING: ask}, on_sigterm="stops")

    assert done.code == ExitCode.DONE
    reason = "Ada Example asked for it: a test"
    sentence = f"the session stopped in good order: {reason}; nothing is left open"
    assert done.verdict == sentence
    assert done.facts("engine stopping") == {"signal": None}


def trained(folder: Path, *, pairs: Sequence[str], age: timedelta) -> None:
    """Leave models as a training in another folder does, with one of an earlier time."""
    at = int((SystemClock().now() - age).timestamp())
    dictionary = {}
    for pair in pairs:
        coin = pair.partition("/")[0]
        model, place = f"cb_{coin.lower()}_{at}", f"sub-train-{coin}_{at}"
        dictionary[pair] = {
            "model_filename": model,
            "trained_timestamp": at,
            "data_path": f"/elsewhere/models/waves/{place}",
            "extras": {},
        }
        (folder / "waves" / place).mkdir(parents=True)
        for name in ("model.joblib", "metadata.json", "feature_pipeline.pkl"):
            (folder / "waves" / place / f"{model}_{name}").write_text(f"{pair} {name}")
        (folder / "waves" / place / f"cb_{coin.lower()}_1_model.joblib").write_text("old")
    (folder / "waves" / "pair_dictionary.json").write_text(json.dumps(dictionary))
    (folder / "waves" / "historic_predictions.pkl").write_text("predictions")


@pytest.fixture
def models(tmp_path: Path, strategy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Models of every pair, a day old, which are not trained again for another day."""
    freqai = (strategy.parent / "freqai.yaml").read_text()
    strategy.write_text(f"{strategy.read_text()}{freqai}  live_retrain_hours: 48\n")
    monkeypatch.setenv("TRADAI_LIVE_LONGEST_SESSION_HOURS", "12")
    monkeypatch.setenv("TRADAI_LIVE_MODELS", str(tmp_path / "trained"))
    trained(tmp_path / "trained", pairs=PAIRS, age=timedelta(hours=24))
    return tmp_path / "trained"


@pytest.mark.usefixtures("models")
def test_a_session_trades_by_a_copy_of_the_approved_models(
    stopped: Run, approve: Callable[..., LivePlan]
) -> None:
    plan = approve()

    done = stopped()

    assert done.code == ExitCode.DONE, done.verdict
    assert plan.models is not None
    place = Path("user_data", "models", "waves")
    staged = {
        Path(name).relative_to(place).as_posix(): text
        for name, text in done.given["files"].items()
        if Path(name).is_relative_to(place)
    }
    dictionary = json.loads(staged.pop("pair_dictionary.json"))
    assert dictionary.keys() == set(PAIRS)
    entry = dictionary["BTC/USDT"]
    folder = Path(entry["data_path"])
    assert folder.parent == done.folder.resolve() / "scratch" / place
    assert staged[f"{folder.name}/{entry['model_filename']}_model.joblib"] == (
        "BTC/USDT model.joblib"
    )
    assert len(staged) == 9
    assert done.manifest.live["checks"]["models"] == (
        "ok: 3 approved models, none is trained before 48 h"
    )


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda file: file.write_text("another model"), "it names another digest"),
        (lambda file: file.unlink(), "the model of BTC/USDT is not in"),
    ],
)
def test_a_model_that_was_changed_after_the_approval_is_refused(
    live: Run,
    approve: Callable[..., LivePlan],
    account: Account,
    models: Path,
    change: Callable[[Path], object],
    word: str,
) -> None:
    approve()
    (file,) = models.glob("waves/sub-train-BTC_*/cb_btc_1[0-9]*_model.joblib")
    change(file)

    refused(live, ExitCode.NOT_PERMITTED, word)
    assert account.asked == []


def test_a_session_without_models_is_refused_before_the_approval(live: Run, models: Path) -> None:
    (models / "waves" / "pair_dictionary.json").write_text("[]")
    refused(live, ExitCode.NOT_PERMITTED, "is not a pair dictionary of trained models")
    (models / "waves" / "pair_dictionary.json").unlink()

    refused(live, ExitCode.NOT_PERMITTED, "there are no trained models at", "TRADAI_LIVE_MODELS")


@pytest.mark.parametrize(
    ("pairs", "hours", "word"),
    [
        (PAIRS[1:], 48, "no approved model of BTC/USDT"),
        (PAIRS, 0, "live_retrain_hours is 0"),
        (PAIRS, 36, "live_retrain_hours is 36"),
    ],
)
def test_models_that_do_not_outlast_the_session_are_refused(
    live: Run,
    approve: Callable[..., LivePlan],
    models: Path,
    pairs: Sequence[str],
    hours: int,
    word: str,
) -> None:
    shutil.rmtree(models)
    trained(models, pairs=pairs, age=timedelta(hours=24))
    override = f"freqai.live_retrain_hours={hours}"
    approve(override)

    refused(partial(live, override), ExitCode.NOT_PERMITTED, word)


@pytest.mark.usefixtures("models")
def test_a_training_halts_the_session_and_the_next_one(
    live: Run, approve: Callable[..., LivePlan], state: Path
) -> None:
    approve()
    trainer = "freqtrade.freqai.base_models.BaseRegressionModel"
    line = f"{'-' * 20} Starting training BTC/USDT {'-' * 20}"

    done = live(says=[f"2026-11-30 01:02:03,456 - {trainer} - INFO - {line}"], on_sigterm="stops")

    assert done.code == ExitCode.HALTED, done.verdict
    assert "the engine trains a model of BTC/USDT, which was not approved" in done.verdict
    assert done.facts("training seen") == {"pair": "BTC/USDT"}
    assert done.manifest.live["drain"]["problems"] == []
    (halt,) = HaltLatch.for_uri(f"file:{state}/halts.json").halts()
    assert halt.cause.startswith("the engine trains a model of BTC/USDT")
    assert halt.run_id == "run-0"
    again = live()
    assert (again.code, "engine starting" in again.events) == (ExitCode.HALTED, False)
    assert "the engine trains a model of BTC/USDT" in again.verdict


OVERRIDES: Final = (
    *("execution.stoploss=-0.2", "execution.stake_amount=101", "execution.fee=0.1"),
    *("execution.order_types.entry=market", "execution.max_open_trades=3", "pairs=[ETH/USDT]"),
    *("run.startup_candles=11", "run.stop_timeout_s=26", "run.without=[BTC/USDT@1h]"),
    *("parameters.process_only_new_candles=false", "buy_params.buy_fast=11", "version=1.2.4"),
    *("strategy.config.key=1", "execution.unfilledtimeout.entry=9", "exchange=kraken"),
)


# The fixtures are made once for all examples, each of which puts back the files that it changes.
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_mutated_configuration_has_the_approved_plan(
    data: st.DataObject, tmp_path: Path, strategy: Path, install: Callable[..., object]
) -> None:
    install()
    source = tmp_path / "strategies" / "wave_rider.py"
    original = {path: path.read_bytes() for path in (strategy, source)}
    wanted = _meaning(tmp_path)
    overrides: tuple[str, ...] = ()
    kind = data.draw(st.sampled_from(["override", *original]))
    if isinstance(kind, Path):
        content = original[kind]
        start, length = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(0, 3))
        new = data.draw(st.text("abcXY0123456789 .:-#\n", max_size=3)).encode()
        kind.write_bytes(content[:start] + new + content[start + length :])
    else:
        overrides = (data.draw(st.sampled_from(OVERRIDES)),)
    try:
        meaning = _meaning(tmp_path, *overrides)
        plan = planned(tmp_path, NOWHERE, *overrides)
    except TradAIError:
        return
    finally:
        for path, content in original.items():
            path.write_bytes(content)
    approved = _approved(tmp_path)
    assert (plan.digest == approved.digest) == (meaning == wanted)


@pytest.fixture(autouse=True)
def _forget_the_approved_plan() -> None:
    _approved.cache_clear()


@cache
def _approved(tmp_path: Path) -> LivePlan:
    return planned(tmp_path, NOWHERE)


def _meaning(tmp_path: Path, *overrides: str) -> object:
    """Return everything that the engine would be given, by a way that makes no plan."""
    settings = EntrypointSettings(mode=TradingMode.LIVE, config=str(tmp_path / "strategy.yaml"))
    request = RunRequest(overrides=(f"run.exchange_url={NOWHERE}", *overrides))
    loaded = load_config(settings, request, environ={})
    source = (tmp_path / "strategies" / "wave_rider.py").read_bytes()
    return loaded.config.canonical(), read_run_parameters(loaded).canonical(), source
