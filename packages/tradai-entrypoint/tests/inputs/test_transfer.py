"""A data folder goes to a store and back, and only what changed is moved."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from tradai.core import FileStore, ObjectInfo, ObjectStore, StoredObject
from tradai.core.exceptions import ConflictError, NotFoundError, StorageError, ValidationError
from tradai.entrypoint import InputSettings
from tradai.entrypoint._inputs.transfer import FolderTransfer, Transfer

BASE = "memory:lake/candles/"
FILES = {"BTC_USDT-5m.feather": b"btc", "deep/er/ETH.feather": b"eth", "markets.json": b"{}"}
INDEX = f"{BASE}.tradai-index.json"


class Counting(ObjectStore, Protocol):
    """The store of conftest."""

    calls: list[tuple[str, str]]
    inner: ObjectStore
    before_read: Callable[[str], object]
    before_write: Callable[[str], object]
    edit_read: Callable[[StoredObject], StoredObject]
    edit_listed: Callable[[ObjectInfo], ObjectInfo]

    def count(self, method: str) -> int: ...


def make(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def objects(store: ObjectStore, base: str = BASE) -> dict[str, bytes]:
    found = (info.uri for info in store.list(base))
    return {uri.removeprefix(base): store.read(uri).data for uri in found if uri != INDEX}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder."""
    return make(tmp_path / "data", FILES)


@pytest.fixture
def transfer(store: Counting, settings: InputSettings) -> FolderTransfer:
    """Transfers of this machine."""
    return FolderTransfer(settings, store=store)


@pytest.fixture
def elsewhere(store: Counting, tmp_path: Path) -> FolderTransfer:
    """Transfers of another machine, which has a cache of its own."""
    return FolderTransfer(InputSettings(cache=tmp_path / "cache of another"), store=store)


def test_a_folder_is_sent_and_brought_back(
    transfer: FolderTransfer, store: Counting, folder: Path, tmp_path: Path
) -> None:
    sent = transfer.push(folder, BASE)
    brought = transfer.pull(BASE, tmp_path / "back")

    assert sent == Transfer(uri=BASE, moved=sorted(FILES))
    assert objects(store) == FILES
    assert brought.moved == sorted(FILES)
    assert tree(tmp_path / "back") == FILES


def test_unchanged_files_are_not_sent_again(
    transfer: FolderTransfer, elsewhere: FolderTransfer, store: Counting, folder: Path
) -> None:
    transfer.push(folder, BASE)
    store.calls.clear()

    again = elsewhere.push(folder, BASE)

    assert again == Transfer(uri=BASE, unchanged=sorted(FILES))
    assert store.calls == [("list", BASE), ("read", INDEX)]


def test_only_changed_files_are_sent(
    transfer: FolderTransfer, elsewhere: FolderTransfer, store: Counting, folder: Path
) -> None:
    transfer.push(folder, BASE)
    make(folder, {"markets.json": b"[]", "new": b"n"})
    store.calls.clear()

    again = elsewhere.push(folder, BASE)

    assert sorted(again.moved) == ["markets.json", "new"]
    assert store.count("write") == 3
    assert objects(store) == {**FILES, "markets.json": b"[]", "new": b"n"}


def test_an_object_that_another_program_wrote_is_sent_again(
    transfer: FolderTransfer, store: Counting, folder: Path
) -> None:
    transfer.push(folder, BASE)
    store.write(f"{BASE}markets.json", b"xx")

    again = transfer.push(folder, BASE)

    assert again.moved == ["markets.json"]
    assert objects(store) == FILES


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"objects": {"a": 1}}', b'{"objects": 1}'])
def test_a_damaged_index_costs_a_push_and_nothing_else(
    transfer: FolderTransfer, store: Counting, folder: Path, damage: bytes
) -> None:
    transfer.push(folder, BASE)
    store.write(INDEX, damage)

    assert sorted(transfer.push(folder, BASE).moved) == sorted(FILES)
    assert transfer.push(folder, BASE).moved == []


def test_unchanged_files_are_not_read_again(
    transfer: FolderTransfer,
    elsewhere: FolderTransfer,
    store: Counting,
    folder: Path,
    tmp_path: Path,
) -> None:
    transfer.push(folder, BASE)
    elsewhere.pull(BASE, tmp_path / "back")
    store.calls.clear()

    again = elsewhere.pull(BASE, tmp_path / "back")

    assert sorted(again.unchanged) == sorted(FILES)
    assert store.calls == [("list", BASE), ("read", INDEX)]


def test_objects_without_an_index_are_read_once(
    elsewhere: FolderTransfer, store: Counting, tmp_path: Path
) -> None:
    for name, data in FILES.items():
        store.write(f"{BASE}{name}", data)
    elsewhere.pull(BASE, tmp_path / "back")
    store.calls.clear()

    again = elsewhere.pull(BASE, tmp_path / "back")

    assert store.calls == [("list", BASE)]
    assert sorted(again.unchanged) == sorted(FILES)


