"""The cache of fetched content: whole, verified, shared, and never the wrong bytes."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tradai.core import ContentCache
from tradai.core._local.content_cache import _is_mended
from tradai.core.exceptions import StorageError

FOLDER = "s3://lake/candles/"


@pytest.fixture
def cache(tmp_path: Path) -> ContentCache:
    return ContentCache(tmp_path / "cache")


def only_file(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "cache" / "content").glob("*/*")
    return path


def test_content_is_laid_out_as_a_read_only_file(cache: ContentCache, tmp_path: Path) -> None:
    digest = cache.add(b"candles")

    assert cache.lay_out(digest, tmp_path / "one")
    assert cache.lay_out(digest, tmp_path / "two")

    assert digest == hashlib.sha256(b"candles").hexdigest()
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes() == b"candles"
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o400


def test_content_takes_its_room_on_disk_once(cache: ContentCache, tmp_path: Path) -> None:
    digest = cache.add(b"candles")
    cache.add(b"candles")

    cache.lay_out(digest, tmp_path / "one")

    assert (tmp_path / "one").samefile(only_file(tmp_path))


def test_content_that_was_never_added_is_not_laid_out(cache: ContentCache, tmp_path: Path) -> None:
    assert not cache.lay_out("ab" * 32, tmp_path / "one")
    assert not (tmp_path / "one").exists()


@pytest.mark.parametrize("damage", [b"", b"candle", b"Candles", b"candles and more"])
def test_damaged_content_is_removed_and_added_again(
    cache: ContentCache, tmp_path: Path, damage: bytes
) -> None:
    digest = cache.add(b"candles")
    path = only_file(tmp_path)
    path.chmod(0o600)
    path.write_bytes(damage)

    assert not cache.lay_out(digest, tmp_path / "one")
    assert not path.exists()
    assert not (tmp_path / "one").exists()

    cache.add(b"candles")
    assert cache.lay_out(digest, tmp_path / "one")
    assert (tmp_path / "one").read_bytes() == b"candles"


def test_a_link_in_the_place_of_content_is_not_followed(
    cache: ContentCache, tmp_path: Path
) -> None:
    digest = cache.add(b"candles")
    (tmp_path / "outside").write_bytes(b"candles")
    path = only_file(tmp_path)
    path.unlink()
    path.symlink_to(tmp_path / "outside")

    assert not cache.lay_out(digest, tmp_path / "one")
    assert (tmp_path / "outside").read_bytes() == b"candles"


def test_what_is_there_is_not_overwritten(cache: ContentCache, tmp_path: Path) -> None:
    digest = cache.add(b"candles")
    (tmp_path / "one").write_bytes(b"precious")

    with pytest.raises(FileExistsError):
        cache.lay_out(digest, tmp_path / "one")

    assert (tmp_path / "one").read_bytes() == b"precious"


def test_a_missing_folder_of_the_target_is_an_error(cache: ContentCache, tmp_path: Path) -> None:
    digest = cache.add(b"candles")

    with pytest.raises(FileNotFoundError):
        cache.lay_out(digest, tmp_path / "no" / "such" / "folder")


def test_content_is_copied_where_it_cannot_be_linked(
    cache: ContentCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = cache.add(b"candles")

    # Another file system is not at hand in every test.
    def refuse(*_: object) -> None:
        raise OSError(18, os.strerror(18))

    monkeypatch.setattr(os, "link", refuse)

    assert cache.lay_out(digest, tmp_path / "one")
    assert (tmp_path / "one").read_bytes() == b"candles"
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o400
    assert not (tmp_path / "one").samefile(only_file(tmp_path))


def test_tags_are_remembered_by_folder(cache: ContentCache, tmp_path: Path) -> None:
    first, second = "ab" * 32, "cd" * 32

    cache.remember(FOLDER, {"one": ("tag-1", first)})
    cache.remember(FOLDER, {"two": ("tag-2", second)})
    cache.remember("s3://lake/other/", {"one": ("tag-3", second)})

    again = ContentCache(tmp_path / "cache")
    assert again.known_tags(FOLDER) == {"one": ("tag-1", first), "two": ("tag-2", second)}
    assert again.known_tags("s3://lake/other/") == {"one": ("tag-3", second)}
    assert again.known_tags("s3://lake/unknown/") == {}


def test_a_new_tag_replaces_the_former_one(cache: ContentCache) -> None:
    cache.remember(FOLDER, {"one": ("tag-1", "ab" * 32)})

    cache.remember(FOLDER, {"one": ("tag-2", "cd" * 32)})

    assert cache.known_tags(FOLDER) == {"one": ("tag-2", "cd" * 32)}


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b'{"objects": 1}',
        b'{"objects": {"one": 1}}',
        b'{"objects": {"one": ["tag"]}}',
        b'{"objects": {"one": ["tag", "../../etc/passwd"]}}',
        b'{"objects": {"one": [1, "' + b"ab" * 32 + b'"]}}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_index_reads_as_nothing_and_is_written_anew(
    cache: ContentCache, tmp_path: Path, damage: bytes
) -> None:
    cache.remember(FOLDER, {"one": ("tag-1", "ab" * 32)})
    (index,) = (tmp_path / "cache" / "index").glob("*.json")
    index.chmod(0o600)
    index.write_bytes(damage)

    assert cache.known_tags(FOLDER) == {}

    cache.remember(FOLDER, {"two": ("tag-2", "cd" * 32)})
    assert cache.known_tags(FOLDER) == {"two": ("tag-2", "cd" * 32)}


def test_names_of_any_bytes_are_remembered(cache: ContentCache) -> None:
    name = os.fsdecode(b"caf\xe9 \xf0\x9f\x98\x80")

    cache.remember(f"{FOLDER}{name}/", {name: ("tag", "ab" * 32)})

    assert cache.known_tags(f"{FOLDER}{name}/") == {name: ("tag", "ab" * 32)}


def test_no_racer_loses_what_another_remembers(cache: ContentCache) -> None:
    barrier = threading.Barrier(8)

    def remember(number: int) -> None:
        barrier.wait()
        cache.remember(FOLDER, {f"{number}": ("tag", "ab" * 32)})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(remember, range(8)))

    assert set(cache.known_tags(FOLDER)) == {f"{number}" for number in range(8)}


PROCESS = """
import sys
from pathlib import Path
from tradai.core import ContentCache
folder, number = Path(sys.argv[1]), sys.argv[2]
cache = ContentCache(folder / "cache")
for round in range(20):
    digest = cache.add(b"candles" * 100_000)
    cache.remember("s3://lake/", {f"{number}-{round}": ("tag", digest)})
    assert cache.lay_out(digest, folder / f"{number}-{round}")
