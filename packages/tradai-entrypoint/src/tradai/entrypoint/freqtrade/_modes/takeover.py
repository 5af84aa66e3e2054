"""Take over the trades of an earlier dry-run: its database, with a record in both manifests."""

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tradai.core import FileJournal, JsonValue, utc_now
from tradai.core.exceptions import ConfigurationError, NotFoundError
from tradai.entrypoint._paper.paper_session import PAUSED, RESUMED
from tradai.entrypoint._paper.run_process import lives, locked_run
from tradai.entrypoint._report.config_rows import flatten
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint._runs.continuation import Continuation
from tradai.entrypoint._runs.folder import RunFolder
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._store.claim import RunOwnedError
from tradai.entrypoint._store.names import JOURNAL_NAME
from tradai.entrypoint.freqtrade._results.collected import ENGINE_DATABASE
from tradai.entrypoint.freqtrade._results.database import trade_figures
from tradai.entrypoint.freqtrade._results.sqlite_file import DATABASE_NAME, SqliteFile

_log: Final = logging.getLogger(__name__)
# Rows of trades mean something else with another one of these.
_FIXED: Final = frozenset({"exchange", "stake_currency", "strategy.class"})
_HARMLESS: Final = frozenset({"version"})
_SHOWN: Final = 5
# Facts beside the configuration by which the same trades would go on otherwise.
_OTHERS: Final[Mapping[str, Callable[[RunManifest], JsonValue]]] = MappingProxyType(
    {
        "run.exchange_url": lambda run: run.run_parameters.get("exchange_url"),
        "the strategy source": lambda run: run.digests.get("source"),
        "the version of freqtrade": lambda run: run.versions.get("freqtrade"),
    }
)


def take_over(earlier: Continuation, context: RunContext) -> SqliteFile:
    """Copy the trade database of `earlier` to the place where the engine looks for its own.

    Raises:
        ConfigurationError: The configuration or the source differs in a way that matters.
        RunOwnedError: The earlier run still runs, or another run has continued it.
        NotFoundError: It has no trade database.
        StorageError: The disk refused.
    """
    changes = _changes(earlier.manifest, context.record)
    _check_changes(earlier, changes)
    with locked_run(earlier.folder) as is_free:
        if not is_free:
            raise _still_runs(earlier.manifest.run_id)
        # Read again, now that it cannot change.
        before = RunManifest.read(earlier.folder)
        _require_newest(earlier.folder, before)
        database = SqliteFile(context.folder.scratch.resolve() / ENGINE_DATABASE)
        _require_database(earlier.folder, before).copy_to(database.path)
        _record(earlier.folder, before, context, database, changes)
    return database


def trades_of(folder: Path) -> SqliteFile | None:
    """Return the trade database of the dry-run in `folder`; None when it has none.

    After a kill the newest one is where the engine had it, with a write-ahead log.
    """
    places = (RunFolder(folder).scratch / ENGINE_DATABASE, folder / DATABASE_NAME)
    return next((SqliteFile(path.resolve()) for path in places if path.exists()), None)


def was_paused(folder: Path) -> bool:
    """Return whether the dry-run in `folder` was paused last, itself or by the run before it.

    Raises:
        StorageError: Its journal cannot be read.
    """
    events = [entry.event for entry in FileJournal(folder / JOURNAL_NAME).entries()]
    asked = [event for event in events if event in {PAUSED, RESUMED}]
    return asked[-1:] == [PAUSED]


def pause_notices(context: RunContext) -> list[str]:
    """Return a sentence on whether a dry-run that has ended was resumed; none if none was due.

    It is due where the run began paused, as the run that it continues was.

    Raises:
        StorageError: The journal cannot be read.
    """
    before = context.continues.manifest if context.continues else None
    moves = [entry for entry in context.journal.entries() if entry.event in {PAUSED, RESUMED}]
    if before is None or not moves or moves[0].facts.get("by") != _by(before):
        return []
    resumed = next((entry.at for entry in moves if entry.event == RESUMED), None)
    if resumed is None:
        return [f"it was paused from start to end, as run {before.run_id} was before it"]
    at = f"{resumed:%Y-%m-%d %H:%M} UTC"
    return [f"it began paused, as run {before.run_id} was before it, and was resumed at {at}"]


