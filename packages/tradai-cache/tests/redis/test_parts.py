"""Parts of the Redis tier whose rare turns no server can be brought to take in time.

They are private, and tested as such: what they do together is in tests-integration/cache.
"""

import threading
from pathlib import Path

import pytest

from tradai.cache import CacheSettings
from tradai.cache._options.address import Address, parse_address
from tradai.cache._redis.circuit_breaker import CircuitBreaker
from tradai.cache._redis.claims import ClaimWaiters
from tradai.cache._redis.epochs import Epochs
from tradai.cache._redis.listener import Message
from tradai.cache._redis.server_check import check_greeting
from tradai.cache._redis.tier import connect
from tradai.cache._redis.unsent import UnsentInvalidations
from tradai.cache._tier.shared_tier import CacheKey
from tradai.core.exceptions import ConfigurationError, ValidationError

KEY = CacheKey("markets.1", bytes(16))


class Deaf:
    """Events that nobody hears."""

    def invalidated(self, key: CacheKey) -> None:
        pass

    def cleared(self, namespace: str) -> None:
        pass

    def on_tier_change(self, *, is_up: bool, reason: str) -> None:
        pass


@pytest.mark.parametrize(
    ("url", "address", "whole"),
    [
        ("memory:", Address(), "memory:"),
        ("redis://cache", Address(host="cache"), "redis://cache:6379/0"),
        ("redis://cache:1/2", Address(host="cache", port=1, database=2), "redis://cache:1/2"),
        ("redis://[::1]/", Address(host="::1"), "redis://[::1]:6379/0"),
        ("rediss://c", Address(host="c", is_encrypted=True), "rediss://c:6379/0"),
    ],
)
def test_an_address_is_read_and_shown_complete(url: str, address: Address, whole: str) -> None:
    assert parse_address(url) == address
    assert str(address) == whole
    assert parse_address(whole) == address


def test_the_third_failure_in_a_row_opens_the_breaker() -> None:
    opened: list[str] = []
    breaker = closed_breaker(opened)

    for reason in ("one", "two"):
        breaker.record_failure(reason, cycle=breaker.cycle, is_final=False)
    breaker.record_success()
    for reason in ("three", "four"):
        breaker.record_failure(reason, cycle=breaker.cycle, is_final=False)
    assert not breaker.is_open
    breaker.record_failure("five", cycle=breaker.cycle, is_final=False)

    assert breaker.is_open
    assert opened == ["five"]


def test_a_final_failure_opens_it_at_once_and_once() -> None:
    opened: list[str] = []
    breaker = closed_breaker(opened)

    for reason in ("read-only", "still read-only"):
        breaker.record_failure(reason, cycle=breaker.cycle, is_final=True)

    assert breaker.is_open
    assert opened == ["read-only"]
    assert breaker.reason == "still read-only"


def test_a_failure_from_before_a_recovery_does_not_count() -> None:
    opened: list[str] = []
    breaker = closed_breaker(opened)
    cycle = breaker.cycle

    breaker.open("gone")
    breaker.close()
    breaker.record_failure("late", cycle=cycle, is_final=True)

    assert not breaker.is_open


def closed_breaker(opened: list[str]) -> CircuitBreaker:
    breaker = CircuitBreaker(opened.append)
    breaker.close()
    return breaker


def test_a_place_is_told_once_and_then_forgotten() -> None:
    pending = UnsentInvalidations()

    pending.add(KEY)
    pending.add(KEY)
    pending.add("candles.1")

    assert len(pending) == 2
    assert set(pending.take()) == {KEY, "candles.1"}
    assert not pending


def test_many_places_of_a_namespace_become_the_whole_of_it() -> None:
    pending = UnsentInvalidations()
    other = CacheKey("candles.1", bytes(16))

    pending.add(other)
    for number in range(3_000):
        pending.add(CacheKey("markets.1", number.to_bytes(16, "big")))

    assert set(pending.take()) == {"markets.1", other}


def test_of_two_epochs_the_later_told_holds() -> None:
    epochs = Epochs()

    epochs.record("markets.1", "new", 7, asked_in=epochs.round)
    held = epochs.record("markets.1", "old", 6, asked_in=epochs.round)

    assert held.text == "new"
    assert epochs.known["markets.1"].text == "new"


def test_after_a_gap_an_epoch_from_before_it_is_used_once_and_then_asked_for() -> None:
    epochs = Epochs()
    asked_in = epochs.round

    epochs.replace_all({"markets.1": "new", "candles.1": None}, 1)
    held = epochs.record("markets.1", "old", 1_000, asked_in=asked_in)

    assert held.text == "old"
    assert epochs.known == {}


def test_nobody_is_kept_in_mind_who_waits_no_longer() -> None:
    waiters = ClaimWaiters()
    first, second = waiters.add(KEY), waiters.add(KEY)

    waiters.remove(KEY, first)
    waiters.wake(KEY)
    waiters.remove(KEY, second)

    assert second.is_set()
    assert not first.is_set()
    assert isinstance(first, threading.Event)


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"cleared x node epoch markets.1", b"cleared 1 node", b"\xff" * 20]
)
def test_what_others_say_on_the_channel_is_no_message(data: bytes) -> None:
    assert Message.read(data) is None


def test_a_message_keeps_its_namespace_whole() -> None:
    message = Message.read(b"invalidated 12 n0de 00ff markets of the world.1")

    assert message == Message("invalidated", 12, "n0de", "00ff", "markets of the world.1")
    assert message.key == CacheKey("markets of the world.1", b"\x00\xff")


@pytest.mark.parametrize(
    ("version", "mode", "why"),
    [
        (b"6.2.14", b"standalone", "Redis 6.2.14; expected 7.0 or later"),
        (b"7.2.4", b"cluster", "runs as cluster"),
        (b"7.0.0", b"sentinel", "runs as sentinel"),
    ],
)
def test_a_server_that_will_not_do_is_refused(version: bytes, mode: bytes, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        check_greeting({b"version": version, b"mode": mode}, "redis://cache:6379/0")


def test_certificates_that_cannot_be_read_are_an_error_at_once(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")

    for unusable in (file, tmp_path / "missing.pem"):
        settings = CacheSettings(url="rediss://cache.internal", ca_file=unusable)
        with pytest.raises(ConfigurationError, match=str(unusable)):
            connect(settings, events=Deaf())


def test_only_an_address_of_a_server_is_a_shared_tier() -> None:
    with pytest.raises(ValidationError, match="redis"):
        connect(CacheSettings(url="memory:"), events=Deaf())
