"""Inputs of a job, sent to a store under the digest of their content."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradai.core import MemoryStore, ObjectInfo
from tradai.core.exceptions import ConflictError, NotFoundError, ValidationError
from tradai.entrypoint._inputs.bundle import InputBundle

# Private on purpose: `submit` makes a bundle, and a store with faults cannot be given to it.
ROOT = "memory://bucket/inputs/"


class Racing:
    """A store in which another process writes each object a moment before this one."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.read, self.list, self.delete = store.read, store.list, store.delete
        self.stat, self.copy = store.stat, store.copy

    def write(
        self, uri: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        self._store.write(uri, b"of another process")
        return self._store.write(uri, data, if_match=if_match, if_absent=if_absent)


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    folder = tmp_path / "candles"
    folder.mkdir()
    for name in ("a.parquet", "b.parquet"):
        (folder / name).write_text(f"content of {name}")
    return folder


def files(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in sorted(folder.iterdir())}


def contents(store: MemoryStore) -> dict[str, bytes]:
    return {info.uri: store.read(info.uri).data for info in store.list(ROOT)}


def test_files_are_below_a_folder_that_their_content_names(candles: Path) -> None:
    store = MemoryStore()
    bundle = InputBundle(ROOT, store=store)

    uri = bundle.add(files(candles))

    assert re.fullmatch(rf"{ROOT}[0-9a-f]{{64}}/", uri)
    assert contents(store) == {}
    assert bundle.send() == 2
    assert contents(store) == {
        f"{uri}{name}": f"content of {name}".encode() for name in ("a.parquet", "b.parquet")
    }


def test_what_is_there_is_not_sent_again(candles: Path) -> None:
    store = MemoryStore()
    said: list[str] = []
    InputBundle(ROOT, store=store).add(files(candles))
    for expected in (2, 0):
        bundle = InputBundle(ROOT.rstrip("/"), store=store)
        bundle.add(files(candles))
        bundle.add(dict(reversed(files(candles).items())))

        assert bundle.send(said.append) == expected

    assert said[-1].startswith("sending 2 of 2 objects")


def test_a_bundle_that_was_interrupted_goes_on(candles: Path) -> None:
    store = MemoryStore()
    bundle = InputBundle(ROOT, store=store)
    uri = bundle.add(files(candles))
    store.write(f"{uri}a.parquet", b"content of a.parquet")

    assert bundle.send() == 1


def test_other_content_or_another_name_is_another_folder(candles: Path) -> None:
    bundle = InputBundle(ROOT, store=MemoryStore())
    uris = {bundle.add(files(candles))}

    (candles / "a.parquet").write_text("changed")
    uris.add(bundle.add(files(candles)))
    (candles / "a.parquet").rename(candles / "c.parquet")
    uris.add(bundle.add(files(candles)))

    assert len(uris) == 3


def test_one_file_keeps_its_name(tmp_path: Path) -> None:
    path = tmp_path / "strategy.yaml"
    path.write_text("name: demo")
    store = MemoryStore()
    bundle = InputBundle(ROOT, store=store)

    uri = bundle.add_file(path)
    bundle.send()

    assert uri.endswith("/strategy.yaml")
    assert store.read(uri).data == b"name: demo"


def test_a_file_that_changes_while_it_is_sent_is_refused(candles: Path) -> None:
    store = MemoryStore()
    bundle = InputBundle(ROOT, store=store)
    uri = bundle.add({"a.parquet": candles / "a.parquet"})
    (candles / "a.parquet").write_text("changed")

    with pytest.raises(ConflictError, match=r"a\.parquet was changed while it was being sent"):
        bundle.send()

    assert list(store.list(uri)) == []


def test_a_file_that_another_process_has_just_written_is_left_alone(candles: Path) -> None:
    store = MemoryStore()
    bundle = InputBundle(ROOT, store=Racing(store))
    uri = bundle.add({"a.parquet": candles / "a.parquet"})

    assert bundle.send() == 1

    assert store.read(f"{uri}a.parquet").data == b"of another process"


@pytest.mark.parametrize("name", ["../a", "/a", "a//b"])
def test_a_name_that_is_no_path_below_a_folder_is_refused(candles: Path, name: str) -> None:
    with pytest.raises(ValidationError):
        InputBundle(ROOT, store=MemoryStore()).add({name: candles / "a.parquet"})


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="absent"):
        InputBundle(ROOT, store=MemoryStore()).add_file(tmp_path / "absent")


def test_what_was_sent_is_not_looked_for_again(
    candles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, listed = MemoryStore(), list[str]()
    list_objects = store.list

    def listing(prefix: str) -> Iterator[ObjectInfo]:
        listed.append(prefix)
        return list_objects(prefix)

    monkeypatch.setattr(store, "list", listing)
    bundle = InputBundle(ROOT, store=store)

    uri = bundle.add(files(candles))
    assert (bundle.send(), bundle.send()) == (2, 0)
    other = bundle.add_file(candles / "a.parquet")
    assert bundle.send() == 1

    assert listed == [uri, other.removesuffix("a.parquet")]
