import errno
import os
import stat
from pathlib import Path

import pytest

from tradai.core import atomic_file, file_errors
from tradai.core.exceptions import NotFoundError, StorageError


def _names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_file_is_at_its_path_only_after_the_block(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(b"old")

    with atomic_file(path) as file:
        file.write(b"new")
        file.flush()
        during = path.read_bytes()

    assert during == b"old"
    assert path.read_bytes() == b"new"
    assert _names(tmp_path) == ["report.html"]


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(b"old")

    def fail_half_way() -> None:
        with atomic_file(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_half_way()

    assert path.read_bytes() == b"old"
    assert _names(tmp_path) == ["report.html"]


def test_parts_can_be_written_through_the_descriptor_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "object"

    with atomic_file(path) as file:
        os.pwrite(file.fileno(), b"second", 5)
        os.pwrite(file.fileno(), b"first", 0)
        back = os.pread(file.fileno(), 100, 0)

    assert back == path.read_bytes() == b"firstsecond"


def test_a_new_file_keeps_the_permissions_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(b"old")
    path.chmod(0o640)

    with atomic_file(path) as file:
        file.write(b"new")

    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_content_is_on_disk_before_the_file_takes_its_place_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    synced: list[tuple[bool, bool]] = []

    def record(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append((is_folder, path.exists()))

    monkeypatch.setattr(os, "fsync", record)

    with atomic_file(path) as file:
        file.write(b"new")

    assert synced == [(False, False), (True, True)]


def test_the_way_into_place_can_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "report.html"

    def link(temporary: Path, target: Path) -> None:
        target.hardlink_to(temporary)

    with atomic_file(path, put=link) as file:
        file.write(b"new")
    with pytest.raises(FileExistsError), atomic_file(path, put=link) as file:
        file.write(b"newer")

    assert path.read_bytes() == b"new"
    assert _names(tmp_path) == ["report.html"]


def test_a_missing_folder_is_not_found_and_named(tmp_path: Path) -> None:
    path = tmp_path / "none" / "report.html"

    with (
        pytest.raises(
            NotFoundError, match=r"cannot write .*report\.html: there is no folder .*none; make it"
        ),
        file_errors("write", path),
        atomic_file(path),
    ):
        pass


def test_a_file_that_is_read_in_a_missing_folder_needs_no_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "none" / "report.html"

    with (
        pytest.raises(NotFoundError, match="there is no such file; check the path"),
        file_errors("read", path),
    ):
        path.read_bytes()


def test_the_first_word_of_an_action_is_the_operation(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError, match="cannot append to ") as caught,
        file_errors("append to", tmp_path),
    ):
        raise PermissionError

    assert caught.value.operation == "append"


@pytest.mark.parametrize("action", ["", " ", "write"])
def test_any_text_may_be_an_action(tmp_path: Path, action: str) -> None:
    with pytest.raises(StorageError) as caught, file_errors(action, tmp_path):
        raise PermissionError

    assert caught.value.operation == action.strip()


def test_a_folder_that_cannot_be_made_safe_on_disk_is_refused_before_anything_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(b"old")
    opened = os.open

    def refuse_folders(target: Path, flags: int, *rest: int) -> int:
        # So does the system for a folder of mode 0300, unless the user is root.
        if flags & os.O_DIRECTORY:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(target, flags, *rest)

    monkeypatch.setattr(os, "open", refuse_folders)

    with pytest.raises(PermissionError), atomic_file(path) as file:
        file.write(b"new")

    assert path.read_bytes() == b"old"
    assert _names(tmp_path) == ["report.html"]
