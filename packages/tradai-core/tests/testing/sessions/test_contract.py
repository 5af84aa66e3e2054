"""The suite of stores of sessions passes a right one, and catches the wrong ones planted here."""

import threading
from collections.abc import Callable, Iterator

import pytest

from tradai.core.exceptions import ConflictError
from tradai.core.live import SessionRecord, SessionStore
from tradai.core.testing import MemorySessionStore, SessionStoreContract, failing_tests


class RightStore:
    """Keeps every promise; each planted store below breaks one."""

    def __init__(self) -> None:
        self.saved: dict[str, SessionRecord] = {}
        self.lock = threading.Lock()

    def read(self, session: str) -> SessionRecord | None:
        MemorySessionStore().read(session)
        return self.saved.get(session)

    def write(self, record: SessionRecord) -> None:
        with self.lock:
            found = self.saved.get(record.session)
            if (found.version if found else 0) != record.version - 1:
                message = "another writer was first; read the session again"
                raise ConflictError(message, operation="write")
            self.overwrite(record)

    def records(self) -> Iterator[SessionRecord]:
        return iter(sorted(self.saved.values(), key=lambda record: record.session))

    def overwrite(self, record: SessionRecord) -> None:
        self.saved[record.session] = record


class StoreThatForgetsToCompare(RightStore):
    def write(self, record: SessionRecord) -> None:
        if record.version == 1 or self.read(record.session) is None:
            super().write(record)
        else:
            self.overwrite(record)


class StoreThatOnlyRefusesOlderVersions(RightStore):
    def write(self, record: SessionRecord) -> None:
        found = self.read(record.session)
        if found is not None and record.version > found.version:
            self.overwrite(record)
        else:
            super().write(record)


class StoreThatOverwritesWithTheFirst(RightStore):
    def write(self, record: SessionRecord) -> None:
        if record.version == 1:
            self.overwrite(record)
        else:
            super().write(record)


class StoreThatCreatesWhatIsGone(RightStore):
    def write(self, record: SessionRecord) -> None:
        if self.read(record.session) is None:
            self.overwrite(record)
        else:
            super().write(record)


class StoreThatLooksBeforeItLeaps(RightStore):
    """Compares and writes in two steps; the barrier has all racers compare before one writes."""

    def __init__(self) -> None:
        super().__init__()
        self.barrier = threading.Barrier(4)

    def write(self, record: SessionRecord) -> None:
        found = self.read(record.session)
        if threading.current_thread() is threading.main_thread():
            super().write(record)
            return
        self.barrier.wait(60)
        if (found.version if found else 0) == record.version - 1:
            self.overwrite(record)
        else:
            super().write(record)


class StoreThatKeepsItsRequest(RightStore):
    def write(self, record: SessionRecord) -> None:
        super().write(record.model_copy(update={"request": None}))


class StoreThatCountsInFloats(RightStore):
    def write(self, record: SessionRecord) -> None:
        super().write(record.model_copy(update={"progress": int(float(record.progress))}))


class StoreThatListsByTime(RightStore):
    def records(self) -> Iterator[SessionRecord]:
        return iter(self.saved.values())


WRONG: dict[type[RightStore], str] = {
    StoreThatForgetsToCompare: "test_only_the_version_before_is_replaced",
    StoreThatOnlyRefusesOlderVersions: "test_only_the_version_before_is_replaced",
    StoreThatOverwritesWithTheFirst: "test_the_first_write_never_overwrites",
    StoreThatCreatesWhatIsGone: "test_a_replacement_never_creates",
    StoreThatLooksBeforeItLeaps: "test_one_racer_creates",
    StoreThatKeepsItsRequest: "test_a_request_stops_the_next_heartbeat_and_is_not_lost",
    StoreThatCountsInFloats: "test_a_heartbeat_carries_progress_and_instants_exactly",
    StoreThatListsByTime: "test_sessions_are_apart_and_listed_by_name",
}


def _failures(make: Callable[[], SessionStore]) -> set[str]:
    def open_store() -> Callable[[], SessionStore]:
        store = make()
        return lambda: store

    return failing_tests(SessionStoreContract, {"open_store": open_store})


def test_the_suite_passes_a_right_store() -> None:
    assert _failures(RightStore) == set()


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
def test_the_suite_catches_a_wrong_store(wrong: type[RightStore]) -> None:
    assert WRONG[wrong] in _failures(wrong)
