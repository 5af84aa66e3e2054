"""A folder of a store becomes a local folder, and unchanged content is read once."""

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from tradai.core import ObjectInfo, ObjectStore, StoredObject
from tradai.core.exceptions import ConflictError, NotFoundError, StorageError, ValidationError
from tradai.entrypoint import InputSettings, Interrupts
from tradai.entrypoint._inputs.fetch import Fetched, Fetcher
from tradai.entrypoint._process.interrupts import RunInterruptedError

BASE = "memory:lake/candles/"
FILES = {"BTC_USDT-5m.feather": b"btc", "deep/er/ETH.feather": b"eth", "markets.json": b"{}"}


class Counting(ObjectStore, Protocol):
    """The store of conftest."""

    calls: list[tuple[str, str]]
    inner: ObjectStore
    before_read: Callable[[str], object]
    edit_read: Callable[[StoredObject], StoredObject]
    edit_listed: Callable[[ObjectInfo], ObjectInfo]

    def count(self, method: str) -> int: ...


def fill(store: ObjectStore, base: str = BASE, **more: bytes) -> None:
    for name, data in {**FILES, **more}.items():
        store.write(f"{base}{name}", data)


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("uri", [BASE, BASE.rstrip("/")])
def test_a_prefix_becomes_a_folder(
    store: Counting, settings: InputSettings, tmp_path: Path, uri: str
) -> None:
    fill(store)
    store.write("memory:lake/candles-of-another/one", b"other")

    fetched = Fetcher(settings, store=store).fetch_folder(uri, tmp_path / "new" / "data")

    assert tree(tmp_path / "new" / "data") == FILES
    assert fetched == Fetched(objects=3, read=3)


def test_a_second_fetch_is_one_listing_and_no_read(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    fill(store)
    Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "first")
    store.calls.clear()

    fetched = Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "second")

    assert store.calls == [("list", BASE)]
    assert fetched == Fetched(objects=3, read=0)
    assert tree(tmp_path / "second") == FILES


def test_only_changed_objects_are_read_again(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    fill(store)
    Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "first")
    store.write(f"{BASE}markets.json", b'{"new": 1}')
    store.calls.clear()

    Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "second")

    assert [call for call in store.calls if call[0] == "read"] == [("read", f"{BASE}markets.json")]
    assert tree(tmp_path / "second") == {**FILES, "markets.json": b'{"new": 1}'}


def test_a_damaged_entry_of_the_cache_is_read_again(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    fill(store)
    Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "first")
    for path in (tmp_path / "cache" / "content").glob("*/*"):
        if path.read_bytes() == b"btc":
            path.chmod(0o600)
            path.write_bytes(b"bts")
    store.calls.clear()

    Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "second")

    assert [uri for call, uri in store.calls if call == "read"] == [f"{BASE}BTC_USDT-5m.feather"]
    assert tree(tmp_path / "second") == FILES


def test_objects_without_a_tag_are_read_each_time(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    fill(store)
    store.edit_listed = lambda info: replace(info, etag=None)
    Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "first")
    store.calls.clear()

    Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "second")

    assert store.count("read") == 3
    assert tree(tmp_path / "second") == FILES


def test_only_what_is_needed_is_read(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    fill(store)
    fetcher = Fetcher(settings, store=store)

    fetched = fetcher.fetch_folder(BASE, tmp_path / "data", names=["markets.json", "absent"])

    assert tree(tmp_path / "data") == {"markets.json": b"{}"}
    assert fetched == Fetched(objects=1, read=1)


def test_an_empty_prefix_is_not_found(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    store.write(BASE, b"")

    with pytest.raises(NotFoundError, match="there are no objects below memory:lake/candles/"):
        Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "data")


def test_markers_of_folders_and_the_index_of_a_push_are_left_out(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    fill(store)
    store.write(BASE, b"")
    store.write(f"{BASE}deep/", b"")
    store.write(f"{BASE}.tradai-index.json", b"{}")

    Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "data")

    assert tree(tmp_path / "data") == FILES


@pytest.mark.parametrize(
    "name",
    ["../out", "a/../../out", "a/./b", "/etc/out", "a//b", "a/", "..", "a\0b"],
)
def test_a_name_that_leads_out_of_the_folder_is_refused(
    store: Counting, settings: InputSettings, tmp_path: Path, name: str
) -> None:
    fill(store)
    store.write(f"{BASE}{name}", b"evil")

    with pytest.raises(ValidationError, match="cannot be a file in a folder"):
        Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "in" / "data")

    assert store.count("read") == 0
    assert not (tmp_path / "in").exists()


@pytest.mark.parametrize(
    "names",
    [("Readme", "README"), ("caf\u00e9", "cafe\u0301"), ("one", "one/two"), ("One/x", "one")],
)
def test_names_that_are_one_file_on_some_disk_are_refused(
    store: Counting, settings: InputSettings, tmp_path: Path, names: tuple[str, str]
) -> None:
    for name in names:
        store.write(f"{BASE}{name}", b"1")

    with pytest.raises(ValidationError, match="cannot be beside each other"):
        Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "data")


def test_an_object_that_changes_after_the_listing_is_listed_again(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    fill(store)
    changes = iter([b"newer"])

    def change(uri: str) -> None:
        if uri.endswith("markets.json"):
            for data in changes:
                store.inner.write(uri, data)

    store.before_read = change

    Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "data")

    assert tree(tmp_path / "data") == {**FILES, "markets.json": b"newer"}
    assert store.count("list") == 2


def test_an_object_that_vanishes_after_the_listing_is_left_out(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    fill(store)

    def delete(uri: str) -> None:
        if uri.endswith("markets.json"):
            store.inner.delete(uri)

    store.before_read = delete

    Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "data")

    assert tree(tmp_path / "data") == {k: v for k, v in FILES.items() if k != "markets.json"}


