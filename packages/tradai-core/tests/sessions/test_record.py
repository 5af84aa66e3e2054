"""Records of trading sessions, in memory and in files."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pydantic
import pytest

from tradai.core import MemoryStore, Secret, backend_for
from tradai.core.exceptions import ConfigurationError, StorageError
from tradai.core.live import (
    ObjectSessionStore,
    SessionRecord,
    SessionRequest,
    SessionState,
    SessionStore,
)
from tradai.core.testing import MemorySessionStore, SessionStoreContract

AT = datetime(2025, 1, 1, tzinfo=UTC)
RECORD = SessionRecord(
    session="trend",
    version=1,
    run_id="run-1",
    owner="a test",
    state=SessionState.DRAINING,
    reason="the engine is up",
    moved_at=AT,
    progress=0,
    progressed_at=AT,
    beat_at=AT,
)


class TestFileSessions(SessionStoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], SessionStore]:
        return lambda: backend_for("tradai.sessions", f"file:{tmp_path}/sessions")


class TestMemorySessions(SessionStoreContract):
    @pytest.fixture
    def open_store(self) -> Callable[[], SessionStore]:
        store = MemorySessionStore()
        return lambda: store


def test_a_record_has_our_state_and_the_status_of_the_platform() -> None:
    fields = json.loads(RECORD.to_bytes())

    assert (fields["state"], fields["status"]) == ("draining", "running")


def test_secrets_in_the_reasons_of_a_record_are_masked() -> None:
    Secret("not-a-real-password-1")
    reason = "login with not-a-real-password-1 failed"
    fields = RECORD.model_dump()

    record = SessionRecord.model_validate({**fields, "reason": reason})

    assert record.reason == "login with *** failed"


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
def test_a_move_without_a_reason_is_refused(reason: str) -> None:
    with pytest.raises(pydantic.ValidationError, match="reason"):
        SessionRecord.model_validate({**RECORD.model_dump(), "reason": reason})


@pytest.mark.parametrize("state", sorted(set(SessionState) - {"running", "paused", "stopped"}))
def test_an_operator_asks_to_run_to_pause_or_to_stop_only(state: SessionState) -> None:
    fields = {"state": state, "reason": "a test", "by": "an operator", "at": AT}

    with pytest.raises(pydantic.ValidationError, match="state"):
        SessionRequest.model_validate(fields)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"format": 2}'])
def test_a_record_that_cannot_be_read_is_neither_skipped_nor_overwritten(
    tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "trend.json").write_bytes(data)
    store = ObjectSessionStore.for_uri(str(tmp_path))
    second = RECORD.model_copy(update={"version": 2})

    for call in (
        lambda: store.read("trend"),
        lambda: list(store.records()),
        lambda: store.write(RECORD),
        lambda: store.write(second),
    ):
        with pytest.raises(StorageError):
            call()

    assert (tmp_path / "trend.json").read_bytes() == data


def test_files_of_other_programs_are_not_listed(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("sessions of the desk")
    store = ObjectSessionStore.for_uri(str(tmp_path))
    store.write(RECORD)

    assert list(store.records()) == [RECORD]


def test_a_place_that_no_object_store_serves_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"tradai\.stores has no ftp: backend"):
        ObjectSessionStore.for_uri("ftp://host/sessions")
    with pytest.raises(ConfigurationError, match=r"tradai\.sessions has no ftp: backend"):
        backend_for("tradai.sessions", "ftp://host/sessions")


def test_a_new_memory_store_is_empty() -> None:
    backend_for("tradai.sessions", "memory:sessions").write(RECORD)

    assert list(backend_for("tradai.sessions", "memory:sessions").records()) == []


class TestSessionsInAnObjectStore(SessionStoreContract):
    @pytest.fixture
    def open_store(self) -> Callable[[], SessionStore]:
        store = MemoryStore()
        return lambda: ObjectSessionStore(store, "memory:sessions")
