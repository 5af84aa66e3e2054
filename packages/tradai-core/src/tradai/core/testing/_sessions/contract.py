"""Conformance suite of the stores of trading sessions."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

import pytest

from tradai.core._ports.session_store import SessionStore
from tradai.core._sessions.record import SessionRecord, SessionRequest
from tradai.core._sessions.state import SessionState
from tradai.core.exceptions import ConflictError, ValidationError

_AT: Final = datetime(2025, 1, 1, tzinfo=UTC)
_RACERS: Final = 4

OpenSessions: TypeAlias = Callable[[], SessionStore]


class SessionStoreContract:
    """Suite for a `SessionStore`.

    The fixture to define is ``open_store``: a function that opens a store, which is empty before
    the test. Each call opens the same store, as another process would.
    """

    def test_a_new_store_has_no_record(self, open_store: OpenSessions) -> None:
        assert open_store().read("trend") is None
        assert list(open_store().records()) == []

    def test_a_written_record_is_read_back_by_all(self, open_store: OpenSessions) -> None:
        store, other = open_store(), open_store()
        for version, state in enumerate(SessionState, start=1):
            request = _request() if version % 2 else None
            record = _record(version=version, state=state, predecessor="run-0", request=request)

            store.write(record)

            assert other.read("trend") == record

    def test_the_first_write_never_overwrites(self, open_store: OpenSessions) -> None:
        open_store().write(_record(owner="first"))

        with pytest.raises(ConflictError):
            open_store().write(_record(owner="second"))

        assert _owner(open_store()) == "first"

    def test_only_the_version_before_is_replaced(self, open_store: OpenSessions) -> None:
        for version in (1, 2, 3):
            open_store().write(_record(version=version, owner="first"))

        for version in (2, 3, 5, 40):
            with pytest.raises(ConflictError):
                open_store().write(_record(version=version, owner="second"))

            assert _owner(open_store()) == "first"

    def test_a_replacement_never_creates(self, open_store: OpenSessions) -> None:
        with pytest.raises(ConflictError):
            open_store().write(_record(version=2))

        assert open_store().read("trend") is None

    def test_a_request_stops_the_next_heartbeat_and_is_not_lost(
        self, open_store: OpenSessions
    ) -> None:
        session, operator = open_store(), open_store()
        session.write(_record())
        operator.write(_record(version=2, request=_request()))

        with pytest.raises(ConflictError):
            session.write(_record(version=2, progress=7))

        found = session.read("trend")
        assert found is not None
        assert found.request == _request()

    def test_a_heartbeat_carries_progress_and_instants_exactly(
        self, open_store: OpenSessions
    ) -> None:
        at = _AT + timedelta(microseconds=123_457)
        open_store().write(_record(progress=2**53 + 1, progressed_at=at, beat_at=at))

        found = open_store().read("trend")

        assert found is not None
        assert (found.progress, found.progressed_at, found.beat_at) == (2**53 + 1, at, at)

    def test_sessions_are_apart_and_listed_by_name(self, open_store: OpenSessions) -> None:
        names = ("trend", "a.b", "a-b", "a", "trend-2")
        for name in names:
            open_store().write(_record(session=name, owner=f"of {name}"))

        found = {record.session: record.owner for record in open_store().records()}

        assert list(found) == sorted(names)
        assert found == {name: f"of {name}" for name in names}

    def test_a_bad_name_is_refused(self, open_store: OpenSessions) -> None:
        for name in ("", "../up", "a/b", "Trend", ".hidden", "a b", "a" * 101):
            with pytest.raises(ValidationError):
                open_store().read(name)

    def test_one_racer_creates(self, open_store: OpenSessions) -> None:
        assert _race(open_store, version=1) == [_owner(open_store())]

    def test_one_racer_replaces_what_all_have_read(self, open_store: OpenSessions) -> None:
        open_store().write(_record())
        for version in range(2, 4):
            won = _race(open_store, version=version)

            assert won == [_owner(open_store())]


def _request() -> SessionRequest:
    reason = "a look at the ledger, „Łódź“"
    return SessionRequest(state=SessionState.PAUSED, reason=reason, by="an operator", at=_AT)


def _record(**changes: object) -> SessionRecord:
    fields = {
        "session": "trend",
        "version": 1,
        "run_id": "run-1",
        "owner": "a test",
        "state": SessionState.RUNNING,
        "reason": "the engine is up",
        "moved_at": _AT,
        "progress": 3,
        "progressed_at": _AT,
        "beat_at": _AT,
    }
    return SessionRecord.model_validate({**fields, **changes})


def _owner(store: SessionStore) -> str | None:
    found = store.read("trend")
    return found and found.owner


def _race(open_store: OpenSessions, *, version: int) -> list[str]:
    """Write from several threads at once and return the owners that won."""
    barrier = threading.Barrier(_RACERS)
    stores = [open_store() for _ in range(_RACERS)]

    def run(number: int) -> list[str]:
        owner = f"racer {number} of {version}"
        barrier.wait()
        try:
            stores[number].write(_record(version=version, owner=owner))
        except ConflictError:
            return []
        return [owner]

    with ThreadPoolExecutor(_RACERS) as pool:
        return [owner for won in pool.map(run, range(_RACERS)) for owner in won]
