"""Connections to servers with TLS, passwords and rights, and errors that name a wrong setting."""

import http.server
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest
from cache.tier_contract import KEY, OTHER, PATIENCE_S, EventRecorder, busy_lease, load, new_lease
from servers.process import free_port
from servers.redis import (
    PASSWORD,
    USER,
    Flavour,
    RedisServer,
    encrypted,
    make_certificates,
    rights,
)
from servers.tcp_proxy import TcpProxy

from tradai.cache._redis.connection_options import ANSWER_S
from tradai.cache._redis.tier import RedisTier
from tradai.cache._tier.shared_tier import TierDown
from tradai.core.exceptions import ConfigurationError

REFERENCE: Final = "env:REDIS_PASSWORD"
OTHER_REFERENCE: Final = "env:OTHER_PASSWORD"
# The timeouts of a user's process, except that a slow machine has time to get the refusal.
SHORT_ANSWER: Final = {"first_s": PATIENCE_S}
NOWHERE: Final = "env:NO_SUCH_VARIABLE"
Connect = Callable[..., tuple[RedisTier, EventRecorder]]


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = encrypted("redis", tmp_path_factory.mktemp("tls"))
    with server.running():
        yield server


@pytest.fixture(params=["redis", "valkey"])
def guarded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RedisServer]:
    """A server whose default user has a password, and which has the user of the guide."""
    flavour: Flavour = request.param
    options: dict[str, str | int | Path] = {"requirepass": PASSWORD}
    server = RedisServer(flavour=flavour, folder=tmp_path / flavour, options=options)
    with server.running():
        grant(server, rights())
        yield server


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_PASSWORD", PASSWORD)
    monkeypatch.setenv("OTHER_PASSWORD", "another-" + PASSWORD)


def grant(server: RedisServer, granted: list[str]) -> None:
    with server.admin(password=PASSWORD) as client:
        client.execute_command("ACL", "SETUSER", USER, "reset", "on", f">{PASSWORD}", *granted)


def configuration_error(tier: RedisTier) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        tier.fetch(KEY)
    assert PASSWORD not in str(caught.value)
    return caught.value


def test_an_encrypted_connection_is_used(tls_server: RedisServer, connected: Connect) -> None:
    tier, _ = connected(tls_server.url, ca_file=tls_server.folder / "ca.pem")

    load(tier, KEY, b"sealed")

    assert tier.fetch(KEY) == b"sealed"


def test_a_certificate_of_an_unknown_authority_is_refused(
    tls_server: RedisServer, connected: Connect, tmp_path: Path
) -> None:
    make_certificates(tmp_path)

    for settings in ({}, {"ca_file": tmp_path / "ca.pem"}):
        error = configuration_error(connected(tls_server.url, **settings)[0])

        assert error.key == "TRADAI_CACHE_CA_FILE"
        assert "certificate" in str(error)


def test_a_certificate_for_another_host_is_refused(
    tls_server: RedisServer, connected: Connect
) -> None:
    url = tls_server.url.replace("127.0.0.1", "localhost")

    error = configuration_error(connected(url, ca_file=tls_server.folder / "ca.pem")[0])

    assert error.key == "TRADAI_CACHE_CA_FILE"
    assert "localhost" in str(error)


def test_plain_text_to_an_encrypted_port_is_reported(
    tls_server: RedisServer, connected: Connect
) -> None:
    error = configuration_error(connected(tls_server.url.replace("rediss", "redis"))[0])

    assert "speaks TLS; use rediss://" in str(error)


@pytest.mark.parametrize("timeouts", [SHORT_ANSWER])
def test_tls_to_a_plain_port_is_reported(server: RedisServer, connected: Connect) -> None:
    error = configuration_error(connected(server.url.replace("redis", "rediss", 1))[0])

    assert "speaks plain text; use redis://" in str(error)


def test_a_server_that_does_not_speak_redis_is_reported(connected: Connect) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), Silent) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        try:
            error = configuration_error(connected(f"redis://127.0.0.1:{web.server_port}")[0])
        finally:
            web.shutdown()
            thread.join()

    assert "is neither Redis" in str(error)


def test_a_database_that_the_server_does_not_have_is_reported(
    server: RedisServer, connected: Connect
) -> None:
    error = configuration_error(connected(server.url.removesuffix("/0") + "/99")[0])

    assert error.key == "TRADAI_CACHE_URL"
    assert "has no database of that number" in str(error)


@pytest.mark.parametrize("command", ["EVAL", "SUBSCRIBE"])
def test_a_command_that_the_server_has_turned_off_is_reported(
    tmp_path: Path, connected: Connect, command: str
) -> None:
    more = tmp_path / "more.conf"
    more.write_text(f'rename-command {command} ""\n')
    server = RedisServer(flavour="redis", folder=tmp_path / "redis", options={"include": more})
    with server.running():
        error = configuration_error(connected(server.url)[0])

    assert "does not know a command that is needed" in str(error)


class Silent(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"password": OTHER_REFERENCE},
        {"username": USER, "password": OTHER_REFERENCE},
        {"username": "nobody", "password": REFERENCE},
    ],
)
def test_a_refused_password_is_an_error_at_every_use(
    guarded: RedisServer, connected: Connect, settings: dict[str, str]
) -> None:
    tier, _ = connected(guarded.url, **settings)

    for _ in range(2):
        assert configuration_error(tier).key == "TRADAI_CACHE_PASSWORD"


