"""The gate of live trading, condition by condition: nothing is signed before the approval counts.

The parts have no place in the door: the handler of LIVE uses them.
"""

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

import pytest

from tradai.core import Secret, Utc, Version
from tradai.core.exceptions import ApprovalError, ConfigurationError, LeaseHeldError, NotFoundError
from tradai.core.live import (
    Approval,
    ApprovalRefusal,
    LivePlan,
    OrderPolicy,
    RiskLimit,
    RiskMeasure,
    TradingAccount,
)
from tradai.core.testing import FixedClock
from tradai.entrypoint import LiveSettings
from tradai.entrypoint._live._account.account import (
    AccountState,
    ApiKeys,
    ExchangeOrder,
    KeyRights,
    NewOrder,
    SignedClient,
)
from tradai.entrypoint._live._account.account_errors import KeyRefusedError
from tradai.entrypoint._live._risk.halt_latch import HaltedError
from tradai.entrypoint._live.gate import Found, Gate, Venue
from tradai.entrypoint._live.leases import HeldLeases
from tradai.entrypoint._live.live_places import approvals_of, database_of, latch_of
from tradai.entrypoint._process.checks import CheckStatus
from tradai.entrypoint._process.exit_codes import ExitCode

ACCOUNT: Final = TradingAccount(venue="binance", uid="1234567")
PLAN: Final = LivePlan(
    strategy="Trend",
    version=Version("1.2.0"),
    config="c" * 64,
    source="5" * 64,
    side_files=None,
    models=None,
    run="e" * 64,
    engine="freqtrade 2026.9",
    image=None,
)
TTL_S: Final = 2.0


@dataclass
class Account:
    """An account at an exchange that counts what it is asked; it takes no order."""

    uid: str = ACCOUNT.uid
    asked: list[str] = field(default_factory=list)
    refused: str | None = None

    def sign_in(self, keys: ApiKeys) -> SignedClient:
        self._is_refused = keys.key.reveal() == self.refused
        return SignedClient(reads=self, orders=self)

    def fetch_account(self) -> AccountState:
        self.asked.append("account")
        if self._is_refused:
            message = "the exchange refuses the API key"
            raise KeyRefusedError(message, key="exchange key")
        return AccountState(uid=self.uid, may_trade=True, balances=())

    def fetch_key_rights(self) -> KeyRights:
        raise AssertionError

    def fetch_open_orders(self) -> Sequence[ExchangeOrder]:
        raise AssertionError

    def fetch_order(self, pair: str, client_order_id: str) -> ExchangeOrder:
        raise AssertionError(pair, client_order_id)

    def fetch_order_by_id(self, pair: str, order_id: str) -> ExchangeOrder:
        raise AssertionError(pair, order_id)

    def fetch_orders_from(self, pair: str, order_id: str) -> Sequence[ExchangeOrder]:
        raise AssertionError(pair, order_id)

    def fetch_orders(self, pair: str, *, since: Utc) -> Sequence[ExchangeOrder]:
        raise AssertionError(pair, since)

    def measure_clock(self) -> float:
        raise AssertionError

    def place(self, order: NewOrder) -> ExchangeOrder:
        raise AssertionError(order)

    def cancel(self, order: ExchangeOrder) -> ExchangeOrder:
        raise AssertionError(order)


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., LiveSettings]:
    """Make settings with every place below a folder of this test."""
    monkeypatch.setenv("FAKE_APPROVAL_KEY", "not-a-real-key-for-approvals-0001")
    monkeypatch.setenv("FAKE_OTHER_KEY", "not-a-real-key-for-approvals-0002")
    monkeypatch.setenv("FAKE_API_KEY", "not-a-real-api-key")
    monkeypatch.setenv("FAKE_API_SECRET", "not-a-real-api-secret")

    def configure(**changes: object) -> LiveSettings:
        places: dict[str, Any] = {
            "confirm": PLAN.confirmation,
            "approvals": f"file:{tmp_path}/approvals",
            "approval_key": "env:FAKE_APPROVAL_KEY",
            "lease": f"file:{tmp_path}/leases/",
            "sessions": f"file:{tmp_path}/sessions",
            "latch": f"file:{tmp_path}/halts.json",
            "databases": str(tmp_path / "databases"),
            "api_key": "env:FAKE_API_KEY",
            "api_secret": "env:FAKE_API_SECRET",
        }
        return LiveSettings.load(environ={}, **(places | changes))

    return configure


