"""Leases of account and database: held together or not at all."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from tradai.core import Lease
from tradai.core.exceptions import (
    ExternalServiceError,
    LeaseHeldError,
    LeaseLostError,
    ValidationError,
)
from tradai.core.live import TradingAccount
from tradai.core.testing import FixedClock, MemoryLeaseStore
from tradai.entrypoint._live.leases import HeldLeases, lease_uris

TTL_S: Final = 60.0
ACCOUNT: Final = TradingAccount(venue="binance", uid="1234567")
DATABASE: Final = "postgresql://trader:not-a-secret@db.internal:5432/trades"


class Sleeper:
    """A virtual clock; something happens after each sleep."""

    def __init__(self, clock: FixedClock, happens: Callable[[], object]) -> None:
        self._clock = clock
        self._happens = happens

    def now(self) -> datetime:
        return self._clock.now()

    def __call__(self) -> float:
        return self._clock()

    def sleep(self, seconds: float, /) -> None:
        self._clock.sleep(seconds)
        self._happens()


class Places:
    """The places of two leases, and processes that want them, on one virtual clock."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.stores = {"account": MemoryLeaseStore(), "database": MemoryLeaseStore()}

    def lease(self, name: str, holder: str, ttl_s: float = TTL_S) -> Lease:
        store = self.stores[name]
        return Lease(store, name=name, holder=holder, ttl_s=ttl_s, clock=self.clock)

    def leases(self, holder: str) -> HeldLeases:
        both = [self.lease(name, holder) for name in self.stores]
        return HeldLeases(both, clock=self.clock)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))


@pytest.fixture
def places() -> Places:
    """Two free leases."""
    return Places()


def test_both_are_held_and_kept_and_given_back(places: Places) -> None:
    first, second = places.leases("first"), places.leases("second")
    first.acquire()
    places.pass_time(TTL_S / 2)
    first.renew()
    places.pass_time(TTL_S / 2)

    with pytest.raises(LeaseHeldError, match="first"):
        second.acquire(wait_s=0)

    assert first.remaining_s > 0
    first.release()
    second.acquire(wait_s=0)
    assert second.remaining_s == pytest.approx(0.8 * TTL_S)
    assert first.remaining_s == 0


def test_the_account_is_given_back_when_the_database_is_taken(places: Places) -> None:
    other = places.lease("database", "another account, the same database")
    other.acquire()

    with pytest.raises(LeaseHeldError, match="the same database") as caught:
        places.leases("second").acquire(wait_s=0)

    assert caught.value.exit_code == 75
    places.lease("account", "third").acquire(wait_s=0)


def test_a_holder_that_renews_is_not_waited_for(places: Places) -> None:
    holder = places.lease("account", "first")
    holder.acquire()
    both = [places.lease(name, "second") for name in places.stores]
    leases = HeldLeases(both, clock=Sleeper(places.clock, holder.renew))
    started_s = places.clock()

    with pytest.raises(LeaseHeldError, match="first"):
        leases.acquire()

    assert places.clock() - started_s < TTL_S


def test_all_leases_of_a_killed_process_are_waited_for_at_the_same_time(places: Places) -> None:
    places.leases("killed").acquire()
    started_s = places.clock()
    leases = places.leases("second")

    leases.acquire()

    assert TTL_S <= places.clock() - started_s <= 1.1 * TTL_S
    assert leases.remaining_s > 0


def test_a_lease_that_is_waited_for_beside_another_is_not_taken_before_its_time(
    places: Places,
) -> None:
    places.lease("account", "killed").acquire()
    places.lease("database", "killed later", ttl_s=2 * TTL_S).acquire()
    started_s = places.clock()

    places.leases("second").acquire()

    assert 2 * TTL_S <= places.clock() - started_s <= 2.2 * TTL_S


def test_a_wait_is_said_once_for_each_lease_with_its_end(
    places: Places, caplog: pytest.LogCaptureFixture
) -> None:
    places.lease("account", "killed").acquire()
    places.lease("database", "killed", ttl_s=2 * TTL_S).acquire()
    shown: list[str] = []
    until = [places.clock.now() + timedelta(seconds=seconds) for seconds in (TTL_S, 2 * TTL_S)]

    places.leases("second").acquire(say=shown.append)

    said = [row.__dict__ for row in caplog.records if row.msg == "waiting for a lease"]
    assert [row["lease"] for row in said] == ["account", "database"]
    assert all("is held by killed" in row["error"] for row in said)
    assert shown == [
        f"waiting for the lease {name}, which killed holds, until {end:%H:%M:%S} UTC at the latest"
        for name, end in zip(("account", "database"), until, strict=True)
    ]


def test_the_second_lease_is_not_taken_before_the_first_is_held(places: Places) -> None:
    places.lease("account", "first").acquire()

    with pytest.raises(LeaseHeldError, match="first"):
        places.leases("second").acquire(wait_s=TTL_S / 2)

    assert places.stores["database"].read() is None


def test_one_lease_is_kept_while_the_other_is_waited_for(places: Places) -> None:
    places.lease("database", "killed", ttl_s=5 * TTL_S).acquire()
    account = places.lease("account", "second")
    remaining: list[float] = []
    clock = Sleeper(places.clock, lambda: remaining.append(account.remaining_s))
    leases = HeldLeases([account, places.lease("database", "second")], clock=clock)

    leases.acquire()

    assert len(remaining) > 20
    assert min(remaining) > TTL_S / 2
    assert leases.remaining_s > 0


