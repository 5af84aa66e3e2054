"""A race of processes for the record of a session; run by the tests, and as a program, one of them.

``python session_race.py URI SEED ROUNDS LOG``: read the record, add one to its progress and write
it, until that has succeeded ROUNDS times. Each line of LOG is a version that this process wrote.
"""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tradai.core import backend_for
from tradai.core.exceptions import ConflictError, ExternalServiceError
from tradai.core.live import SessionRecord, SessionState, SessionStore

PROCESSES: Final = 4
_AT: Final = datetime(2025, 1, 1, tzinfo=UTC)


def session_record(**changes: object) -> SessionRecord:
    """Return the first record of a session, with `changes`."""
    usual = {
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
    return SessionRecord.model_validate(usual | changes)


def race(uri: str, folder: Path, *, rounds: int) -> None:
    """Let four processes write `rounds` times each, and check that none overwrote another.

    A write whose answer was lost is in no log: then the record is ahead.
    """
    store = backend_for("tradai.sessions", uri)
    store.write(session_record(session="race", progress=0))
    logs = [folder / f"{seed}.log" for seed in range(PROCESSES)]
    commands = [_command(uri, seed, rounds, log) for seed, log in enumerate(logs)]
    processes = [subprocess.Popen(command) for command in commands]
    assert [process.wait(600) for process in processes] == [0] * PROCESSES
    versions = [int(line) for log in logs for line in log.read_text().splitlines()]
    last = store.read("race")
    assert len(set(versions)) == len(versions) == PROCESSES * rounds
    assert last is not None
    assert last.version == last.progress + 1 >= len(versions) + 1


def _command(uri: str, seed: int, rounds: int, log: Path) -> list[str]:
    return [sys.executable, "-P", __file__, uri, *map(str, (seed, rounds, log))]


def main(arguments: list[str]) -> None:
    """Take part in a race."""
    uri, seed, rounds, log = arguments
    store, done = backend_for("tradai.sessions", uri), 0
    while done < int(rounds):
        try:
            version = _add_one(store, owner=f"process {seed}")
        except (ConflictError, ExternalServiceError):
            continue
        done += 1
        with Path(log).open("a") as file:
            file.write(f"{version}\n")


def _add_one(store: SessionStore, *, owner: str) -> int:
    found = store.read("race")
    assert found is not None
    progress = {"progress": found.progress + 1, "owner": owner}
    store.write(found.model_copy(update={"version": found.version + 1, **progress}))
    return found.version + 1


if __name__ == "__main__":
    main(sys.argv[1:])
