"""Checks on what outlives a session: its state, its halts, its starts, its dry-runs, its disk."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

from tradai.core.exceptions import StorageError, TradingError
from tradai.entrypoint._live._risk.halt_latch import HaltedError
from tradai.entrypoint._preflight.facts import Disk, DryRun, PreflightFacts, StatePlaces, known
from tradai.entrypoint._preflight.state_files import is_sqlite, state_file
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._report.formatting import duration

_DURABLE_VOLUME: Final = "TRADAI_LIVE_DURABLE_VOLUME"
_OF_THE_MOMENT: Final = frozenset({"overlay", "ramfs", "tmpfs", "aufs"})
# sqlite's locks do not hold on them.
_NETWORK: Final = frozenset(
    {"9p", "afs", "ceph", "cifs", "glusterfs", "lustre", "nfs", "nfs4", "smb3", "smbfs", "afpfs"}
)
_GIBIBYTE: Final = 1024**3


def check_state(facts: PreflightFacts) -> str:
    """Refuse state that ends with the process, its container or its machine's memory."""
    problems = [*_problems(facts.state)]
    if problems:
        message = (
            f"{'; '.join(problems)}: use s3:, redis: or postgresql:, or name a volume that "
            f"outlives this process in {_DURABLE_VOLUME}"
        )
        raise TradingError(message, reason="ephemeral_state")
    return f"{', '.join(sorted(facts.state.uris))} outlive this process"


def check_database(facts: PreflightFacts) -> str:
    """Refuse a database in which another strategy has traded: its positions would become ours."""
    database = known(facts.database)
    others = sorted(database.other_strategies)
    if others:
        message = (
            f"the trade database has trades of {', '.join(others)}, which this strategy would take "
            "for its own: move it out of TRADAI_LIVE_DATABASES, or trade with the strategy that it "
            "is of"
        )
        raise TradingError(message, reason="database_of_another")
    return f"it has {len(database.positions)} open positions"


def check_disk(facts: PreflightFacts) -> str:
    """Require free space for the log and the database of a session."""
    free, least = known(facts.free_bytes), facts.limits.free_bytes
    if free < least:
        message = (
            f"the disk of the runs has {free / _GIBIBYTE:.2f} GiB free, a session needs "
            f"{least / _GIBIBYTE:.2f} GiB: free some space, or set TRADAI_RUN_FOLDER to another "
            "disk"
        )
        raise StorageError(message, operation="write")
    return f"{free / _GIBIBYTE:.1f} GiB free"


def check_halt(facts: PreflightFacts) -> str:
    """Refuse to start while a halt stands."""
    known(facts.halt)
    return "no halt stands"


def check_restarts(facts: PreflightFacts) -> str:
    """Refuse a session that starts again and again, as a service does that fails."""
    starts, limits = known(facts.starts), facts.limits
    recent = [at for at in starts if facts.now - at <= limits.starts_within]
    within = f"within {limits.starts_within.total_seconds() / 60:g} minutes"
    if len(recent) > limits.starts:
        message = (
            f"this is start {len(recent)} of the session {within}, {limits.starts} are permitted: "
            "find out why it ends, then clear the halt with `tradai-entrypoint resume --reason`"
        )
        raise HaltedError(message, reason="restart_budget")
    return f"start {len(recent)} of at most {limits.starts} {within}"


def check_dry_run(facts: PreflightFacts) -> str:
    """Require a dry-run of the same configuration that was long enough and ended in order."""
    wanted = facts.limits.dry_run
    if wanted <= timedelta():
        return "none is required, as TRADAI_LIVE_DRY_RUN_HOURS says"
    longest = max(
        (run.duration for run in known(facts.dry_runs) if _counts(run, facts)), default=timedelta()
    )
    if longest < wanted:
        found = (
            f"the longest dry-run of this configuration took {duration(longest.total_seconds())}"
            if longest
            else "no dry-run of this configuration has ended well"
        )
        message = (
            f"{found}; the least is {duration(wanted.total_seconds())}: run it with "
            "`tradai-entrypoint run --mode dry-run`, or set TRADAI_LIVE_DRY_RUN_HOURS"
        )
        raise TradingError(message, reason="dry_run")
    return f"a dry-run of this configuration took {duration(longest.total_seconds())}"


def _counts(run: DryRun, facts: PreflightFacts) -> bool:
    is_same = run.config_digest == facts.config_digest and not run.is_fallback
    return is_same and run.exit_code == ExitCode.DONE


def _problems(state: StatePlaces) -> Iterator[str]:
    volume = state.durable_volume
    if volume is not None and volume == volume.parent:
        yield f"{_DURABLE_VOLUME}={volume} is the whole disk, of which a volume is a part"
    for name, uri in sorted(state.uris.items()):
        if uri.startswith("memory:") or (is_sqlite(uri) and state_file(uri) is None):
            yield f"the {name} is kept in memory"
        path = state_file(uri)
        problem = path and _file_problem(path, state, is_database=is_sqlite(uri))
        if problem:
            yield f"the {name} at {path} {problem}"


def _file_problem(path: Path, state: StatePlaces, *, is_database: bool) -> str | None:
    kind = state.disks.get(path, Disk(kind=None)).kind
    if is_database and (kind in _NETWORK or (kind or "").startswith("fuse")):
        return f"is on a network file system ({kind}), where sqlite breaks"
    if state.durable_volume is not None and path.is_relative_to(state.durable_volume):
        return None
    if state.is_container:
        return "is on the disk of a container, which ends with it"
    if kind is None or kind in _OF_THE_MOMENT:
        return f"is on a disk that may not outlive this machine ({kind or 'unknown'})"
    return None
