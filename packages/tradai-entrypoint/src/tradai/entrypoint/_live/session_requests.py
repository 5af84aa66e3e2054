"""Requests of operators to sessions that run elsewhere."""

from collections.abc import Callable
from typing import Final

from tradai.core import WaitingClock
from tradai.core.exceptions import ConflictError, NotFoundError, ValidationError
from tradai.core.live import SessionRecord, SessionRequest, SessionState, SessionStore

_TRIES: Final = 10
_POLL_S: Final = 1.0


def request_session(store: SessionStore, session: str, request: SessionRequest) -> None:
    """Leave `request` in the record of `session`, which obeys it at its next heartbeat.

    It replaces a request that was not obeyed yet, unless that is one to stop and `request` is not.

    Raises:
        NotFoundError: The store has no such session.
        ValidationError: The session has ended or is asked to stop, or `session` is not a name of a
            session.
        ExternalServiceError: The store refused or did not answer.
    """
    for tries_left in reversed(range(_TRIES)):
        record = session_record(store, session)
        _check(record, request)
        try:
            store.write(
                record.model_copy(update={"version": record.version + 1, "request": request})
            )
        except ConflictError:
            if not tries_left:
                raise
        else:
            return


def _check(record: SessionRecord, request: SessionRequest) -> None:
    """Raise for a request that the session cannot obey."""
    session, stop = record.session, record.request
    if record.state.is_final:
        message = f"the session {session} is {record.state}: expected one that runs"
        raise ValidationError(message, field="session", expected="a session that runs")
    is_softer = request.state is not SessionState.STOPPED
    if stop is not None and stop.state is SessionState.STOPPED and is_softer:
        message = (
            f"{stop.by} has asked the session {session} to stop ({stop.reason}), and it cannot be "
            f"{request.state} any more: start it again when it has stopped"
        )
        raise ValidationError(message, field="session", expected="a session that is not to stop")


def session_record(store: SessionStore, session: str) -> SessionRecord:
    """Return the record of `session`.

    Raises:
        NotFoundError: The store has no such session.
        ValidationError: `session` is not a name of a session.
        ExternalServiceError: The store refused or did not answer.
    """
    record = store.read(session)
    if record is None:
        message = f"there is no session {session}: `tradai-entrypoint status` lists their names"
        raise NotFoundError(message, kind="session", key=session)
    return record


def follow_request(
    store: SessionStore,
    session: str,
    request: SessionRequest,
    *,
    clock: WaitingClock,
    on_record: Callable[[SessionRecord], None],
) -> SessionRecord:
    """Wait until `session` has obeyed `request` or has ended, and return its record then.

    Args:
        store: Store that has the session.
        session: Name of the session.
        request: The request that `request_session` left there.
        clock: Clock to wait by.
        on_record: Called with each record that is read.

    Raises:
        ConflictError: Another request has replaced this one.
        NotFoundError: The record is gone.
        ExternalServiceError: The store refused or did not answer; the request stays.
    """
    while True:
        record = session_record(store, session)
        on_record(record)
        if record.state.is_final or _is_obeyed(record, request):
            return record
        require_not_replaced(record, request)
        clock.sleep(_POLL_S)


def require_not_replaced(record: SessionRecord, request: SessionRequest) -> None:
    """Raise when `record` has another request than `request`.

    Raises:
        ConflictError: It has.
    """
    other = record.request
    if other is not None and other != request:
        message = f"{other.by} has replaced the request by {other.state}: {other.reason}"
        raise ConflictError(message, operation="request", service="sessions")


def _is_obeyed(record: SessionRecord, request: SessionRequest) -> bool:
    wanted = request.state
    return wanted is not SessionState.STOPPED and record.state is wanted and record.request is None
