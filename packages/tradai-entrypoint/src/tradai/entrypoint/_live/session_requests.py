"""Requests of operators to sessions that run elsewhere."""

from typing import Final

from tradai.core.exceptions import ConflictError, NotFoundError, ValidationError
from tradai.core.live import SessionRequest, SessionStore

_TRIES: Final = 10


def request_session(store: SessionStore, session: str, request: SessionRequest) -> None:
    """Leave `request` in the record of `session`, which obeys it at its next heartbeat.

    It replaces a request that was not obeyed yet.

    Raises:
        NotFoundError: The store has no such session.
        ValidationError: The session has ended, or `session` is not a name of a session.
        ExternalServiceError: The store refused or did not answer.
    """
    for tries_left in reversed(range(_TRIES)):
        record = store.read(session)
        if record is None:
            message = f"there is no session {session}: look at the names in the session store"
            raise NotFoundError(message, kind="session", key=session)
        if record.state.is_final:
            message = f"the session {session} is {record.state}: expected one that runs"
            raise ValidationError(message, field="session", expected="a session that runs")
        try:
            store.write(
                record.model_copy(update={"version": record.version + 1, "request": request})
            )
        except ConflictError:
            if not tries_left:
                raise
        else:
            return
