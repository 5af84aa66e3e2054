"""Private: the cache decides what may be used without a server."""

import hashlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest

from tradai.core import locked
from tradai.mlflow._registry import cache as cache_module
from tradai.mlflow._registry.cache import KnownVersion, ModelCache
from tradai.mlflow._registry.record import ModelFile

DAY_S = 24 * 3_600
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
CONTENTS = {"strategy/trend.py": b"class Trend: ...\n", "strategy/data/levels.csv": b"1,2\n"}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


FILES = tuple(
    ModelFile(path=path, sha256=sha256(data), size=len(data)) for path, data in CONTENTS.items()
)


@pytest.fixture
def cache(tmp_path: Path) -> ModelCache:
    return ModelCache(tmp_path / "models")


@pytest.fixture
def filled(cache: ModelCache) -> ModelCache:
    for data in CONTENTS.values():
        cache.contents.add(data)
    return cache


def known(selector: str = "trend@champion", version: int = 7) -> KnownVersion:
    return KnownVersion(
        server="http://127.0.0.1:5000",
        selector=selector,
        version=version,
        tags={"tradai.schema": "1"},
        resolved_at=NOW,
    )


def test_files_are_laid_out_under_the_digest_of_their_names_and_contents(
    filled: ModelCache,
) -> None:
    folder = filled.folder_of(FILES)
    assert not folder.exists()

    assert filled.lay_out(FILES) == ()

    assert {path: (folder / path).read_bytes() for path in CONTENTS} == CONTENTS
    assert filled.folder_of(FILES[:1]) != folder


def test_a_content_that_is_missing_leaves_no_folder_behind(filled: ModelCache) -> None:
    absent = tuple(ModelFile(path=f"models/{digit}", sha256=digit * 64, size=1) for digit in "ef")

    assert filled.lay_out((*absent, *FILES)) == absent

    assert list((filled.folder / "versions").iterdir()) == []


@pytest.mark.parametrize("damage", ["change", "remove", "add", "link"])
def test_a_folder_that_was_damaged_is_noticed_and_laid_out_again(
    damage: str, filled: ModelCache, tmp_path: Path
) -> None:
    filled.lay_out(FILES)
    file = filled.folder_of(FILES) / "strategy/trend.py"
    match damage:
        case "change":
            file.unlink()
            file.write_bytes(b"class Other: ...\n")
        case "remove":
            file.unlink()
        case "add":
            (file.parent / "extra.py").write_text("")
        case _:
            file.rename(tmp_path / "elsewhere.py")
            file.symlink_to(tmp_path / "elsewhere.py")

    assert filled.lay_out(FILES) == ()

    folder = filled.folder_of(FILES)
    assert {path: (folder / path).read_bytes() for path in CONTENTS} == CONTENTS
    assert len([path for path in folder.rglob("*") if path.is_file()]) == len(CONTENTS)
    assert not file.is_symlink()
    assert len(list((filled.folder / "versions").iterdir())) == 1


@pytest.mark.parametrize("is_damaged", [False, True], ids=["new", "damaged"])
def test_many_threads_lay_out_the_same_files_at_once_and_each_finds_them(
    *, is_damaged: bool, tmp_path: Path
) -> None:
    for attempt in range(25):
        cache = ModelCache(tmp_path / str(attempt))
        for data in CONTENTS.values():
            cache.contents.add(data)
        folder = cache.folder_of(FILES)
        if is_damaged:
            cache.lay_out(FILES)
            (folder / "strategy/trend.py").unlink()

        barrier = Barrier(8)

        def lay_out(_: int, cache: ModelCache = cache, barrier: Barrier = barrier) -> object:
            barrier.wait()
            missing = cache.lay_out(FILES)
            return missing, {
                path: (cache.folder_of(FILES) / path).read_bytes() for path in CONTENTS
            }

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lay_out, range(8)))

        assert results == [((), CONTENTS)] * 8
        assert list((cache.folder / "versions").iterdir()) == [folder]