def test_a_file_that_was_changed_here_is_brought_again(
    transfer: FolderTransfer, folder: Path, tmp_path: Path
) -> None:
    transfer.push(folder, BASE)
    transfer.pull(BASE, tmp_path / "back")
    (tmp_path / "back" / "markets.json").write_bytes(b"edited")

    assert transfer.pull(BASE, tmp_path / "back").moved == ["markets.json"]
    assert tree(tmp_path / "back") == FILES


def test_objects_that_are_no_files_are_named_and_stay(
    transfer: FolderTransfer, store: Counting, folder: Path
) -> None:
    transfer.push(folder, BASE)
    (folder / "markets.json").unlink()

    again = transfer.push(folder, BASE)

    assert again.extra == ["markets.json"]
    assert objects(store) == FILES


def test_objects_that_are_no_files_are_removed_on_request(
    transfer: FolderTransfer, store: Counting, folder: Path
) -> None:
    transfer.push(folder, BASE)
    (folder / "markets.json").unlink()

    again = transfer.push(folder, BASE, delete=True)

    assert (again.extra, again.deleted) == ([], ["markets.json"])
    assert objects(store) == {name: FILES[name] for name in FILES if name != "markets.json"}
    assert b"markets.json" not in store.read(INDEX).data


def test_files_that_are_no_objects_are_named_and_stay(
    transfer: FolderTransfer, folder: Path, tmp_path: Path
) -> None:
    transfer.push(folder, BASE)
    back = make(tmp_path / "back", {"mine": b"mine", ".hidden": b"h", ".git/x": b"x"})

    assert transfer.pull(BASE, back).extra == ["mine"]
    assert tree(back) == {**FILES, "mine": b"mine", ".hidden": b"h", ".git/x": b"x"}
    assert transfer.pull(BASE, back, delete=True).deleted == ["mine"]
    assert tree(back) == {**FILES, ".hidden": b"h", ".git/x": b"x"}


def test_hidden_files_stay_at_home(transfer: FolderTransfer, store: Counting, folder: Path) -> None:
    make(folder, {".env": b"fake", ".git/config": b"c", "deep/.DS_Store": b"d"})

    transfer.push(folder, BASE)

    assert objects(store) == FILES


def test_hidden_objects_stay_in_the_store(
    transfer: FolderTransfer, store: Counting, folder: Path, tmp_path: Path
) -> None:
    store.write(f"{BASE}.git/config", b"c")

    transfer.push(folder, BASE, delete=True)
    brought = transfer.pull(BASE, tmp_path / "back", delete=True)

    assert brought.moved == sorted(FILES)
    assert store.read(f"{BASE}.git/config").data == b"c"


def test_a_file_renamed_in_case_only_is_not_sent_beside_the_former_one(
    transfer: FolderTransfer, store: Counting, folder: Path, tmp_path: Path
) -> None:
    transfer.push(folder, BASE)
    (folder / "markets.json").rename(folder / "Markets.json")

    with pytest.raises(ValidationError, match="cannot be beside each other"):
        transfer.push(folder, BASE)
    assert objects(store) == FILES

    transfer.push(folder, BASE, delete=True)
    assert transfer.pull(BASE, tmp_path / "back").moved[1] == "Markets.json"


def test_an_empty_folder_sends_and_removes_nothing(
    transfer: FolderTransfer, store: Counting, folder: Path, tmp_path: Path
) -> None:
    transfer.push(folder, BASE)
    (tmp_path / "empty").mkdir()

    with pytest.raises(ValidationError, match="there are no files"):
        transfer.push(tmp_path / "empty", BASE, delete=True)

    assert objects(store) == FILES


def test_an_empty_prefix_brings_and_removes_nothing(transfer: FolderTransfer, folder: Path) -> None:
    with pytest.raises(NotFoundError, match="there are no objects below"):
        transfer.pull(BASE, folder, delete=True)

    assert tree(folder) == FILES


