"""A live session without an engine: ``python session_driver.py URI NAME RUN_ID``.

It beats, and obeys what its operators ask for, until it was stopped. It trades nothing.
"""

import sys
from itertools import count

from tradai.core import SystemClock, backend_for
from tradai.core.live import SessionState
from tradai.core.testing import MemoryJournal
from tradai.entrypoint._live.session import Session


def main(arguments: list[str]) -> None:
    """Run the session."""
    uri, name, run_id = arguments
    store = backend_for("tradai.sessions", uri)
    session = Session.start(store, session=name, run_id=run_id, journal=MemoryJournal())
    session.move(SessionState.WARM_UP, "the checks are good")
    session.move(SessionState.RUNNING, "the engine is up")
    for progress in count(1):
        request = session.beat(progress)
        if request is None:
            SystemClock().sleep(0.05)
        elif request.state is SessionState.STOPPED:
            session.move(SessionState.DRAINING, request.reason, obeyed=request)
            session.beat(progress)
            session.move(SessionState.STOPPED, "0 orders are open")
            return
        else:
            session.move(request.state, request.reason, obeyed=request)


if __name__ == "__main__":
    main(sys.argv[1:])
