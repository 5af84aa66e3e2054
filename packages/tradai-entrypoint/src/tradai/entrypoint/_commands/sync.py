"""`tradai-entrypoint sync`: send to the tracking server what waits for it, and close dead runs."""

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import final

from tradai.core import Delivery, Tracker, redact
from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    TradAIError,
)
from tradai.entrypoint._commands.console import print_json, print_text
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._process.interrupts import Interrupts, RunInterruptedError
from tradai.entrypoint._process.runs_folder import (
    OTHER_TRACKED_FOLDERS,
    runs_folder,
    runs_store,
    store_timeout_s,
)
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint._runs.tracking import TRACKING_URI, crash_sentence, find_tracker
from tradai.entrypoint._store.names import TRACKING_NAME
from tradai.entrypoint._store.run_store import RunStore
from tradai.entrypoint._store.tracked_runs import TrackedCopy, tracked_copies


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SyncedRun:
    """A run, and what the server has of it, or the error of finding out.

    Attributes:
        may_be_dead: Whether its process is taken to live because its end is not in the run store.
    """

    name: str
    delivery: Delivery
    may_be_dead: bool = False

    @property
    def exit_code(self) -> int:
        """0 unless something waits that its own process will not send, or is lost."""
        problem = self.delivery.problem
        if self.delivery.is_alive or not (self.delivery.waiting or problem):
            return 0
        return problem.exit_code if problem else int(ExitCode.UNAVAILABLE)

    def is_news(self) -> bool:
        """Tell whether something was sent, or could not be."""
        return bool(self.delivery.waiting or self.delivery.sent or self.delivery.is_alive)

    def sentence(self) -> str:
        """Return what happened, in one line."""
        delivery = self.delivery
        if self.may_be_dead:
            return (
                f"{self.name}: waits, since its own process may send it; "
                f"if that process is gone, `--dead {self.name}` sends it"
            )
        if delivery.is_alive:
            return f"{self.name}: goes on, and is sent by its own process"
        reason = f": {delivery.problem}" if delivery.problem else ""
        if not delivery.waiting:
            return f"{self.name}: delivered to {delivery.place}{reason}"
        verb = "waits" if delivery.waiting == 1 else "wait"
        return f"{self.name}: {counted(delivery.waiting, 'fact')} still {verb}{reason}"

    def to_json(self) -> dict[str, object]:
        """Return the facts as JSON."""
        problem = self.delivery.problem
        return {
            "run": self.name,
            "waiting": self.delivery.waiting,
            "is_alive": self.delivery.is_alive,
            "may_be_dead": self.may_be_dead,
            "place": self.delivery.place,
            "problem": str(problem) if problem else None,
        }


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Send what waits; return the exit code of the first run of which something still waits."""
    tracker = find_tracker(os.environ)
    if tracker is None:
        message = f"no tracking server was named: set {TRACKING_URI}"
        raise ConfigurationError(message, key=TRACKING_URI)
    _check_places(args)
    synced: list[SyncedRun] = []
    try:
        with interrupts.raising():
            for run in filter(SyncedRun.is_news, _synced(args, tracker)):
                synced.append(run)
                if not args.json:
                    print_text(run.sentence())
                # A tracker may have taken the signal for a problem of its own.
                interrupts.check()
    finally:
        if args.json:
            print_json([run.to_json() for run in synced])
    if not synced and not args.json:
        print_text("nothing waits for the tracking server")
    return next((run.exit_code for run in synced if run.exit_code), 0)


def _check_places(args: argparse.Namespace) -> None:
    """Refuse places that are not there: nothing waits in them, which looks like success."""
    for name in filter(None, [args.runs, *args.folders]):
        if not Path(name).is_dir():
            message = f"there is no folder {name!r} of tracked runs; check the path"
            raise NotFoundError(message, kind="folder", key=name)
    if args.dead and (args.folders or not runs_store(args.store, os.environ)):
        message = "--dead is about runs in the run store: name the store by --store, and no folder"
        raise ConfigurationError(message, key="TRADAI_RUN_STORE")


def _synced(args: argparse.Namespace, tracker: Tracker) -> Iterator[SyncedRun]:
    """Yield the tracked runs, on this machine and then in the run store."""
    root = runs_folder(args.runs, os.environ)
    folders = [Path(name) for name in args.folders] or [root, *OTHER_TRACKED_FOLDERS]
    for folder in _tracked_folders(folders):
        yield _sync(tracker, folder, folder.name)
    uri = runs_store(args.store, os.environ)
    if uri and not args.folders:
        store, timeout_s = RunStore.at(uri), store_timeout_s(os.environ)
        for copy in tracked_copies(store, timeout_s=timeout_s):
            # A run of this machine was sent from its folder.
            if not (root / copy.run_id).exists():
                yield _sync_copy(tracker, copy, is_dead=copy.run_id in args.dead)


def _tracked_folders(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        for spool in (folder / TRACKING_NAME, *sorted(folder.glob(f"*/{TRACKING_NAME}"))):
            if spool.exists():
                yield spool.parent


def _sync(tracker: Tracker, folder: Path, name: str) -> SyncedRun:
    return _noted(name, lambda: SyncedRun(name=name, delivery=tracker.deliver(folder)))


def _sync_copy(tracker: Tracker, copy: TrackedCopy, *, is_dead: bool) -> SyncedRun:
    """Send a run of the store from a copy of its files, unless its own process may send it too."""
    if not (copy.has_ended or is_dead):
        alive = Delivery(waiting=0, is_alive=True)
        return SyncedRun(name=copy.run_id, delivery=alive, may_be_dead=True)
    return _noted(copy.run_id, lambda: _send_copy(tracker, copy))


def _send_copy(tracker: Tracker, copy: TrackedCopy) -> SyncedRun:
    with TemporaryDirectory(prefix="tradai-sync-") as folder:
        copy.bring(Path(folder))
        run = _sync(tracker, Path(folder), copy.run_id)
        if not run.delivery.waiting:
            copy.mark_delivered()
        return run


def _noted(name: str, send: Callable[[], SyncedRun]) -> SyncedRun:
    """Return what `send` returns, or its error, so that the other runs are sent too."""
    problem: TradAIError
    try:
        return send()
    except RunInterruptedError:
        raise
    except TradAIError as exc:
        problem = exc
    # A tracker may be third-party code, and its crash is about this run alone.
    except Exception as exc:  # noqa: BLE001
        message = redact(crash_sentence(exc))
        problem = ExternalServiceError(message, service="tracking", operation="deliver")
    return SyncedRun(name=name, delivery=Delivery(waiting=1, problem=problem))