@pytest.fixture
def approve(configured: Callable[..., LiveSettings], clock: FixedClock) -> Callable[..., str]:
    """Approve the plan, or another one, under the usual terms."""

    def approve(
        plan: LivePlan = PLAN, account: TradingAccount = ACCOUNT, **settings: object
    ) -> str:
        approval = Approval(
            plan=plan,
            account=account,
            approver="Ada Example",
            approved_at=clock.now(),
            expires_at=clock.now() + timedelta(days=7),
            stake_currency="USDT",
            largest_stake=Decimal(100),
            risk_limits=dict.fromkeys(RiskMeasure, RiskLimit(halt=Decimal(10))),
            order_policy=OrderPolicy.KEEP,
        )
        return approvals_of(configured(**settings)).approve(approval)

    return approve


@pytest.fixture
def gate(
    configured: Callable[..., LiveSettings], account: Account, clock: FixedClock
) -> Callable[..., Gate]:
    """Make the gate of the plan."""

    def make(**changes: object) -> Gate:
        venue = Venue(name=ACCOUNT.venue, sign_in=account.sign_in)
        return Gate(configured(**changes), PLAN, venue, clock=clock)

    return make


@contextmanager
def renewed(lease: HeldLeases) -> Iterator[None]:
    """Renew the leases, as the process that holds them does, until the block ends."""
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(TTL_S / 10):
            lease.renew()

    thread = threading.Thread(target=renew)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class RotatedSource:
    """A source that holds a secret until it is reported, as one with a cache does."""

    def __init__(self, *versions: str) -> None:
        self._versions = list(versions)
        self.reported: list[str] = []

    def resolve(self, reference: str) -> "HeldVersion":
        assert reference == "aws-sm:binance"
        return HeldVersion(self._versions[0])

    def report_auth_failure(self, version_id: str) -> None:
        self.reported.append(version_id)
        if len(self._versions) > 1:
            self._versions.pop(0)


class HeldVersion(Secret[str]):
    """A secret that knows its version."""

    def __init__(self, version: str) -> None:
        key, secret = f"not-a-real-api-key-{version}", f"not-a-real-api-secret-{version}"
        super().__init__(json.dumps({"key": key, "secret": secret}))
        self.version_id = version


@pytest.fixture
def rotated(monkeypatch: pytest.MonkeyPatch) -> Callable[..., RotatedSource]:
    """Have both halves of the key come from one source of these versions."""

    def rotate(*versions: str) -> RotatedSource:
        source = RotatedSource(*versions)
        real = entry_points

        def found(*, group: str, name: str) -> Iterable[object]:
            is_ours = (group, name) == ("tradai.secrets", "aws-sm")
            return [Point(lambda _: source)] if is_ours else real(group=group, name=name)

        monkeypatch.setattr("tradai.core._ports.backends.entry_points", found)
        return source

    return rotate


@dataclass(frozen=True)
class Point:
    """Stands for an entry point."""

    load_result: Callable[[str], RotatedSource]

    def load(self) -> Callable[[str], RotatedSource]:
        return self.load_result


HELD: Final = {"api_key": "aws-sm:binance#key", "api_secret": "aws-sm:binance#secret"}


def test_a_held_key_that_was_rotated_meanwhile_is_reported_once_and_read_again(
    gate: Callable[..., Gate],
    approve: Callable[..., str],
    account: Account,
    rotated: Callable[..., RotatedSource],
) -> None:
    approve()
    source = rotated("one", "two")
    account.refused = "not-a-real-api-key-one"

    admission = gate(**HELD).admit()

    assert source.reported == ["one"]
    assert admission.signed_in.keys.key.reveal() == "not-a-real-api-key-two"
    assert account.asked == ["account", "account"]


