"""Leases on real servers: the contract, a race of processes, outages, rights and full memory."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from lease_race import check_holdings, race
from redis.exceptions import OutOfMemoryError
from servers.process import ROOT, free_port
from servers.redis import PASSWORD, USER, RedisServer, encrypted
from servers.tcp_proxy import TcpProxy

from tradai.cache import RedisLeaseStore
from tradai.core import Lease, LeaseStore, lease_for
from tradai.core.exceptions import (
    ConfigurationError,
    ConflictError,
    ExternalServiceError,
    LeaseHeldError,
    LeaseLostError,
    ValidationError,
)
from tradai.core.testing import FixedClock, LeaseContract

GUIDE: Final = ROOT / "docs" / "how-to" / "use-leases.md"


def granted() -> list[str]:
    """Return exactly the rights that the guide grants."""
    (line,) = [line for line in GUIDE.read_text().splitlines() if line.startswith("ACL SETUSER")]
    return line.split()[5:]


class TestRedisLease(LeaseContract):
    @pytest.fixture
    def open_store(self, server: RedisServer) -> Callable[[], LeaseStore]:
        return lambda: RedisLeaseStore(f"{server.url}/contract")


@pytest.mark.parametrize("rounds", [2, pytest.param(30, marks=pytest.mark.deep)])
def test_four_processes_never_hold_a_lease_at_once(
    rounds: int, server: RedisServer, tmp_path: Path
) -> None:
    holdings = race(f"{server.url}/race", tmp_path, ttl_s=0.8, rounds=rounds)

    check_holdings(holdings, rounds=rounds)


def test_leases_of_different_names_and_databases_are_independent(server: RedisServer) -> None:
    other_database = server.url.removesuffix("/0") + "/1"
    with (
        lease_for(f"{server.url}/binance/1"),
        lease_for(f"{server.url}/binance/2"),
        lease_for(f"{other_database}/binance/1"),
        pytest.raises(LeaseHeldError),
    ):
        lease_for(f"{server.url}/binance/1").acquire(wait_s=0)


def test_the_rights_of_the_guide_suffice_and_each_is_needed(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEASE_PASSWORD", PASSWORD)
    monkeypatch.setenv("TRADAI_CACHE_USERNAME", USER)
    monkeypatch.setenv("TRADAI_CACHE_PASSWORD", "env:LEASE_PASSWORD")
    rights = granted()
    needed = [right for right in rights if right not in {"-@all", "+select", "+ping"}]
    for number, left_out in enumerate((None, *needed)):
        kept = [right for right in rights if right != left_out]
        with server.admin() as admin:
            admin.execute_command("ACL", "SETUSER", USER, "reset", "on", f">{PASSWORD}", *kept)
        lease = lease_for(f"{server.url}/rights-{number}")
        if left_out is None:
            with lease:
                lease.renew()
        else:
            with pytest.raises(ConfigurationError, match=r"server of leases .* forbids its user"):
                lease.acquire()


def test_an_address_that_does_not_fit_is_an_error_about_the_uri_of_the_lease(
    server: RedisServer,
) -> None:
    lease = lease_for(f"redis://127.0.0.1:{server.port}/99/binance-1")

    with pytest.raises(ConfigurationError, match=r"^the server of leases at .* has no data") as exc:
        lease.acquire()

    assert exc.value.key == "uri"


def test_a_rotated_password_is_read_again(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEASE_PASSWORD", PASSWORD)
    monkeypatch.setenv("TRADAI_CACHE_USERNAME", USER)
    monkeypatch.setenv("TRADAI_CACHE_PASSWORD", "env:LEASE_PASSWORD")
    with server.admin() as admin:
        admin.execute_command("ACL", "SETUSER", USER, "on", f">{PASSWORD}", *granted())
        lease = lease_for(f"{server.url}/rotated")
        lease.acquire()
        rotated = ("resetpass", ">another-" + PASSWORD)
        admin.execute_command("ACL", "SETUSER", USER, *rotated)
        monkeypatch.setenv("LEASE_PASSWORD", "another-" + PASSWORD)
        admin.client_kill_filter(_type="normal", skipme=True)

        lease.renew()

        monkeypatch.setenv("LEASE_PASSWORD", "wrong-" + PASSWORD)
        with pytest.raises(ConfigurationError, match="refused user or password"):
            lease_for(f"{server.url}/wrong").acquire()


def test_a_lease_through_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = encrypted("redis", tmp_path)
    monkeypatch.setenv("TRADAI_CACHE_CA_FILE", str(tmp_path / "ca.pem"))

    with server.running(), lease_for(f"{server.url}/tls") as lease:
        lease.renew()


@pytest.fixture
def proxied(server: RedisServer) -> Iterator[tuple[Lease, TcpProxy]]:
    with TcpProxy(server.port) as proxy:
        yield lease_for(f"redis://127.0.0.1:{proxy.port}/0/proxied", ttl_s=60), proxy


def test_a_connection_that_was_cut_is_made_anew(proxied: tuple[Lease, TcpProxy]) -> None:
    lease, proxy = proxied
    token = lease.acquire()

    proxy.cut()
    lease.renew()

    assert lease.check() == token


def test_an_answer_that_comes_too_late_does_not_lose_the_lease(
    proxied: tuple[Lease, TcpProxy], server: RedisServer
) -> None:
    lease, proxy = proxied
    token = lease.acquire()
    before = RedisLeaseStore(f"{server.url}/proxied").read()
    proxy.delay_s = 3.0
    with pytest.raises(ExternalServiceError, match="did not answer in time"):
        lease.renew()
    # The server has written nevertheless.
    assert RedisLeaseStore(f"{server.url}/proxied").read() != before

    proxy.delay_s = 0.0
    lease.renew()

    assert lease.check() == token


def test_a_server_that_hangs_or_is_gone_costs_the_lease_in_time(own_server: RedisServer) -> None:
    lease = lease_for(f"{own_server.url}/hangs", ttl_s=4.0)
    lease.acquire()

    own_server.stop()
    with pytest.raises((ExternalServiceError, LeaseLostError)):
        lease.renew()
    while lease.remaining_s:
        time.sleep(lease.remaining_s)
    with pytest.raises(LeaseLostError):
        lease.check()

    own_server.kill()
    with pytest.raises(ExternalServiceError, match="cannot be reached"):
        lease_for(f"{own_server.url}/hangs").acquire()


def test_a_lease_that_the_server_has_forgotten_is_lost(server: RedisServer) -> None:
    lease = lease_for(f"{server.url}/forgotten")
    first = lease.acquire()
    with server.admin() as admin:
        admin.flushall()

    with pytest.raises(LeaseLostError, match="its record is gone"):
        lease.renew()

    assert lease.acquire() > first


def test_a_restart_keeps_a_lease_that_the_server_writes_to_disk(tmp_path: Path) -> None:
    options: dict[str, str | int | Path] = {"appendonly": "yes", "appendfsync": "always"}
    server = RedisServer(flavour="redis", folder=tmp_path / "redis", options=options)
    with server.running():
        lease = lease_for(f"{server.url}/kept", ttl_s=600)
        lease.acquire()
        server.kill()
    with server.running(), server.admin() as admin:
        while admin.info("persistence")["loading"]:
            pass
        lease.renew()
        with pytest.raises(LeaseHeldError):
            lease_for(f"{server.url}/kept").acquire(wait_s=0)


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-random"])
def test_a_server_that_may_evict_a_lease_is_refused(policy: str, tmp_path: Path) -> None:
    options: dict[str, str | int | Path] = {"maxmemory": "100mb", "maxmemory-policy": policy}
    server = RedisServer(flavour="redis", folder=tmp_path / "redis", options=options)
    with (
        server.running(),
        pytest.raises(ConfigurationError, match=rf"may evict a lease .*{policy}"),
    ):
        lease_for(f"{server.url}/evicted").acquire()


@pytest.mark.parametrize("policy", ["noeviction", "volatile-lru"])
def test_a_full_server_keeps_and_renews_a_lease(policy: str, tmp_path: Path) -> None:
    options: dict[str, str | int | Path] = {"maxmemory": "3mb", "maxmemory-policy": policy}
    server = RedisServer(flavour="redis", folder=tmp_path / "redis", options=options)
    with server.running(), server.admin() as admin:
        lease = lease_for(f"{server.url}/full", ttl_s=600)
        lease.acquire()
        with suppress(OutOfMemoryError):
            for number in range(400):
                admin.set(f"other-{number}", bytes(20_000), ex=600)
        assert admin.dbsize() < 200

        lease.renew()

        with pytest.raises(LeaseHeldError):
            lease_for(f"{server.url}/full").acquire(wait_s=0)


def test_the_time_of_day_of_the_server_does_not_end_a_lease(server: RedisServer) -> None:
    clock = FixedClock()
    store = RedisLeaseStore(f"{server.url}/timeless")
    Lease(store, name="test", ttl_s=0.1, clock=clock).acquire()

    with server.admin() as admin:
        assert admin.ttl("tradai:lease:timeless") == -1
    clock.advance(timedelta(seconds=0.09))
    with pytest.raises(LeaseHeldError):
        Lease(store, name="test", clock=clock).acquire(wait_s=0)


FORK: Final = """
import os, sys
from tradai.core import lease_for
from tradai.core.exceptions import LeaseHeldError

