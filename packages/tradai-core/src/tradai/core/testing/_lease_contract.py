"""Conformance suite of the places of leases."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final, TypeAlias

import pytest

from tradai.core._lease.lease import Lease
from tradai.core._ports.lease_store import LeaseStore
from tradai.core.exceptions import ConflictError, LeaseHeldError, LeaseLostError
from tradai.core.testing._fakes import FixedClock

_RACERS: Final = 4
_TTL_S: Final = 30.0

OpenStore: TypeAlias = Callable[[], LeaseStore]


class LeaseContract:
    """Suite for a `LeaseStore`, alone and below a `Lease`.

    The fixture to define is ``open_store``: a function that opens the place of one lease, which is
    empty before the test. Each call opens the same place, as another process would.
    """

    def test_a_new_place_is_empty(self, open_store: OpenStore) -> None:
        assert open_store().read() is None

    def test_written_bytes_are_read_back_by_all(self, open_store: OpenStore) -> None:
        store, other = open_store(), open_store()
        expected = None

        for data in (b"{}", b"second", bytes(range(256))):
            expected = store.replace(data, expected=expected)
            found = other.read()

            assert found is not None
            assert (found.data, found.etag) == (data, expected)

    def test_the_first_write_never_overwrites(self, open_store: OpenStore) -> None:
        open_store().replace(b"first", expected=None)

        with pytest.raises(ConflictError):
            open_store().replace(b"second", expected=None)

        assert _data(open_store()) == b"first"

    def test_only_the_bytes_that_were_read_are_replaced(self, open_store: OpenStore) -> None:
        store = open_store()
        first = store.replace(b"first", expected=None)
        store.replace(b"second", expected=first)

        with pytest.raises(ConflictError):
            open_store().replace(b"third", expected=first)

        assert _data(open_store()) == b"second"

    def test_a_replacement_never_creates(self, open_store: OpenStore) -> None:
        with pytest.raises(ConflictError):
            open_store().replace(b"first", expected="0" * 32)

        assert open_store().read() is None

    def test_different_bytes_have_different_tags(self, open_store: OpenStore) -> None:
        store = open_store()
        tags: list[str | None] = [None]

        for data in (b"1", b"2", b"3", b"11"):
            tags.append(store.replace(data, expected=tags[-1]))

        assert len(set(tags)) == len(tags)

    def test_one_racer_creates(self, open_store: OpenStore) -> None:
        won = _race(open_store, expected=None)

        assert won == [_data(open_store())]

    def test_one_racer_replaces_what_all_have_read(self, open_store: OpenStore) -> None:
        for _ in range(5):
            found = open_store().read()
            expected = found and found.etag

            won = _race(open_store, expected=expected)

            assert won == [_data(open_store())]

    def test_another_process_is_refused_and_shown_the_holder(self, open_store: OpenStore) -> None:
        clock = FixedClock()
        _lease(open_store, clock, holder="the first").acquire()

        with pytest.raises(LeaseHeldError, match="held by the first") as caught:
            _lease(open_store, clock, holder="the second").acquire(wait_s=0)

        assert (caught.value.holder, caught.value.exit_code) == ("the first", 75)
        assert caught.value.retry_after_s == _TTL_S

    def test_a_released_lease_is_free_at_once(self, open_store: OpenStore) -> None:
        clock = FixedClock()
        for _ in range(3):
            with _lease(open_store, clock) as lease:
                assert lease.check()

        assert clock() == 0

    def test_fencing_tokens_grow(self, open_store: OpenStore) -> None:
        clock = FixedClock()
        tokens = []
        for hours in (0, 1, -5, 0):
            # A holder whose time of day is behind gets a larger token nevertheless.
            clock.advance(timedelta(hours=hours))
            with _lease(open_store, clock) as lease:
                tokens.append(lease.check())

        assert tokens == sorted(set(tokens))

    def test_the_lease_of_a_killed_holder_is_free_after_its_time_to_live(
        self, open_store: OpenStore
    ) -> None:
        clock = FixedClock()
        first = _lease(open_store, clock).acquire()
        waiting = _lease(open_store, clock, ttl_s=1.0)

        second = waiting.acquire()

        assert second > first
        assert clock() == pytest.approx(_TTL_S, rel=0.06)

    def test_a_lease_that_is_renewed_is_not_taken(self, open_store: OpenStore) -> None:
        clock = FixedClock()
        lease, waiting = _lease(open_store, clock), _lease(open_store, clock)
        token = lease.acquire()

        for _ in range(10):
            clock.advance(timedelta(seconds=_TTL_S * 0.7))
            lease.renew()
            with pytest.raises(LeaseHeldError):
                waiting.acquire(wait_s=0)

        assert lease.check() == token

    def test_a_late_holder_disturbs_neither_the_next_nor_its_lease(
        self, open_store: OpenStore
    ) -> None:
        clock = FixedClock()
        late, following = _lease(open_store, clock), _lease(open_store, clock)
        late.acquire()

        token = following.acquire()

        with pytest.raises(LeaseLostError):
            late.check()
        with pytest.raises(LeaseLostError):
            late.renew()
        late.release()
        following.renew()
        assert following.check() == token


def _lease(
    open_store: OpenStore, clock: FixedClock, *, holder: str = "a test", ttl_s: float = _TTL_S
) -> Lease:
    return Lease(open_store(), name="test", holder=holder, ttl_s=ttl_s, clock=clock)


def _data(store: LeaseStore) -> bytes | None:
    found = store.read()
    return found and found.data


def _race(open_store: OpenStore, *, expected: str | None) -> list[bytes]:
    """Write from several threads at once and return the data of those that won."""
    barrier = threading.Barrier(_RACERS)
    stores = [open_store() for _ in range(_RACERS)]

    def run(number: int) -> list[bytes]:
        data = f"racer {number} after {expected}".encode()
        barrier.wait()
        try:
            stores[number].replace(data, expected=expected)
        except ConflictError:
            return []
        return [data]

    with ThreadPoolExecutor(_RACERS) as pool:
        return [data for won in pool.map(run, range(_RACERS)) for data in won]