def test_a_key_that_is_refused_and_was_not_rotated_is_reported_once_and_not_tried_again(
    gate: Callable[..., Gate],
    approve: Callable[..., str],
    account: Account,
    rotated: Callable[..., RotatedSource],
) -> None:
    approve()
    source = rotated("one")
    account.refused = "not-a-real-api-key-one"

    with pytest.raises(KeyRefusedError):
        gate(**HELD).admit()

    assert source.reported == ["one"]
    assert account.asked == ["account"]


def test_a_refused_key_of_a_source_that_holds_nothing_is_not_tried_again(
    gate: Callable[..., Gate], approve: Callable[..., str], account: Account
) -> None:
    approve()
    account.refused = "not-a-real-api-key"

    with pytest.raises(KeyRefusedError):
        gate().admit()

    assert account.asked == ["account"]


def test_a_rotated_key_of_another_account_is_not_let_in(
    gate: Callable[..., Gate],
    approve: Callable[..., str],
    account: Account,
    rotated: Callable[..., RotatedSource],
) -> None:
    approve()
    rotated("one", "two")
    account.refused, account.uid = "not-a-real-api-key-one", "7654321"

    assert "for another account" in str(refusal_of(gate(**HELD)))


def refusal_of(gate: Gate) -> ApprovalError:
    with pytest.raises(ApprovalError) as caught:
        gate.admit()
    assert caught.value.exit_code == 77
    return caught.value


def test_an_approved_plan_is_let_in_after_one_signed_read(
    gate: Callable[..., Gate], approve: Callable[..., str], account: Account
) -> None:
    approve()

    admission = gate().admit()

    assert admission.approval.plan == PLAN
    assert admission.signed_in.account == ACCOUNT
    assert admission.signed_in.order_prefix.startswith("x-")
    assert len(admission.signed_in.order_prefix) == 14
    assert account.asked == ["account"]


@pytest.mark.parametrize("uid", [ACCOUNT.uid, "7654321"])
def test_a_plan_that_is_approved_for_two_accounts_trades_on_both(
    uid: str,
    gate: Callable[..., Gate],
    approve: Callable[..., str],
    account: Account,
    clock: FixedClock,
) -> None:
    approve()
    clock.advance(timedelta(hours=1))
    approve(account=TradingAccount(venue=ACCOUNT.venue, uid="7654321"))
    account.uid = uid
    found = Found()

    admission = gate().admit()
    rows = list(gate().rows(found))

    assert admission.approval.account == admission.signed_in.account
    assert found.approval == admission.approval
    assert [row.status for row in rows[:3]] == [CheckStatus.OK] * 3


def test_without_an_approval_nothing_is_signed(gate: Callable[..., Gate], account: Account) -> None:
    assert refusal_of(gate()).reason == ApprovalRefusal.ABSENT
    assert account.asked == []


@pytest.mark.parametrize(
    "confirm",
    [
        *(None, "yes", "1", "true", PLAN.digest, PLAN.digest[:8], "Trend@1.2.0", "Trend@1.2.0:"),
        *(f"{PLAN.confirmation} ", PLAN.confirmation.upper(), f"Trend@1.2.0:{'0' * 8}"),
        PLAN.confirmation.replace("Trend", "trend"),
    ],
)
def test_a_plan_that_is_not_confirmed_to_the_letter_is_refused(
    gate: Callable[..., Gate],
    approve: Callable[..., str],
    account: Account,
    confirm: str | None,
) -> None:
    approve()

    assert refusal_of(gate(confirm=confirm)).reason == ApprovalRefusal.UNCONFIRMED
    assert account.asked == []


@pytest.mark.parametrize("name", [name for name in LivePlan.model_fields if name != "strategy"])
def test_the_approval_of_a_plan_with_any_other_part_does_not_count(
    gate: Callable[..., Gate], approve: Callable[..., str], account: Account, name: str
) -> None:
    other = {"version": Version("1.2.1"), "engine": "freqtrade 2026.10"}.get(name, "0" * 64)
    approve(PLAN.model_copy(update={name: other}))

    error = refusal_of(gate())

    assert error.reason == ApprovalRefusal.PLAN_DIFFERS
    assert error.differences == (name,)
    assert account.asked == []


