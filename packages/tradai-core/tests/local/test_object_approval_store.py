"""Approvals in object stores."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tradai.core import FileStore, MemoryStore, backend_for
from tradai.core.exceptions import StorageError
from tradai.core.live import ApprovalEntry, ApprovalStore, ObjectApprovalStore
from tradai.core.testing import ApprovalStoreContract

ENTRY = ApprovalEntry(strategy="momentum", approval_id="a" * 64, kind="approval", data=b"{}")


class TestFileApprovals(ApprovalStoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], ApprovalStore]:
        uri = (tmp_path / "a folder" / "approvals").as_uri()
        return lambda: backend_for("tradai.approvals", uri)


class TestApprovalsInAFolderByItsPath(ApprovalStoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], ApprovalStore]:
        return lambda: backend_for("tradai.approvals", f"{tmp_path}/a folder/")


class TestApprovalsInAnObjectStore(ApprovalStoreContract):
    @pytest.fixture
    def open_store(self) -> Callable[[], ApprovalStore]:
        store = MemoryStore()
        return lambda: ObjectApprovalStore(store, "memory:approvals")


def test_each_entry_is_an_object_of_its_own(tmp_path: Path) -> None:
    ObjectApprovalStore(FileStore(), str(tmp_path)).add(ENTRY)

    files = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [Path("momentum", "a" * 64, "approval.json")]


@pytest.mark.parametrize("link", [None, "absent", "."])
def test_another_thing_in_the_place_of_a_revocation_is_not_its_absence(
    tmp_path: Path, link: str | None
) -> None:
    store = ObjectApprovalStore(FileStore(), str(tmp_path))
    store.add(ENTRY)
    place = tmp_path / "momentum" / ("a" * 64) / "revocation.json"
    if link is None:
        place.mkdir()
    else:
        place.symlink_to(link)

    with pytest.raises(StorageError, match="look whether its volume is there"):
        store.entries("momentum")


def test_other_objects_are_left_alone(tmp_path: Path) -> None:
    store = ObjectApprovalStore(FileStore(), str(tmp_path))
    store.add(ENTRY)
    folder = tmp_path / "momentum"
    (folder / "notes.txt").write_text("not an entry")
    (folder / ("a" * 64) / "approval.json.bak").write_text("not an entry")
    (folder / "deeper" / ("b" * 64)).mkdir(parents=True)
    (folder / "deeper" / ("b" * 64) / "approval.json").write_text("not an entry")

    assert store.entries("momentum") == (ENTRY,)