@pytest.mark.parametrize("timeouts", [SHORT_ANSWER])
class TestSlowServer:
    """The server answers later than a call waits, as on a machine that is busy at the start."""

    @pytest.fixture
    def slow_url(self, guarded: RedisServer) -> Iterator[str]:
        """The address of a proxy that delays each answer of the server."""
        with TcpProxy(guarded.port) as proxy:
            proxy.delay_s = 2 * ANSWER_S
            yield f"redis://127.0.0.1:{proxy.port}/0"

    def test_a_refused_password_is_an_error(self, slow_url: str, connected: Connect) -> None:
        tier, events = connected(slow_url, username=USER, password=OTHER_REFERENCE)

        for _ in range(2):
            assert configuration_error(tier).key == "TRADAI_CACHE_PASSWORD"
        assert events.all == []

    @pytest.mark.parametrize("right", ["+eval", "&tradai:*"])
    def test_a_missing_right_is_an_error(
        self, guarded: RedisServer, slow_url: str, connected: Connect, right: str
    ) -> None:
        grant(guarded, [granted for granted in rights() if granted != right])
        tier, _ = connected(slow_url, username=USER, password=REFERENCE)

        assert configuration_error(tier).key == "TRADAI_CACHE_USERNAME"

    def test_another_scheme_is_an_error(self, slow_url: str, connected: Connect) -> None:
        tier, _ = connected(slow_url.replace("redis", "rediss", 1))

        assert configuration_error(tier).key == "TRADAI_CACHE_URL"

    def test_after_the_first_answer_the_usual_timeout_applies(
        self, slow_url: str, connected: Connect
    ) -> None:
        tier, events = connected(slow_url, username=USER, password=REFERENCE)

        with pytest.raises(TierDown, match="did not answer in time"):
            tier.fetch(KEY)
        events.wait_until(
            lambda recorded: any(isinstance(event, tuple) and not event[0] for event in recorded)
        )


@pytest.mark.parametrize("timeouts", [SHORT_ANSWER])
def test_closing_releases_callers_that_wait_for_the_first_answer(
    own_server: RedisServer, connected: Connect
) -> None:
    with TcpProxy(own_server.port) as proxy, ThreadPoolExecutor() as pool:
        tier, _ = connected(f"redis://127.0.0.1:{proxy.port}/0")
        own_server.stop()
        fetching = pool.submit(tier.fetch, KEY)
        while not any(proxy.sent):
            assert not fetching.done()

        tier.close()

        with pytest.raises(TierDown, match="closed"):
            fetching.result(timeout=PATIENCE_S / 2)
        own_server.resume()


def test_a_tier_works_after_the_password_was_corrected(
    guarded: RedisServer, connected: Connect
) -> None:
    tier, _ = connected(guarded.url, username="later", password=REFERENCE)
    configuration_error(tier)

    with guarded.admin(password=PASSWORD) as client:
        client.execute_command("ACL", "SETUSER", "later", "on", f">{PASSWORD}", *rights())

    assert tier.fetch(KEY) is None


def test_a_password_for_a_server_without_one_is_an_error(
    server: RedisServer, connected: Connect
) -> None:
    error = configuration_error(connected(server.url, password=REFERENCE)[0])

    assert error.key == "TRADAI_CACHE_PASSWORD"


def test_the_rights_of_the_guide_are_enough(guarded: RedisServer, connected: Connect) -> None:
    url = guarded.url.replace("/0", "/1")
    settings = {"username": USER, "password": REFERENCE}
    (here, events), (there, _) = connected(url, **settings), connected(url, **settings)
    here.fetch(KEY)

    load(there, KEY, b"sealed")
    assert here.fetch(KEY) == b"sealed"
    there.invalidate(KEY)
    events.wait_for(KEY)
    lease = new_lease(here)
    busy = busy_lease(there)
    lease.release()
    busy.wait()
    there.clear(KEY.namespace)
    events.wait_for(KEY.namespace)

    with guarded.admin(password=PASSWORD) as client:
        assert client.execute_command("ACL", "LOG") == []


@pytest.mark.parametrize(
    "right", [right for right in rights() if right not in {"-@all", "+select"}]
)
def test_each_right_of_the_guide_is_needed(
    guarded: RedisServer, connected: Connect, right: str
) -> None:
    grant(guarded, [granted for granted in rights() if granted != right])
    settings = {"username": USER, "password": REFERENCE}

    error = configuration_error(connected(guarded.url, **settings)[0])

    assert "forbids its user" in str(error)


def test_a_missing_secret_is_an_error(server: RedisServer, connected: Connect) -> None:
    tier, _ = connected(server.url, password=NOWHERE)

    with pytest.raises(LookupError, match="NO_SUCH_VARIABLE"):
        tier.fetch(KEY)


def test_an_unreachable_server_is_an_outage_not_a_configuration_error(connected: Connect) -> None:
    tier, events = connected(f"redis://127.0.0.1:{free_port()}")

    for _ in range(2):
        with pytest.raises(TierDown, match="cannot be reached"):
            tier.fetch(OTHER)

    assert events.wait_until(bool)[0] == (False, outage_reason(events))


def outage_reason(events: EventRecorder) -> str:
    (_, reason), *_ = (event for event in events.all if isinstance(event, tuple))
    assert "cannot be reached" in reason
    return str(reason)
