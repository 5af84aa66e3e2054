"""Records of sessions on real servers: the contract, a race of processes, rights, lost answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from servers.process import ROOT
from servers.redis import PASSWORD, USER, RedisServer
from servers.tcp_proxy import TcpProxy
from session_race import race, session_record

from tradai.cache import RedisSessionStore
from tradai.core import backend_for
from tradai.core.exceptions import (
    ConfigurationError,
    ConflictError,
    ExternalServiceError,
    StorageError,
    ValidationError,
)
from tradai.core.live import SessionStore
from tradai.core.testing import SessionStoreContract

GUIDE: Final = ROOT / "docs" / "how-to" / "operate-a-session.md"


class TestRedisSessions(SessionStoreContract):
    @pytest.fixture
    def open_store(self, server: RedisServer) -> Callable[[], SessionStore]:
        return lambda: backend_for("tradai.sessions", f"{server.url}/contract")


@pytest.mark.parametrize("rounds", [5, pytest.param(200, marks=pytest.mark.deep)])
def test_four_processes_never_overwrite_each_other(
    rounds: int, server: RedisServer, tmp_path: Path
) -> None:
    race(f"{server.url}/race", tmp_path, rounds=rounds)


def test_sessions_of_different_names_and_databases_are_independent(server: RedisServer) -> None:
    other_database = server.url.removesuffix("/0") + "/1"
    for number, uri in enumerate((f"{server.url}/a", f"{server.url}/b", f"{other_database}/a")):
        RedisSessionStore(uri).write(session_record(owner=f"owner {number}"))

        assert [found.owner for found in RedisSessionStore(uri).records()] == [f"owner {number}"]


def test_the_rights_of_the_guide_suffice_and_each_is_needed(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSION_PASSWORD", PASSWORD)
    monkeypatch.setenv("TRADAI_CACHE_USERNAME", USER)
    monkeypatch.setenv("TRADAI_CACHE_PASSWORD", "env:SESSION_PASSWORD")
    (line,) = [line for line in GUIDE.read_text().splitlines() if line.startswith("ACL SETUSER")]
    rights = line.split()[5:]
    needed = [right for right in rights if right not in {"-@all", "+select", "+ping"}]
    for number, left_out in enumerate((None, *needed)):
        kept = [right for right in rights if right != left_out]
        with server.admin() as admin:
            admin.execute_command("ACL", "SETUSER", USER, "reset", "on", f">{PASSWORD}", *kept)
        store = RedisSessionStore(f"{server.url}/rights-{number}")
        if left_out is None:
            store.write(session_record())
            assert list(store.records()) == [store.read("trend")]
        else:
            with pytest.raises(ConfigurationError, match=r"server of sessions .* forbids its user"):
                _use(store)


def _use(store: RedisSessionStore) -> None:
    store.write(session_record())
    store.read("trend")
    list(store.records())


def test_a_write_whose_answer_was_lost_can_be_sent_again(server: RedisServer) -> None:
    with TcpProxy(server.port) as proxy:
        store = RedisSessionStore(f"redis://127.0.0.1:{proxy.port}/0/lost")
        store.write(session_record())
        proxy.delay_s = 3.0
        with pytest.raises(ExternalServiceError, match="did not answer in time"):
            store.write(session_record(version=2))
        proxy.delay_s = 0.0

        store.write(session_record(version=2))

        assert store.read("trend") == session_record(version=2)
        with pytest.raises(ConflictError):
            store.write(session_record(version=2, owner="another"))


def test_a_damaged_record_is_said_and_never_overwritten(server: RedisServer) -> None:
    store = RedisSessionStore(f"{server.url}/damaged")
    with server.admin() as admin:
        admin.hset("tradai:sessions:damaged", "trend", "{not JSON")

    for version in (1, 2):
        with pytest.raises(ConflictError):
            store.write(session_record(version=version))
    with pytest.raises(StorageError, match=r"tradai:sessions:damaged .* cannot be read"):
        store.read("trend")


def test_a_server_that_may_evict_sessions_is_refused(tmp_path: Path) -> None:
    options: dict[str, str | int | Path] = {"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"}
    server = RedisServer(flavour="redis", folder=tmp_path / "redis", options=options)
    with server.running(), pytest.raises(ConfigurationError, match="may evict a session"):
        RedisSessionStore(f"{server.url}/evicted").read("trend")


def test_an_address_without_a_name_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"0/sessions$"):
        backend_for("tradai.sessions", "redis://here:6379/0")


def test_an_address_with_a_password_is_refused_and_not_shown() -> None:
    with pytest.raises(ValidationError) as caught:
        backend_for("tradai.sessions", "redis://user:not-a-real-password@here:6379/0/name")

    assert "not-a-real-password" not in str(caught.value)