def test_a_folder_that_another_process_finishes_while_the_lock_is_waited_for_stays(
    filled: ModelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished: list[int] = []

    @contextmanager
    def late(folder: Path, *, needed: bool) -> Iterator[None]:
        monkeypatch.undo()
        assert ModelCache(filled.folder).lay_out(FILES) == ()
        finished.append(filled.folder_of(FILES).stat().st_ino)
        with locked(folder, needed=needed):
            yield

    monkeypatch.setattr(cache_module, "locked", late)

    assert filled.lay_out(FILES) == ()

    assert finished == [filled.folder_of(FILES).stat().st_ino]


def test_the_last_answer_for_a_choice_is_kept(cache: ModelCache) -> None:
    cache.remember(known(version=6))
    cache.remember(known(version=7))
    cache.remember(known("trend@candidate", version=9))

    assert cache.last_known("http://127.0.0.1:5000", "trend@champion") == known()


def test_an_answer_of_another_server_is_not_used(cache: ModelCache) -> None:
    cache.remember(known())

    assert cache.last_known("http://127.0.0.2:5000", "trend@champion") is None


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"server": "x"}', b"\xff"])
def test_an_answer_that_was_damaged_is_not_used(data: bytes, cache: ModelCache) -> None:
    cache.remember(known())
    (file,) = (cache.folder / "known").iterdir()
    file.write_bytes(data)

    assert cache.last_known("http://127.0.0.1:5000", "trend@champion") is None


def test_an_answer_of_a_later_version_of_tradai_is_not_used(cache: ModelCache) -> None:
    cache.remember(known().model_copy(update={"schema_version": 2}))

    assert cache.last_known("http://127.0.0.1:5000", "trend@champion") is None


def laid_out(cache: ModelCache, data: bytes, *, age_s: float) -> Path:
    """Return the folder of a version with the content `data`, last used `age_s` ago."""
    digest = cache.contents.add(data)
    files = (ModelFile(path="strategy/trend.py", sha256=digest, size=len(data)),)
    assert cache.lay_out(files) == ()
    folder = cache.folder_of(files)
    used_at = time.time() - age_s
    for path in (folder, folder / "strategy/trend.py"):
        os.utime(path, (used_at, used_at))
    return folder


def test_the_versions_that_were_not_used_for_longest_are_removed(cache: ModelCache) -> None:
    oldest = laid_out(cache, b"a" * 100, age_s=4 * DAY_S)
    older = laid_out(cache, b"b" * 100, age_s=3 * DAY_S)
    newer = laid_out(cache, b"c" * 100, age_s=2 * DAY_S)

    cache.prune(most_bytes=200)

    assert [path.exists() for path in (oldest, older, newer)] == [False, True, True]
    contents = [path for path in (cache.folder / "content").rglob("*") if path.is_file()]
    assert {path.read_bytes()[:1] for path in contents} == {b"b", b"c"}


def test_a_version_that_was_used_today_stays(cache: ModelCache) -> None:
    today = laid_out(cache, b"a" * 100, age_s=DAY_S / 2)
    again = laid_out(cache, b"b" * 100, age_s=9 * DAY_S)
    cache.lay_out((ModelFile(path="strategy/trend.py", sha256=sha256(b"b" * 100), size=100),))

    cache.prune(most_bytes=0)

    assert today.exists()
    assert again.exists()


def test_what_a_killed_process_left_is_removed_with_the_rest(cache: ModelCache) -> None:
    left = laid_out(cache, b"a" * 100, age_s=2 * DAY_S)
    left = left.rename(left.with_name(".0123456789abcdef.tmp"))

    cache.prune(most_bytes=0)

    assert not left.exists()


def test_a_version_is_there_for_the_run_that_uses_it_while_another_process_prunes(
    cache: ModelCache,
) -> None:
    versions = [(ModelFile(path="a.py", sha256=sha256(b"%d" % n), size=1),) for n in range(200)]
    for number, files in enumerate(versions):
        cache.contents.add(b"%d" % number)
        cache.lay_out(files)
        os.utime(cache.folder_of(files), (number, number))
    barrier = Barrier(2)

    def use_all() -> list[tuple[ModelFile, ...]]:
        barrier.wait()
        # What was removed with its contents is missing, and nothing is promised.
        return [files for files in versions if not cache.lay_out(files)]

    def prune() -> None:
        barrier.wait()
        cache.prune(most_bytes=0)

    with ThreadPoolExecutor(2) as pool:
        used, pruned = pool.submit(use_all), pool.submit(prune)

    assert pruned.exception() is None
    assert [files for files in used.result() if not cache.folder_of(files).exists()] == []
