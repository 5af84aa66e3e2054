"""The suite of places of approvals passes what is right and catches what is not."""

import threading
from collections.abc import Callable

import pytest

from tradai.core.exceptions import ConflictError
from tradai.core.live import ApprovalEntry, ApprovalStore
from tradai.core.testing import ApprovalStoreContract, MemoryApprovalStore, failing_tests


class TestMemoryApprovalStore(ApprovalStoreContract):
    @pytest.fixture
    def open_store(self) -> Callable[[], ApprovalStore]:
        store = MemoryApprovalStore()
        return lambda: store


class RightStore:
    """Keeps every promise; each planted place of approvals below breaks one."""

    def __init__(self) -> None:
        self.inner = MemoryApprovalStore()

    def add(self, entry: ApprovalEntry) -> None:
        self.inner.add(entry)

    def entries(self, strategy: str) -> tuple[ApprovalEntry, ...]:
        return self.inner.entries(strategy)

    def overwrite(self, entry: ApprovalEntry) -> None:
        name = (entry.approval_id, entry.kind)
        present = self.inner.entries(entry.strategy)
        self.inner = MemoryApprovalStore()
        for kept in present:
            if (kept.approval_id, kept.kind) != name:
                self.inner.add(kept)
        self.inner.add(entry)


class StoreThatOverwrites(RightStore):
    def add(self, entry: ApprovalEntry) -> None:
        self.overwrite(entry)


class StoreThatKeepsOneOfEachId(RightStore):
    def entries(self, strategy: str) -> tuple[ApprovalEntry, ...]:
        return tuple({entry.approval_id: entry for entry in super().entries(strategy)}.values())


class StoreThatRefusesARepeat(RightStore):
    def add(self, entry: ApprovalEntry) -> None:
        if entry in self.entries(entry.strategy):
            message = "the entry exists; read it again"
            raise ConflictError(message, operation="add")
        super().add(entry)


class StoreThatMixesPrefixes(RightStore):
    def entries(self, strategy: str) -> tuple[ApprovalEntry, ...]:
        names = ("moment", "momentum", "momentum-2", "momentum.old")
        found = super().entries(strategy)
        for name in names:
            if name.startswith(strategy) and name != strategy:
                found += super().entries(name)
        return found


class StoreThatLooksBeforeItLeaps(RightStore):
    """Compares and writes in two steps; the barrier has all racers compare before one writes."""

    def __init__(self) -> None:
        super().__init__()
        self.barrier = threading.Barrier(4)

    def add(self, entry: ApprovalEntry) -> None:
        if threading.current_thread() is threading.main_thread():
            super().add(entry)
            return
        is_free = not self.entries(entry.strategy)
        self.barrier.wait(60)
        if is_free:
            self.overwrite(entry)


class StoreThatListsAnyName(RightStore):
    def entries(self, strategy: str) -> tuple[ApprovalEntry, ...]:
        return () if "/" in strategy else super().entries(strategy)


class StoreThatListsTheNewestFirst(RightStore):
    def entries(self, strategy: str) -> tuple[ApprovalEntry, ...]:
        return super().entries(strategy)[::-1]


PLANTED: dict[type[RightStore], str] = {
    StoreThatOverwrites: "test_an_entry_is_never_overwritten",
    StoreThatKeepsOneOfEachId: "test_a_revocation_stands_beside_its_approval",
    StoreThatRefusesARepeat: "test_the_same_entry_again_changes_nothing",
    StoreThatMixesPrefixes: "test_strategies_are_apart",
    StoreThatLooksBeforeItLeaps: "test_one_racer_adds",
    StoreThatListsAnyName: "test_a_strategy_that_is_not_a_name_is_refused",
    StoreThatListsTheNewestFirst: "test_entries_are_sorted_by_id",
}


def failing(make: type[RightStore]) -> set[str]:
    def open_store() -> Callable[[], ApprovalStore]:
        store = make()
        return lambda: store

    return failing_tests(ApprovalStoreContract, {"open_store": open_store})


def test_the_suite_passes_what_is_right() -> None:
    assert failing(RightStore) == set()


@pytest.mark.parametrize("planted", PLANTED)
def test_a_wrong_place_of_approvals_is_caught(planted: type[RightStore]) -> None:
    assert PLANTED[planted] in failing(planted)
