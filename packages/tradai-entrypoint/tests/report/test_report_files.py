"""The files of a report are written together, or none of them."""

from pathlib import Path

import pytest

from tradai.core.exceptions import NotFoundError, StorageError
from tradai.entrypoint._report.report_files import write_together

FILES = {"a.json": b"{}", "report.html": b"<html>"}


def test_all_files_are_written(tmp_path: Path) -> None:
    write_together(tmp_path / "new/page", FILES)
    write_together(tmp_path / "new/page", {**FILES, "a.json": b"[]"})

    assert {path.name: path.read_bytes() for path in (tmp_path / "new/page").iterdir()} == {
        **FILES,
        "a.json": b"[]",
    }


def test_a_full_disk_leaves_no_part_of_a_new_report(tmp_path: Path, page_without_room: str) -> None:
    with pytest.raises(StorageError, match="the disk is full"):
        write_together(tmp_path / "page", {**FILES, "report.html": page_without_room.encode()})

    assert not (tmp_path / "page").exists()


def test_a_full_disk_leaves_the_report_that_was_there(
    tmp_path: Path, page_without_room: str
) -> None:
    (tmp_path / "a.json").write_bytes(b"old")

    with pytest.raises(StorageError, match="the disk is full"):
        write_together(tmp_path, {**FILES, "report.html": page_without_room.encode()})

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.json": b"old"}


@pytest.mark.parametrize("names", [["a.json", "report.html"], ["report.html", "a.json"]])
def test_a_folder_in_the_place_of_a_file_is_named_and_the_others_stay(
    tmp_path: Path, names: list[str]
) -> None:
    (tmp_path / "a.json").write_bytes(b"old")
    (tmp_path / "report.html").mkdir()

    with pytest.raises(NotFoundError, match=r"cannot write .*/report\.html: it is a folder"):
        write_together(tmp_path, {name: FILES[name] for name in names})

    assert (tmp_path / "a.json").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "report.html"]