def test_an_object_that_changes_all_the_time_is_a_conflict(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    fill(store)
    count = iter(range(100))

    def change(uri: str) -> None:
        if uri.endswith("markets.json"):
            store.inner.write(uri, f"{next(count)}".encode())

    store.before_read = change

    with pytest.raises(ConflictError, match=r"markets\.json changes while it is read"):
        Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "data")

    assert store.count("list") == 3


def test_a_fetch_that_failed_goes_on_where_it_was(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    for number in range(20):
        store.write(f"{BASE}{number:02}", b"%d" % number)

    def fail(uri: str) -> None:
        if uri.endswith("15"):
            message = "the store is away; try again"
            raise StorageError(message, operation="read")

    store.before_read = fail
    one_by_one = settings.model_copy(update={"reads": 1})
    with pytest.raises(StorageError, match="the store is away"):
        Fetcher(one_by_one, store=store).fetch_folder(BASE, tmp_path / "data")
    store.calls.clear()
    store.before_read = lambda _: None

    fetched = Fetcher(one_by_one, store=store).fetch_folder(BASE, tmp_path / "data")

    assert fetched == Fetched(objects=20, read=5)
    assert len(tree(tmp_path / "data")) == 20


def test_a_signal_ends_a_fetch_and_the_next_one_goes_on(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    for number in range(200):
        store.write(f"{BASE}{number:03}", b"%d" % number)
    arrived = threading.Event()

    def interrupt(uri: str) -> None:
        if uri.endswith("050"):
            os.kill(os.getpid(), signal.SIGINT)
            arrived.set()

    store.before_read = interrupt
    with (
        Interrupts() as interrupts,
        pytest.raises(RunInterruptedError, match="SIGINT arrived"),
        interrupts.raising(),
    ):
        Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "data")

    assert arrived.is_set()
    reads = store.count("read")
    assert reads < 100
    assert list((tmp_path / "cache").rglob("*.tmp")) == []
    store.calls.clear()
    store.before_read = lambda _: None
    fetched = Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "data")
    assert fetched.read < 200 - 50 + settings.reads
    assert len(tree(tmp_path / "data")) == 200


def test_parallel_fetches_share_the_cache(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    for number in range(30):
        store.write(f"{BASE}{number:02}", b"%d" % number)
    barrier = threading.Barrier(4)

    def fetch(number: int) -> None:
        barrier.wait()
        Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / f"{number}")

    threads = [threading.Thread(target=fetch, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [len(tree(tmp_path / f"{number}")) for number in range(4)] == [30] * 4
    store.calls.clear()
    Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "after")
    assert store.count("read") == 0


def test_the_cache_is_cut_back_after_a_fetch(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    fill(store, big=b"x" * 10_000)
    small = settings.model_copy(update={"cache_bytes": 100})

    Fetcher(small, store=store).fetch_folder(BASE, tmp_path / "data")

    kept = list((tmp_path / "cache" / "content").glob("*/*"))
    assert sum(path.stat().st_size for path in kept) <= 100
    assert tree(tmp_path / "data") == {**FILES, "big": b"x" * 10_000}


def test_one_object_becomes_a_file_and_is_read_once(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    fill(store)
    fetcher = Fetcher(settings, store=store)

    fetcher.fetch_file(f"{BASE}markets.json", tmp_path / "first")
    store.calls.clear()
    fetcher.fetch_file(f"{BASE}markets.json", tmp_path / "second")

    assert tree(tmp_path / "second") == {"markets.json": b"{}"}
    assert store.calls == [("stat", f"{BASE}markets.json")]


def test_a_folder_and_an_object_of_it_share_the_cache(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    fill(store)
    Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "folder")
    store.calls.clear()

    Fetcher(settings, store=store).fetch_file(f"{BASE}markets.json", tmp_path / "file")

    assert store.count("read") == 0


def test_an_object_that_is_not_there_is_not_found(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError):
        Fetcher(settings, store=store).fetch_file(f"{BASE}markets.json", tmp_path / "file")


@pytest.mark.parametrize("name", ["..", ".", "a\0b"])
def test_an_object_whose_name_is_no_file_is_refused(
    store: Counting, settings: InputSettings, tmp_path: Path, name: str
) -> None:
    store.write(f"{BASE}{name}", b"evil")

    with pytest.raises(ValidationError, match="cannot be a file in a folder"):
        Fetcher(settings, store=store).fetch_file(f"{BASE}{name}", tmp_path / "in" / "file")

    assert not (tmp_path / "in").exists()


def test_progress_has_objects_and_bytes(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    fill(store, big=bytes(3 * 1024 * 1024))
    said: list[str] = []

    Fetcher(settings, store=store, say=said.append).fetch_folder(BASE, tmp_path / "data")

    assert said[0] == "listing inputs"
    assert said[-1] == "reading 4 of 4 objects, 3 of 3 MiB"


def test_a_store_that_lists_what_was_not_asked_for_is_refused(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    fill(store)
    store.edit_listed = lambda info: replace(info, uri="memory:elsewhere")

    with pytest.raises(ValidationError, match="which is not below it"):
        Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "data")


def test_bytes_with_another_tag_than_listed_are_never_laid_out(
    store: Counting, settings: InputSettings, tmp_path: Path
) -> None:
    fill(store)
    store.edit_read = lambda read: replace(read, etag="of another version")

    with pytest.raises(ConflictError):
        Fetcher(settings, store=store).fetch_folder(BASE, tmp_path / "data")

    assert not set(tree(tmp_path / "data").values()) & {b"btc", b"eth"}