def test_an_expired_approval_is_refused(
    gate: Callable[..., Gate], approve: Callable[..., str], account: Account, clock: FixedClock
) -> None:
    approve()
    clock.advance(timedelta(days=7))

    assert refusal_of(gate()).reason == ApprovalRefusal.EXPIRED
    assert account.asked == []


@pytest.mark.parametrize(
    ("signed_with", "settings", "reason"),
    [
        (None, {}, ApprovalRefusal.UNSIGNED),
        (None, {"allow_unsigned": True}, ApprovalRefusal.UNSIGNED),
        (None, {"approval_key": None}, ApprovalRefusal.UNSIGNED),
        ("env:FAKE_OTHER_KEY", {}, ApprovalRefusal.FORGED),
        ("env:FAKE_APPROVAL_KEY", {"approval_key": None}, ApprovalRefusal.UNSIGNED),
    ],
)
def test_an_approval_that_the_key_did_not_sign_is_refused(
    gate: Callable[..., Gate],
    approve: Callable[..., str],
    account: Account,
    signed_with: str | None,
    settings: dict[str, object],
    reason: ApprovalRefusal,
) -> None:
    approve(approval_key=signed_with)

    assert refusal_of(gate(**settings)).reason == reason
    assert account.asked == []


def test_an_unsigned_approval_counts_only_where_it_is_allowed_by_name_and_there_is_no_key(
    gate: Callable[..., Gate], approve: Callable[..., str]
) -> None:
    approve(approval_key=None)

    assert gate(approval_key=None, allow_unsigned=True).admit().approval.plan == PLAN


def test_the_keys_of_another_account_are_refused_by_the_first_signed_read(
    gate: Callable[..., Gate], approve: Callable[..., str], account: Account
) -> None:
    approve()
    account.uid = "7654321"

    error = refusal_of(gate())

    assert error.reason == ApprovalRefusal.ACCOUNT_DIFFERS
    assert account.asked == ["account"]


@pytest.mark.parametrize("name", ["approvals", "api_key", "api_secret"])
def test_a_setting_that_is_missing_is_named_with_an_example(
    gate: Callable[..., Gate], approve: Callable[..., str], account: Account, name: str
) -> None:
    approve()

    with pytest.raises(
        ConfigurationError, match=f"TRADAI_LIVE_{name.upper()} is not set"
    ) as caught:
        gate(**{name: None}).admit()

    assert f"; next: `export TRADAI_LIVE_{name.upper()}=file:/" in str(caught.value)
    assert caught.value.exit_code == 78
    assert account.asked == []


@pytest.mark.parametrize("name", ["api_key", "api_secret"])
def test_a_key_that_does_not_exist_is_refused_before_anything_is_signed(
    gate: Callable[..., Gate], approve: Callable[..., str], account: Account, name: str
) -> None:
    approve()

    with pytest.raises(NotFoundError, match="FAKE_ABSENT"):
        gate(**{name: "env:FAKE_ABSENT"}).admit()

    assert account.asked == []


def test_two_sessions_of_an_account_are_refused_whatever_their_strategies(
    gate: Callable[..., Gate], tmp_path: Path
) -> None:
    first, second = (f"sqlite:///{tmp_path}/{name}.sqlite" for name in ("first", "second"))
    with gate().held(ACCOUNT, first, holder="run a", ttl_s=TTL_S) as leases, renewed(leases):
        with (
            pytest.raises(LeaseHeldError, match="run a") as caught,
            gate().held(ACCOUNT, second, holder="run b", ttl_s=TTL_S),
        ):
            pytest.fail("both sessions hold the lease")
        other = TradingAccount(venue="binance", uid="2")
        with gate().held(other, second, holder="run c", ttl_s=TTL_S) as others:
            assert others.remaining_s > 0

    assert caught.value.exit_code == 75
    with gate().held(ACCOUNT, second, holder="run d", ttl_s=TTL_S) as leases:
        assert leases.remaining_s > 0


