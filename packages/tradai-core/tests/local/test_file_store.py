import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tradai.core import FileStore, ObjectLeaseStore, ObjectStore
from tradai.core.exceptions import NotFoundError, StorageError, ValidationError
from tradai.core.testing import ObjectStoreContract

START = """
import sys
from tradai.core import FileStore
from tradai.core.exceptions import ConflictError
folder, name = sys.argv[1:]
store = FileStore(folder)
print("ready", flush=True)
sys.stdin.readline()
"""

COUNTER = (
    START
    + """
done = 0
while done < 40:
    found = store.read("count")
    try:
        store.write("count", str(int(found.data) + 1).encode(), if_match=found.etag)
    except ConflictError:
        continue
    done += 1
"""
)

CREATOR = (
    START
    + """
for number in range(40):
    try:
        store.write(str(number), name.encode(), if_absent=True)
    except ConflictError:
        continue
    print(number)
"""
)


class TestFileStore(ObjectStoreContract):
    @pytest.fixture
    def store(self) -> ObjectStore:
        return FileStore()

    @pytest.fixture
    def base(self, tmp_path: Path) -> str:
        return f"{tmp_path.as_uri()}/"


class TestFileStoreWithARoot(ObjectStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ObjectStore:
        return FileStore(tmp_path / "runs")

    @pytest.fixture
    def base(self, tmp_path: Path) -> str:
        return f"{(tmp_path / 'runs').as_uri()}/"


@pytest.mark.parametrize("form", ["{0}", "file:{0}", "file://{0}", "file://localhost{0}"])
def test_a_file_has_many_names(tmp_path: Path, form: str) -> None:
    (tmp_path / "one").write_bytes(b"1")

    assert FileStore().read(form.format(tmp_path / "one")).data == b"1"


def test_a_relative_path_starts_at_the_root_or_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    FileStore("below").write("file:one", b"1")

    assert FileStore().read("below/one").data == b"1"


@pytest.mark.parametrize("uri", ["", "file:", "file://elsewhere/one", "s3://bucket/one", "a\0b"])
def test_a_uri_that_names_no_file_is_refused(uri: str) -> None:
    with pytest.raises(ValidationError, match="expected a path, or a URI"):
        FileStore().read(uri)


@pytest.mark.parametrize("form", ["FILE:{0}", "File://{0}", "file:{0}?x=1", "file://{0}#a"])
def test_a_uri_that_looks_like_that_of_another_file_is_refused(tmp_path: Path, form: str) -> None:
    (tmp_path / "one").write_bytes(b"1")
    uri = form.format(tmp_path / "one")

    with pytest.raises(ValidationError, match=r"does not name a file: expected (the scheme|no \?)"):
        FileStore().read(uri)
    with pytest.raises(ValidationError, match=r"does not name a file: expected (the scheme|no \?)"):
        FileStore().write(uri, b"2")


def test_a_question_mark_or_a_hash_in_a_name_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "one?#"

    FileStore().write(path.as_uri(), b"1")

    assert FileStore().read(str(path)).data == path.read_bytes() == b"1"


def _folder(path: Path) -> None:
    path.mkdir()


def _link_to_nothing(path: Path) -> None:
    path.symlink_to(path.with_name("absent"))


def _link_to_a_folder(path: Path) -> None:
    path.with_name("folder").mkdir()
    path.symlink_to("folder")


@pytest.mark.parametrize("make", [_folder, _link_to_nothing, _link_to_a_folder])
def test_a_place_with_another_thing_than_a_file_is_not_an_absent_lease(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "one")

    with pytest.raises(StorageError, match="look whether its volume is there"):
        ObjectLeaseStore.for_file(str(tmp_path / "one")).read()


@pytest.mark.parametrize("make", [_folder, _link_to_a_folder])
def test_the_error_of_a_folder_says_what_is_there(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "one")

    with pytest.raises(NotFoundError, match="it is a folder") as caught:
        FileStore().read(str(tmp_path / "one"))

    assert caught.value.kind == "folder"


@pytest.mark.parametrize(
    ("below", "named"), [("deep/one", r"one: /.*/volume is"), ("", "volume: it is")]
)
def test_a_link_to_nothing_and_a_file_below_it_are_no_absent_files(
    tmp_path: Path, below: str, named: str
) -> None:
    _link_to_nothing(tmp_path / "volume")

    with pytest.raises(StorageError, match=f"{named} a link to nothing"):
        FileStore().read(str(tmp_path / "volume" / below))


@pytest.mark.parametrize("uri", ["../out", "file:a/../../out", "/etc/hostname", "file:%2e%2e/out"])
def test_nothing_outside_the_root_is_reached(tmp_path: Path, uri: str) -> None:
    (tmp_path / "out").write_bytes(b"out")
    store = FileStore(tmp_path / "runs")
    calls: list[Callable[[], object]] = [
        lambda: store.read(uri),
        lambda: store.write(uri, b"in"),
        lambda: store.delete(uri),
        lambda: store.stat(uri),
        lambda: list(store.list(uri)),
        lambda: store.copy(uri, "inside"),
    ]

    for call in calls:
        with pytest.raises(ValidationError, match="leaves the store"):
            call()

    assert (tmp_path / "out").read_bytes() == b"out"


def test_a_link_out_of_the_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "out")

    with pytest.raises(ValidationError, match=r"a link takes .*/link/one out of .*/runs: put"):
        FileStore(tmp_path / "runs").write("link/one", b"1")


