"""Leases on servers that speak S3: the contract, a race of processes, lost answers."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Literal, get_args

import pytest
from lease_race import check_holdings, race
from servers.aws import REGION, new_bucket, settings_at
from servers.fault_proxy import Fault, FaultProxy

from tradai.aws import AwsError, S3LeaseStore
from tradai.core import Lease, LeaseStore, WaitingClock, lease_for
from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    LeaseHeldError,
    LeaseLostError,
    NotFoundError,
    ValidationError,
)
from tradai.core.testing import FixedClock, LeaseContract

Name = Literal["localstack", "moto", "seaweedfs"]


@pytest.fixture(params=["localstack", "moto", "seaweedfs"])
def server(request: pytest.FixtureRequest) -> Name:
    """Name of the server under test."""
    name: Name = request.param
    return name


class TestS3Lease(LeaseContract):
    @pytest.fixture
    def open_store(self, server: Name, request: pytest.FixtureRequest) -> Callable[[], LeaseStore]:
        settings = settings_at(request.getfixturevalue(server))
        uri = f"s3://{new_bucket(settings)}/leases/one"
        return lambda: S3LeaseStore(uri, settings)


@pytest.mark.parametrize(
    ("server", "rounds"),
    [
        # LocalStack has the race below.
        ("seaweedfs", 2),
        *(pytest.param(name, 20, marks=pytest.mark.deep) for name in get_args(Name)),
    ],
)
def test_four_processes_never_hold_a_lease_at_once(
    rounds: int,
    server: Name,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = request.getfixturevalue(server)
    bucket = new_bucket(settings_at(url))
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_REGION", REGION)

    holdings = race(f"s3://{bucket}/race", tmp_path, ttl_s=2.0, rounds=rounds)

    check_holdings(holdings, rounds=rounds)


@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=pytest.mark.deep)])
def test_four_processes_never_hold_a_lease_at_once_when_answers_are_lost(
    rounds: int, proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = new_bucket(settings_at(proxy.url))
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    monkeypatch.setenv("AWS_REGION", REGION)
    faults = [
        Fault(match="PUT", action="lose", times=5 * rounds),
        Fault(match="HEAD", action="lose", times=3 * rounds),
        Fault(match="GET", action="drop", times=3 * rounds),
    ]
    proxy.plan(*faults)

    holdings = race(f"s3://{bucket}/race", tmp_path, ttl_s=2.0, rounds=rounds)

    check_holdings(holdings, rounds=rounds)
    assert [fault.times for fault in faults] == [0, 0, 0]


@pytest.fixture
def uri(proxy: FaultProxy) -> str:
    return f"s3://{new_bucket(settings_at(proxy.url))}/lease"


@pytest.fixture
def lease(proxy: FaultProxy, uri: str) -> Lease:
    return make_lease(proxy.url, uri)


def make_lease(
    url: str, uri: str, ttl_s: float = 300.0, *, clock: WaitingClock | None = None
) -> Lease:
    return Lease(S3LeaseStore(uri, settings_at(url)), name=uri, ttl_s=ttl_s, clock=clock)


@pytest.mark.parametrize("action", ["lose", "drop", "cut"])
def test_a_lost_answer_to_any_write_costs_nothing(
    action: Literal["lose", "drop", "cut"],
    lease: Lease,
    proxy: FaultProxy,
    localstack: str,
    uri: str,
) -> None:
    proxy.plan(Fault(match="PUT", action=action))
    token = lease.acquire()
    proxy.plan(Fault(match="PUT", action=action))
    lease.renew()
    assert lease.check() == token
    proxy.plan(Fault(match="PUT", action=action))
    lease.release()

    with make_lease(localstack, uri) as following:
        assert following.check() > token


def test_a_renewal_that_no_attempt_could_confirm_is_found_by_the_next(
    lease: Lease, proxy: FaultProxy
) -> None:
    token = lease.acquire()
    # Every answer is lost, also those to the requests that ask what became of the write.
    proxy.plan(Fault(match="", action="lose", times=99))
    with pytest.raises(ExternalServiceError):
        lease.renew()
    assert lease.check() == token

    proxy.plan()
    lease.renew()

    assert lease.check() == token


def test_an_acquisition_that_no_attempt_could_confirm_is_not_held_and_can_be_repeated(
    lease: Lease, proxy: FaultProxy, localstack: str, uri: str
) -> None:
    proxy.plan(
        Fault(match="PUT", action="lose", times=99), Fault(match="HEAD", action="lose", times=99)
    )
    with pytest.raises(ExternalServiceError):
        lease.acquire()
    assert lease.remaining_s == 0
    # The write has happened: others see a holder.
    with pytest.raises(LeaseHeldError):
        make_lease(localstack, uri).acquire(wait_s=0)

    proxy.plan()

    assert lease.acquire(wait_s=0)


def test_a_server_that_does_not_answer_costs_the_lease_in_time(proxy: FaultProxy, uri: str) -> None:
    # What a busy machine takes to acquire the lease costs nothing of it.
    clock = FixedClock()
    lease = make_lease(proxy.url, uri, ttl_s=7.0, clock=clock)
    lease.acquire()
    proxy.plan(Fault(match="", action="hold", times=99))

    begun_s = time.monotonic()
    with pytest.raises(AwsError):
        lease.renew()
    clock.advance(timedelta(seconds=time.monotonic() - begun_s))
    # The attempts to write, and those to learn what became of it, take longer than this lease.
    with pytest.raises(LeaseLostError):
        lease.check()
    assert proxy.count("PUT") == 2


def test_a_late_holder_whose_write_arrives_after_all_does_not_disturb_the_next(
    lease: Lease, localstack: str, uri: str
) -> None:
    store = S3LeaseStore(uri, settings_at(localstack))
    lease.acquire()
    late = store.read()
    assert late is not None
    lease.release()
    following = make_lease(localstack, uri)
    token = following.acquire()

    with pytest.raises(ExternalServiceError):
        store.replace(late.data, expected=late.etag)

    following.renew()
    assert following.check() == token


def test_a_server_that_ignores_conditions_is_refused(lease: Lease, proxy: FaultProxy) -> None:
    # The proxy answers for such a server: every write succeeds.
    accepted = Fault(match="PUT", action="answer", status=200, headers={"ETag": '"1"'}, times=99)
    proxy.plan(accepted)

    with pytest.raises(ConfigurationError, match="ignores the conditions"):
        lease.acquire()

    assert lease.remaining_s == 0


def test_conditions_are_proven_once(lease: Lease, proxy: FaultProxy) -> None:
    proxy.plan()

    lease.acquire()
    lease.renew()
    lease.release()

    assert proxy.count("PUT") == 5
    assert proxy.count("GET") == 1


def test_an_s3_lease_is_found_by_its_uri(localstack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = new_bucket(settings_at(localstack))
    monkeypatch.setenv("AWS_ENDPOINT_URL", localstack)
    monkeypatch.setenv("AWS_REGION", REGION)
    uri = f"s3://{bucket}/leases/binance-1"

    with lease_for(uri, holder="the first"), pytest.raises(LeaseHeldError, match="the first"):
        lease_for(uri).acquire(wait_s=0)


@pytest.mark.parametrize("uri", ["s3://bucket", "s3://bucket/", "s3://bucket/folder/"])
def test_an_address_without_an_object_is_refused(uri: str) -> None:
    with pytest.raises(ValidationError):
        lease_for(uri)


def test_a_missing_bucket_is_an_error(localstack: str) -> None:
    lease = make_lease(localstack, "s3://no-such-bucket-anywhere/lease")

    with pytest.raises(NotFoundError, match="no-such-bucket-anywhere"):
        lease.acquire()