def test_two_sessions_with_one_database_are_refused_whatever_their_accounts(
    gate: Callable[..., Gate], tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path}/trades.sqlite"
    other = TradingAccount(venue="binance", uid="2")
    with gate().held(ACCOUNT, database, holder="run a", ttl_s=TTL_S) as leases, renewed(leases):
        with (
            pytest.raises(LeaseHeldError, match="run a"),
            gate().held(other, database, holder="run b", ttl_s=TTL_S),
        ):
            pytest.fail("both sessions have the database")
        # What could not be held whole is not held in part.
        free = f"sqlite:///{tmp_path}/other.sqlite"
        with gate().held(other, free, holder="run c", ttl_s=TTL_S) as others:
            assert others.remaining_s > 0


def test_a_halt_that_stands_is_refused_and_leaves_the_lease_free(
    gate: Callable[..., Gate], configured: Callable[..., LiveSettings], tmp_path: Path
) -> None:
    latch_of(configured()).trip("drawdown", run_id="run-1")

    for run in ("run a", "run b"):
        with (
            pytest.raises(HaltedError, match="drawdown") as caught,
            gate().held(ACCOUNT, f"sqlite:///{tmp_path}/trades.sqlite", holder=run, ttl_s=TTL_S),
        ):
            pytest.fail("the session starts")
        assert caught.value.exit_code == 79


def test_a_database_belongs_to_one_account_and_one_strategy(
    configured: Callable[..., LiveSettings],
) -> None:
    other = TradingAccount(venue="binance", uid="2")
    named = {
        Path(str(database_of(configured(), account, strategy))).name
        for account in (ACCOUNT, other)
        for strategy in ("Trend", "Other")
    }

    assert len(named) == 4
    assert "binance-1234567-Trend.sqlite" in named


def test_a_postgres_database_has_a_schema_for_each_account_and_strategy(
    configured: Callable[..., LiveSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_URL", "postgresql://trader:not-a-real-password@db/trades")
    settings = configured(databases=None, database_url="env:FAKE_URL")

    named = str(database_of(settings, ACCOUNT, "Trend"))

    assert "name='binance-1234567-Trend', owner='binance:1234567 Trend'" in named
    assert "not-a-real" not in named


@pytest.mark.parametrize(
    ("places", "problem"),
    [
        ({"databases": None}, "TRADAI_LIVE_DATABASES is not set"),
        ({"database_url": "env:FAKE_URL"}, "TRADAI_LIVE_DATABASES and .*_URL are both set"),
    ],
    ids=["none", "both"],
)
def test_trade_databases_have_exactly_one_place(
    gate: Callable[..., Gate], places: dict[str, str | None], problem: str
) -> None:
    rows = {row.name: row for row in gate(**places).rows(Found())}

    assert rows["databases"].exit_code is ExitCode.CONFIGURATION
    assert re.search(problem, rows["databases"].detail)
    assert "in its place TRADAI_LIVE_DATABASE_URL" in rows["databases"].detail


def test_the_rows_of_a_check_are_tried_one_by_one_and_name_the_next_command(
    gate: Callable[..., Gate], account: Account
) -> None:
    found = Found()

    rows = {row.name: row for row in gate(confirm=None, lease=None).rows(found)}

    failed = {name for name, row in rows.items() if row.status is CheckStatus.FAIL}
    assert failed == {"confirmation", "approval", "lease"}
    assert "tradai-entrypoint approve CONFIG" in rows["approval"].detail
    assert "TRADAI_LIVE_LEASE" in rows["lease"].detail
    assert (int(rows["approval"].exit_code), int(rows["lease"].exit_code)) == (77, 78)
    assert found.signed_in is not None
    assert account.asked == ["account"]


def test_a_row_without_its_setting_names_the_setting_alone(gate: Callable[..., Gate]) -> None:
    (row,) = (row for row in gate(approvals=None).rows(Found()) if row.name == "approval")

    assert row.status is CheckStatus.FAIL
    assert "TRADAI_LIVE_APPROVALS is not set" in row.detail
    assert "`tradai-entrypoint" not in row.detail
