"""Conformance suite of object stores."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

import pytest

from tradai.core._ports.protocols import ObjectStore
from tradai.core.exceptions import ConflictError, NotFoundError, ValidationError

_RACERS: Final = 4


class ObjectStoreContract:
    """Suite for an `ObjectStore`.

    Fixtures to define: ``store``, the store under test; ``base``, a URI that ends with a
    separator, below which the store is empty, such as ``s3://bucket/runs/``.
    """

    def test_a_written_object_is_read_back(self, store: ObjectStore, base: str) -> None:
        for data in (b"", b"candles", bytes(range(256)) * 512):
            etag = store.write(f"{base}a/b/one", data)

            found = store.read(f"{base}a/b/one")

            assert found.data == data
            assert found.etag == etag

    def test_a_write_replaces_the_whole_object(self, store: ObjectStore, base: str) -> None:
        first = store.write(f"{base}one", b"a long content")

        second = store.write(f"{base}one", b"short")

        assert store.read(f"{base}one").data == b"short"
        assert first != second

    def test_an_absent_object_is_not_found(self, store: ObjectStore, base: str) -> None:
        for ask in (store.read, store.stat):
            with pytest.raises(NotFoundError):
                ask(f"{base}absent")
        with pytest.raises(NotFoundError):
            store.copy(f"{base}absent", f"{base}target")

    def test_a_prefix_is_not_an_object(self, store: ObjectStore, base: str) -> None:
        store.write(f"{base}folder/one", b"1")

        for ask in (store.read, store.stat):
            with pytest.raises(NotFoundError):
                ask(f"{base}folder")

    def test_a_deleted_object_is_gone(self, store: ObjectStore, base: str) -> None:
        store.write(f"{base}one", b"1")
        store.write(f"{base}two", b"2")

        store.delete(f"{base}one")

        assert [found.uri for found in store.list(base)] == [f"{base}two"]

    def test_deleting_an_absent_object_is_allowed(self, store: ObjectStore, base: str) -> None:
        store.delete(f"{base}absent")
        store.delete(f"{base}no/such/folder/absent")

    def test_stat_has_size_and_change_in_utc(self, store: ObjectStore, base: str) -> None:
        store.write(f"{base}one", b"12345")

        info = store.stat(f"{base}one")

        assert (info.uri, info.size) == (f"{base}one", 5)
        assert info.modified.utcoffset() == timedelta(0)

    def test_list_is_by_prefix_and_sorted(self, store: ObjectStore, base: str) -> None:
        for name in ("run-2", "run-10", "run/deep/b", "run/deep/a", "other", "ru"):
            store.write(f"{base}{name}", b"1")

        found = [info.uri for info in store.list(f"{base}run")]

        assert found == [
            f"{base}{name}" for name in ("run-10", "run-2", "run/deep/a", "run/deep/b")
        ]

    def test_list_describes_like_stat(self, store: ObjectStore, base: str) -> None:
        store.write(f"{base}one", b"12345")

        assert list(store.list(base)) == [store.stat(f"{base}one")]

    def test_a_tag_without_the_bytes_is_that_of_the_bytes(
        self, store: ObjectStore, base: str
    ) -> None:
        for content in (b"first", b"other", b"", bytes(100_000)):
            store.write(f"{base}one", content)
            tag = store.read(f"{base}one").etag

            described = [store.stat(f"{base}one"), *store.list(base)]

            assert {info.etag for info in described} <= {tag, None}

    def test_listing_nothing_is_allowed(self, store: ObjectStore, base: str) -> None:
        assert list(store.list(f"{base}no/such/")) == []

    def test_names_with_spaces_and_other_letters_work(self, store: ObjectStore, base: str) -> None:
        uri = f"{base}Z%C3%BCrich%20run/%C3%A9"
        store.write(uri, b"1")

        assert [info.uri for info in store.list(f"{base}Z")] == [uri]
        assert store.read(uri).data == b"1"

    def test_a_copy_is_equal_and_stands_alone(self, store: ObjectStore, base: str) -> None:
        store.write(f"{base}one", b"old")
        store.write(f"{base}two", b"in the way")

        etag = store.copy(f"{base}one", f"{base}two")
        store.write(f"{base}one", b"new")

        assert store.read(f"{base}two").data == b"old"
        assert store.read(f"{base}two").etag == etag

    def test_if_absent_never_overwrites(self, store: ObjectStore, base: str) -> None:
        store.write(f"{base}one", b"first", if_absent=True)

        with pytest.raises(ConflictError):
            store.write(f"{base}one", b"second", if_absent=True)

        assert store.read(f"{base}one").data == b"first"

    def test_if_match_overwrites_only_what_was_read(self, store: ObjectStore, base: str) -> None:
        first = store.write(f"{base}one", b"first")
        second = store.write(f"{base}one", b"second", if_match=first)

        with pytest.raises(ConflictError):
            store.write(f"{base}one", b"third", if_match=first)

        assert store.read(f"{base}one").etag == second

    def test_if_match_never_creates(self, store: ObjectStore, base: str) -> None:
        etag = store.write(f"{base}one", b"first")
        store.delete(f"{base}one")

        with pytest.raises(ConflictError):
            store.write(f"{base}one", b"second", if_match=etag)

        assert list(store.list(base)) == []

    def test_two_conditions_are_refused(self, store: ObjectStore, base: str) -> None:
        etag = store.write(f"{base}one", b"first")

        with pytest.raises(ValidationError):
            store.write(f"{base}one", b"second", if_match=etag, if_absent=True)

    def test_one_racer_creates_an_object(self, store: ObjectStore, base: str) -> None:
        won = _race(lambda data: store.write(f"{base}one", data, if_absent=True))

        assert won == [store.read(f"{base}one").data]

    def test_one_racer_replaces_what_all_have_read(self, store: ObjectStore, base: str) -> None:
        etag = store.write(f"{base}one", b"start")

        won = _race(lambda data: store.write(f"{base}one", data, if_match=etag))

        assert won == [store.read(f"{base}one").data]

    def test_a_foreign_uri_is_refused(self, store: ObjectStore) -> None:
        for ask in (store.read, store.stat, store.delete):
            with pytest.raises(ValidationError):
                ask("no-such-scheme://bucket/one")


def _race(write: Callable[[bytes], str]) -> list[bytes]:
    """Write from several threads at once and return the data of those that won."""
    barrier = threading.Barrier(_RACERS, timeout=60)

    def run(number: int) -> list[bytes]:
        data = f"racer {number}".encode()
        barrier.wait()
        try:
            write(data)
        except ConflictError:
            return []
        return [data]

    with ThreadPoolExecutor(_RACERS) as pool:
        return [data for won in pool.map(run, range(_RACERS)) for data in won]