"""


def test_processes_share_the_cache(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", PROCESS, tmp_path, str(number)])
        for number in range(3)
    ]

    assert [process.wait(60) for process in processes] == [0, 0, 0]
    laid_out = {path.read_bytes() for path in tmp_path.glob("*-*")}
    assert laid_out == {b"candles" * 100_000}
    assert len(ContentCache(tmp_path / "cache").known_tags("s3://lake/")) == 60
    assert len(list((tmp_path / "cache").glob("content/*/*"))) == 1


def test_content_that_was_replaced_since_a_look_at_its_damage_is_not_removed(
    cache: ContentCache, tmp_path: Path
) -> None:
    digest = cache.add(b"candles")
    content = only_file(tmp_path)

    # Private: no race of threads meets this moment each time.
    assert _is_mended(content, digest)

    assert content.read_bytes() == b"candles"
    content.chmod(0o600)
    content.write_bytes(b"damaged")
    assert not _is_mended(content, digest)
    assert not content.exists()


def test_content_that_is_removed_and_added_again_meanwhile_is_laid_out_or_not(
    cache: ContentCache, tmp_path: Path, eager_barrier: Callable[[int], threading.Barrier]
) -> None:
    digest = cache.add(b"candles")
    content = only_file(tmp_path)
    is_over, barrier = threading.Event(), eager_barrier(6)

    def remove() -> None:
        barrier.wait()
        while not is_over.is_set():
            content.unlink(missing_ok=True)

    def add() -> None:
        barrier.wait()
        while not is_over.is_set():
            cache.add(b"candles")

    def use() -> None:
        barrier.wait()
        target = tmp_path / f"{threading.get_ident()}"
        try:
            for _ in range(12_000):
                cache.lay_out(digest, target)
                target.unlink(missing_ok=True)
        finally:
            is_over.set()

    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(work) for work in (remove, add, add, add, use, use)]

    assert [future.exception() for future in futures] == [None] * 6


def test_pruning_removes_what_was_not_used_for_longest(cache: ContentCache, tmp_path: Path) -> None:
    digests = [cache.add(bytes([number]) * 100) for number in range(4)]
    for age, digest in enumerate(reversed(digests)):
        path = tmp_path / "cache" / "content" / digest[:2] / digest[2:]
        os.utime(path, (1_000_000 - age, 1_000_000 - age))

    # A use makes content young again.
    assert cache.lay_out(digests[0], tmp_path / "used")
    removed = cache.prune(most_bytes=250)

    kept = [cache.lay_out(digest, tmp_path / f"{place}") for place, digest in enumerate(digests)]
    assert removed == 200
    assert kept == [True, False, False, True]
    assert (tmp_path / "used").read_bytes() == bytes(100)


def test_pruning_removes_what_killed_writers_left(cache: ContentCache, tmp_path: Path) -> None:
    digest = cache.add(b"candles")
    folder = only_file(tmp_path).parent
    old, new = (folder / f".tradai-{number:016x}.tmp" for number in range(2))
    old.write_bytes(b"half a")
    new.write_bytes(b"half of another, still being written")
    os.utime(old, (1_000_000, 1_000_000))

    assert cache.prune(most_bytes=1_000) == 0

    assert not old.exists()
    assert new.exists()
    assert cache.lay_out(digest, tmp_path / "one")


def test_pruning_an_empty_cache_is_allowed(cache: ContentCache) -> None:
    assert cache.prune(most_bytes=0) == 0


def test_a_file_in_the_place_of_the_cache_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file")
    cache = ContentCache(tmp_path / "cache")

    with pytest.raises(StorageError, match="cannot write"):
        cache.add(b"candles")
    with pytest.raises(StorageError, match="cannot write"):
        cache.remember(FOLDER, {"one": ("tag", "ab" * 32)})
    assert cache.known_tags(FOLDER) == {}


def test_a_failed_write_leaves_nothing(
    cache: ContentCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A full disk is not at hand in every test.
    def fill_up(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:3])
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "write_bytes", fill_up)

    with pytest.raises(StorageError, match="the disk is full"):
        cache.add(b"candles")

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_index_says_which_folder_it_is_of(cache: ContentCache, tmp_path: Path) -> None:
    cache.remember(FOLDER, {"one": ("tag", "ab" * 32)})

    (index,) = (tmp_path / "cache" / "index").glob("*.json")

    assert json.loads(index.read_bytes())["folder"] == FOLDER