lease = lease_for(sys.argv[1])
token = lease.acquire()
child = os.fork()
for _ in range(50):
    if child:
        lease.renew()
        continue
    try:
        lease.acquire(wait_s=0)
    except LeaseHeldError:
        continue
    os._exit(1)
if not child:
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert lease.check() == token
print("held")
"""


def test_a_forked_process_has_connections_of_its_own(server: RedisServer) -> None:
    command = [sys.executable, "-Pc", FORK, f"{server.url}/forked"]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (done.stdout, done.stderr) == ("held\n", "")


@pytest.mark.parametrize(
    "uri",
    [
        "redis://here/name",
        "redis://here:6379/0",
        "redis://here:6379/0/",
        "redis://here:6379/0//name",
        "redis://here:6379/0/two words",
        "redis://here:6379/0/name?db=1",
        "redis://here:99999/0/name",
        "redis://user:not-a-real-password@here:6379/0/name",
        "redis://here:6379/0/" + "x" * 201,
    ],
)
def test_an_address_that_is_not_usable_is_refused_and_not_shown(uri: str) -> None:
    with pytest.raises(ValidationError) as caught:
        lease_for(uri)

    assert uri not in str(caught.value)
    assert "not-a-real-password" not in str(caught.value)


def test_nothing_is_asked_before_the_lease_is_acquired() -> None:
    lease = lease_for(f"redis://127.0.0.1:{free_port()}/0/name")

    with pytest.raises(ExternalServiceError):
        lease.acquire()


def test_a_stale_tag_never_replaces(server: RedisServer) -> None:
    store = RedisLeaseStore(f"{server.url}/stale")
    first = store.replace(b"first", expected=None)
    second = store.replace(b"second", expected=first)
    # The same bytes again have the same tag: records differ in each write.
    assert store.replace(b"first", expected=second) == first

    with pytest.raises(ConflictError):
        store.replace(b"third", expected=second)