def test_the_surest_time_is_that_of_the_lease_that_ends_first(places: Places) -> None:
    account, database = places.lease("account", "a"), places.lease("database", "a", ttl_s=30.0)
    leases = HeldLeases([account, database], clock=places.clock)

    leases.acquire()

    assert leases.ttl_s == 30.0
    assert leases.remaining_s == pytest.approx(24.0)


def test_leases_that_are_kept_are_written_when_half_their_time_is_not_sure_any_more(
    places: Places,
) -> None:
    leases = places.leases("first")
    leases.acquire()
    before = [store.read() for store in places.stores.values()]

    places.pass_time(0.29 * TTL_S)
    leases.keep()
    early = [store.read() for store in places.stores.values()]
    places.pass_time(0.02 * TTL_S)
    leases.keep()

    assert early == before
    assert leases.remaining_s == pytest.approx(0.8 * TTL_S)


def test_one_lost_lease_is_all_lost(places: Places) -> None:
    leases = places.leases("first")
    leases.acquire()
    places.pass_time(TTL_S)
    places.lease("database", "second").acquire()

    with pytest.raises(LeaseLostError):
        leases.renew()


def test_an_outage_of_one_place_does_not_keep_the_other_lease_from_being_renewed(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases = places.leases("first")
    leases.acquire()
    monkeypatch.setattr(places.stores["account"], "replace", _no_answer)
    places.pass_time(TTL_S / 3)

    with pytest.raises(ExternalServiceError):
        leases.renew()

    monkeypatch.undo()
    places.pass_time(TTL_S / 3)
    assert leases.remaining_s > 0
    places.pass_time(TTL_S / 4)
    assert places.lease("database", "second").remaining_s == 0
    with pytest.raises(LeaseHeldError):
        places.lease("database", "second").acquire(wait_s=TTL_S / 3)


def test_a_place_that_does_not_answer_does_not_keep_the_other_lease(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases = places.leases("first")
    leases.acquire()
    monkeypatch.setattr(places.stores["database"], "replace", _no_answer)

    leases.release()

    places.lease("account", "second").acquire(wait_s=0)


def _no_answer(*_: object, **__: object) -> str:
    message = "the store did not answer"
    raise ExternalServiceError(message, service="test", operation="replace")


def test_names_are_of_account_and_database_and_not_of_key_or_user() -> None:
    uris = lease_uris("redis://host:6379/0", account=ACCOUNT, database=DATABASE)

    other_user = DATABASE.replace("trader:not-a-secret", "other:not-a-secret-either")
    assert uris == lease_uris("redis://host:6379/0", account=ACCOUNT, database=other_user)
    assert [uri.rpartition("-")[0] for uri in uris] == [
        "redis://host:6379/0/account-binance",
        "redis://host:6379/0/database",
    ]
    assert "secret" not in str(uris)


@pytest.mark.parametrize(
    ("account", "database"),
    [
        (TradingAccount(venue="binance", uid="7654321"), DATABASE),
        (ACCOUNT, DATABASE + "2"),
        (ACCOUNT, DATABASE.replace("db.", "db2.")),
        (ACCOUNT, DATABASE.replace("5432", "5433")),
    ],
)
def test_another_account_and_another_database_have_another_lease(
    account: TradingAccount, database: str
) -> None:
    ours = lease_uris("s3://leases/live", account=ACCOUNT, database=DATABASE)

    others = lease_uris("s3://leases/live", account=account, database=database)

    assert len({*ours, *others}) == 3


def test_options_stay_at_the_end_of_a_uri() -> None:
    account, _ = lease_uris("s3://leases/live/?x=1", account=ACCOUNT, database=DATABASE)

    assert account.startswith("s3://leases/live/account-")
    assert account.endswith("?x=1")


def test_the_lease_of_a_file_lies_beside_it_whatever_its_path_is(tmp_path: Path) -> None:
    folder = tmp_path / "with blanks"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    direct, linked = (
        lease_uris("file:/leases", account=ACCOUNT, database=f"sqlite:///{path}/t.sqlite")[1]
        for path in (folder, tmp_path / "link")
    )

    assert direct == linked
    HeldLeases.of([direct], holder="a test", ttl_s=TTL_S).acquire()
    assert (folder / "t.sqlite.lease").exists()


@pytest.mark.parametrize("database", ["sqlite://", "sqlite:///", "trades.sqlite", "postgresql://h"])
def test_a_database_that_no_lease_can_be_named_after_is_refused(database: str) -> None:
    with pytest.raises(ValidationError, match="the trade database"):
        lease_uris("file:/leases", account=ACCOUNT, database=database)


def test_of_two_processes_at_once_one_has_both(tmp_path: Path) -> None:
    uris = [f"file:{tmp_path}/account", f"file:{tmp_path}/database"]
    barrier = threading.Barrier(2)
    outcomes: list[str] = []

    def start(name: str) -> None:
        leases = HeldLeases.of(uris, holder=name, ttl_s=TTL_S)
        barrier.wait()
        try:
            leases.acquire(wait_s=0)
        except LeaseHeldError:
            outcomes.append("held")
        else:
            outcomes.append("has both")

    threads = [threading.Thread(target=start, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["has both", "held"]