def _by(run: RunManifest) -> str:
    return f"run {run.run_id}"


def _require_database(folder: Path, before: RunManifest) -> SqliteFile:
    database = trades_of(folder)
    if database is None:
        message = (
            f"run {before.run_id!r} has no trade database, so there is nothing to go on with: "
            "start a new run without --continue"
        )
        raise NotFoundError(message, kind="trade database", key=before.run_id)
    return database


def _require_newest(folder: Path, before: RunManifest) -> None:
    """Raise when another run has taken the trades over; one that never got them does not count."""
    after = before.continuation.get("continued_by")
    if not isinstance(after, str):
        return
    successor = folder.parent / after
    if not (successor / JOURNAL_NAME).exists():
        return
    if lives(successor) or trades_of(successor) is not None:
        message = f"run {before.run_id!r} was continued by run {after!r} already: continue that one"
        raise RunOwnedError(message, run_id=before.run_id)


def _record(
    folder: Path,
    before: RunManifest,
    context: RunContext,
    database: SqliteFile,
    changes: list[str],
) -> None:
    """Record the take-over in both manifests, in the new one first."""
    currency = context.config.stake_currency
    figures = trade_figures(database, currency)
    start = float(context.config.execution.starting_balance)
    profit = figures[f"realized_profit_{currency}"]
    balance = round(start + profit, 8) if isinstance(profit, int | float) else start
    facts: dict[str, JsonValue] = {"continues": before.run_id, f"balance_{currency}": balance}
    context.record.continuation = {**facts, **figures, "changes": list(changes)}
    context.folder.write_manifest(context.record)
    at = f"{utc_now():%Y-%m-%dT%H:%M:%SZ}"
    before.continuation |= {"continued_by": context.run_id, "continued_at": at}
    RunFolder(folder).write_manifest(before)
    context.journal.append("run continued", **context.record.continuation)
    if was_paused(folder):
        context.journal.append(PAUSED, by=_by(before), reason="it was paused")
        how = f"`tradai-entrypoint stop {context.run_id} --run --reason TEXT`"
        reason = f"run {before.run_id} was paused, and so is this one: {how} lets it open positions"
        # At the end of the run, where notices are printed, this is too late.
        _log.warning("the dry-run begins paused", extra={"reason": reason})
    if changes:
        notice = f"continues run {before.run_id} with changes: {', '.join(changes)}"
        context.record.notices.append(notice)


def _changes(before: RunManifest, now: RunManifest) -> list[str]:
    """Return the names of everything that differs from the earlier run and matters."""
    others = (name for name, fact in _OTHERS.items() if fact(before) != fact(now))
    return [*_changed_keys(before, now), *others]


def _changed_keys(before: RunManifest, now: RunManifest) -> Iterator[str]:
    rows = [{row.name: row.value for row in flatten(each.config, {})} for each in (before, now)]
    for name in sorted(set().union(*rows) - _HARMLESS):
        if rows[0].get(name) != rows[1].get(name):
            yield name


def _check_changes(earlier: Continuation, changes: list[str]) -> None:
    run_id = earlier.manifest.run_id
    fixed = [name for name in changes if name in _FIXED]
    if fixed:
        message = (
            f"run {run_id!r} cannot be continued with another {', '.join(fixed)}: its trades would "
            "mean something else; start a new run without --continue"
        )
        raise ConfigurationError(message, key=fixed[0])
    if changes and not earlier.accepts_changes:
        more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
        message = (
            f"run {run_id!r} would go on with changes ({', '.join(changes[:_SHOWN])}{more}): go "
            "on with the configuration and the engine that it had, or add --accept-changes"
        )
        raise ConfigurationError(message, key="--continue")


def _still_runs(run_id: str) -> RunOwnedError:
    message = (
        f"run {run_id!r} still runs, or is being continued just now: stop it first with "
        f"`tradai-entrypoint stop {run_id} --reason TEXT`"
    )
    return RunOwnedError(message, run_id=run_id)