def test_listing_the_root_stays_inside(tmp_path: Path) -> None:
    (tmp_path / "runs-of-others").write_bytes(b"1")
    store = FileStore(tmp_path / "runs")
    store.write("one", b"1")

    found = [info.uri for info in store.list(str(tmp_path / "runs"))]

    assert found == [(tmp_path / "runs" / "one").as_uri()]


def test_a_name_that_is_not_text_is_listed_and_read(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"fake-\xff")).write_bytes(b"1")
    store = FileStore()

    (found,) = store.list(f"{tmp_path}/")

    assert store.read(found.uri).data == b"1"


def test_a_write_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")

    FileStore().write(str(tmp_path / "link"), b"new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_write_keeps_the_permissions(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_bytes(b"old")
    path.chmod(0o640)

    FileStore().write(str(path), b"new")

    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_file_left_by_a_killed_writer_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / ".tradai-0123456789abcdef.tmp").write_bytes(b"half")

    assert list(FileStore().list(f"{tmp_path}/")) == []


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EFBIG, "larger than files may be; raise the limit"),
        (errno.EACCES, "permission denied; grant it"),
        (errno.EROFS, "read-only; mount it writable"),
        (errno.EIO, "check the disk"),
    ],
)
@pytest.mark.parametrize("call", ["fsync", "fchmod"])
def test_a_refused_write_names_the_path_and_keeps_the_old_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, advice: str, call: str
) -> None:
    path = tmp_path / "one"
    path.write_bytes(b"old")

    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, refuse)

    with pytest.raises(StorageError, match=advice) as caught:
        FileStore().write(str(path), b"new")

    assert str(path) in str(caught.value)
    assert caught.value.operation == "write"
    assert [found.name for found in tmp_path.iterdir()] == ["one"]
    assert path.read_bytes() == b"old"


def test_a_file_in_the_place_of_a_folder_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")

    with pytest.raises(StorageError, match="is a file, not a folder"):
        FileStore().write(str(tmp_path / "file" / "one"), b"1")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_another_user_is_a_storage_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(StorageError, match="permission denied"):
        FileStore().write(str(tmp_path / "one"), b"1")


def test_a_folder_that_cannot_be_listed_is_a_storage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "scandir", refuse)

    with pytest.raises(StorageError, match="cannot list"):
        list(FileStore().list(f"{tmp_path}/"))


def test_a_file_system_without_folder_locks_serves_all_but_if_match(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    monkeypatch.setattr("fcntl.flock", refuse)
    store, uri = FileStore(), str(tmp_path / "one")

    etag = store.write(uri, b"old")
    with pytest.raises(StorageError):
        store.write(uri, b"new", if_match=etag)

    assert store.read(uri).data == b"old"
    store.delete(uri)
    with pytest.raises(NotFoundError):
        store.read(uri)


def test_two_processes_that_count_together_lose_no_count(tmp_path: Path) -> None:
    FileStore().write(str(tmp_path / "count"), b"0")

    _run_two(COUNTER, tmp_path)

    assert FileStore().read(str(tmp_path / "count")).data == b"80"


def test_of_two_processes_that_create_a_file_one_wins(tmp_path: Path) -> None:
    first, second = _run_two(CREATOR, tmp_path)

    assert sorted(first + second) == sorted(map(str, range(40)))
    assert all((tmp_path / name).read_text() == "0" for name in first)
    assert all((tmp_path / name).read_text() == "1" for name in second)


def _run_two(program: str, folder: Path) -> list[list[str]]:
    """Run `program` twice at the same time and return the words each of them printed."""
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(folder), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    with racers[0], racers[1]:
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        return [racer.communicate("go\n", timeout=300)[0].split() for racer in racers]


def test_an_absolute_path_needs_no_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    uri = (tmp_path / "a").as_uri()

    FileStore().write(uri, b"data")

    assert FileStore().read(uri).data == b"data"


@pytest.mark.parametrize("has_root", [True, False])
def test_a_link_that_leads_to_itself_is_named(tmp_path: Path, *, has_root: bool) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    store = FileStore(tmp_path if has_root else None)

    with pytest.raises(StorageError, match=r"cannot write .*loop"):
        store.write((loop / "a.json").as_uri(), b"{}")
