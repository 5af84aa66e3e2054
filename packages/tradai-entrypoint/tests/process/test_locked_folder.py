"""The lock of a folder is that of the one at its path, also while others remove it."""

import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tradai.entrypoint._process.locked_folder import open_locked


def test_a_folder_that_each_removes_at_its_end_is_there_for_each(tmp_path: Path) -> None:
    folder, barrier = tmp_path / "shared", Barrier(8)

    def use(number: int) -> list[str]:
        barrier.wait()
        used = []
        for _ in range(100):
            descriptor, _ = open_locked(folder, fcntl.LOCK_EX)
            try:
                (folder / str(number)).write_text("")
                used += [path.name for path in folder.iterdir()]
                (folder / str(number)).unlink()
                folder.rmdir()
            finally:
                os.close(descriptor)
        return used

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(use, range(8))) == [[str(number)] * 100 for number in range(8)]


def test_a_lock_that_another_has_is_refused_and_a_file_is_no_folder(tmp_path: Path) -> None:
    descriptor, is_made = open_locked(tmp_path / "new", fcntl.LOCK_EX)

    with pytest.raises(BlockingIOError):
        open_locked(tmp_path / "new", fcntl.LOCK_SH | fcntl.LOCK_NB)

    os.close(descriptor)
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        open_locked(tmp_path / "file", fcntl.LOCK_EX)
    (tmp_path / "nowhere").symlink_to("missing")
    with pytest.raises(FileNotFoundError):
        open_locked(tmp_path / "nowhere", fcntl.LOCK_EX)
    assert is_made