def test_a_folder_that_is_not_there_is_named(transfer: FolderTransfer, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no folder"):
        transfer.push(tmp_path / "absent", BASE)


def test_a_linked_folder_is_refused(transfer: FolderTransfer, folder: Path, tmp_path: Path) -> None:
    make(tmp_path / "outside", {"secret": b"fake"})
    (folder / "link").symlink_to(tmp_path / "outside")

    with pytest.raises(ValidationError, match="is a link to another folder"):
        transfer.push(folder, BASE)


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/etc/out", "a//b"])
def test_a_name_that_leads_out_of_the_folder_is_refused(
    transfer: FolderTransfer, store: Counting, folder: Path, tmp_path: Path, name: str
) -> None:
    transfer.push(folder, BASE)
    store.write(f"{BASE}{name}", b"evil")

    with pytest.raises(ValidationError, match="cannot be a file in a folder"):
        transfer.pull(BASE, tmp_path / "in" / "back")

    assert not (tmp_path / "in").exists()


def test_a_link_in_the_folder_does_not_lead_a_pull_out_of_it(
    transfer: FolderTransfer, folder: Path, tmp_path: Path
) -> None:
    transfer.push(folder, BASE)
    (tmp_path / "outside").mkdir()
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "deep").symlink_to(tmp_path / "outside")

    with pytest.raises(ValidationError):
        transfer.pull(BASE, tmp_path / "back")

    assert list((tmp_path / "outside").iterdir()) == []


def test_an_interrupted_push_goes_on_where_it_was(
    store: Counting, settings: InputSettings, folder: Path
) -> None:
    one_by_one = FolderTransfer(settings.model_copy(update={"reads": 1}), store=store)
    said: list[str] = []

    def stop(text: str) -> None:
        said.append(text)
        if text.startswith("sending 2"):
            raise KeyboardInterrupt

    stopped = FolderTransfer(settings.model_copy(update={"reads": 1}), store=store, say=stop)
    with pytest.raises(KeyboardInterrupt):
        stopped.push(folder, BASE)

    whole = set(objects(store).items())
    assert whole <= set(FILES.items())
    store.calls.clear()
    assert len(one_by_one.push(folder, BASE).moved) <= 1
    assert objects(store) == FILES


def test_a_push_that_fails_leaves_whole_objects_and_says_why(
    transfer: FolderTransfer, store: Counting, folder: Path
) -> None:
    (folder / "markets.json").unlink()
    (folder / "markets.json").symlink_to("nowhere")

    with pytest.raises(NotFoundError, match=r"markets\.json"):
        transfer.push(folder, BASE)

    assert set(objects(store).items()) <= set(FILES.items())


def test_an_object_that_changes_during_a_pull_is_a_conflict(
    transfer: FolderTransfer, store: Counting, folder: Path, tmp_path: Path
) -> None:
    transfer.push(folder, BASE)
    store.edit_read = lambda read: replace(read, etag="of another version")

    with pytest.raises(ConflictError, match="was changed after it was listed"):
        transfer.pull(BASE, tmp_path / "back")

    assert not (tmp_path / "back").exists()


def test_an_object_that_vanishes_during_a_pull_is_a_conflict(
    transfer: FolderTransfer, store: Counting, folder: Path, tmp_path: Path
) -> None:
    transfer.push(folder, BASE)

    def delete(uri: str) -> None:
        if uri.endswith(".feather"):
            store.inner.delete(uri)

    store.before_read = delete

    with pytest.raises(ConflictError, match="was changed after it was listed"):
        transfer.pull(BASE, tmp_path / "back")


def test_a_store_without_tags_is_compared_by_bytes(
    settings: InputSettings, folder: Path, tmp_path: Path
) -> None:
    uri = f"{tmp_path}/a store/of files"
    transfer = FolderTransfer(settings, store=FileStore())

    assert sorted(transfer.push(folder, uri).moved) == sorted(FILES)
    assert transfer.push(folder, uri).moved == []
    assert sorted(transfer.pull(uri, tmp_path / "back").moved) == sorted(FILES)
    assert transfer.pull(uri, tmp_path / "back").moved == []
    assert tree(tmp_path / "back") == FILES


def test_names_with_spaces_and_other_letters_go_to_files_and_back(
    settings: InputSettings, tmp_path: Path
) -> None:
    files = {"Zürich run/é 100%.feather": b"1", "a b#c?": b"2", "x%20y": b"3"}
    folder = make(tmp_path / "data", files)
    transfer = FolderTransfer(settings, store=FileStore())

    transfer.push(folder, f"file://{tmp_path}/there/")
    transfer.pull(f"file://{tmp_path}/there/", tmp_path / "back")

    assert tree(tmp_path / "back") == files


def test_a_store_that_fails_after_a_part_keeps_the_index_of_that_part(
    settings: InputSettings, store: Counting, folder: Path
) -> None:
    refused: list[str] = []

    def refuse_once(uri: str) -> None:
        if uri.endswith("markets.json") and not refused:
            refused.append(uri)
            message = "the store is full; free some space"
            raise StorageError(message, operation="write")

    store.before_write = refuse_once
    one = settings.model_copy(update={"reads": 1})
    with pytest.raises(StorageError, match="the store is full"):
        FolderTransfer(one, store=store).push(folder, BASE)

    assert FolderTransfer(one, store=store).push(folder, BASE).moved == ["markets.json"]
