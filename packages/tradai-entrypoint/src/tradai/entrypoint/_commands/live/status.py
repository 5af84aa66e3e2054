"""`tradai-entrypoint status`: show live sessions of a store, and dry-runs of this machine."""

import argparse
import os
from collections.abc import Iterator
from typing import Final

from tradai.core import SystemClock
from tradai.core.exceptions import ConfigurationError
from tradai.core.live import SessionStore
from tradai.entrypoint._commands.console import print_json, print_table, print_text
from tradai.entrypoint._commands.live.operator import ago
from tradai.entrypoint._commands.paper.paper_run import living_runs, paper_run
from tradai.entrypoint._commands.paper.screen import show_paper, show_papers
from tradai.entrypoint._live.live_places import session_store_of
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._live.session_requests import session_record
from tradai.entrypoint._live.session_view import SessionView
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.runs_folder import runs_folder
from tradai.entrypoint._report.formatting import counted

_COLUMNS: Final = ("session", "state", "heartbeat", "progress", "reason")


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print one session or dry-run in full, or a row for each session."""
    if (paper := paper_run(args)) is not None:
        return show_paper(paper, args, interrupts=interrupts)
    if args.watch:
        message = "--watch follows a dry-run: name one, or ask again for a live session"
        raise ConfigurationError(message, key="--watch")
    if args.session is None and _has_shown_papers(args):
        return 0
    store = session_store_of(LiveSettings())
    with interrupts.raising():
        views = list(_views(store, args.session))
    _print_views(views, args)
    return 0


def _has_shown_papers(args: argparse.Namespace) -> bool:
    """Print the dry-runs that run, and return whether there is no store of sessions to ask."""
    has_sessions = LiveSettings().sessions is not None
    papers = living_runs(args)
    if args.json:
        if not has_sessions:
            show_papers(papers, as_json=True)
    elif papers:
        show_papers(papers, as_json=False)
    elif not has_sessions:
        place = runs_folder(args.runs, os.environ)
        absent = "there is no store of live sessions (TRADAI_LIVE_SESSIONS)"
        print_text(f"no dry-run is running in {place}, and {absent}")
    return not has_sessions


def _print_views(views: list[SessionView], args: argparse.Namespace) -> None:
    if args.json:
        answer = [view.to_json() for view in views]
        print_json(answer[0] if args.session else answer)
        return
    if args.session:
        print_table(("session", args.session), _facts(views[0]))
    elif views:
        print_table(_COLUMNS, [_row(view) for view in views])
    else:
        print_text("no session was started yet")
    print_doubts(views)


def print_doubts(views: list[SessionView]) -> None:
    """Print the sessions that may not live to standard error."""
    for view in views:
        if view.stale_reason:
            print_text(f"stale: {view.record.session}: {view.stale_reason}", is_error=True)


def _views(store: SessionStore, name: str | None) -> Iterator[SessionView]:
    records = store.records() if name is None else [session_record(store, name)]
    now = SystemClock().now()
    return (SessionView(record=record, now=now) for record in records)


def _row(view: SessionView) -> tuple[str, ...]:
    record = view.record
    waits = f" ({record.request.state} was asked for)" if record.request else ""
    return (
        record.session,
        f"{record.state.value}{waits}",
        ago(view.beat_age_s),
        str(record.progress),
        record.reason,
    )


def _progress(view: SessionView) -> str:
    turns = view.record.progress
    if not turns:
        return "the engine has not made a turn yet"
    return f"{counted(turns, 'turn')}, the last {ago(view.progress_age_s)}"


def _facts(view: SessionView) -> Iterator[tuple[str, str]]:
    record, request = view.record, view.record.request
    yield "state", f"{record.state.value} ({record.status.value} on the platform)"
    yield "since", f"{record.moved_at:%Y-%m-%d %H:%M:%S} UTC"
    yield "reason", record.reason
    yield "heartbeat", ago(view.beat_age_s)
    yield "progress", _progress(view)
    if request is None:
        yield "request", "-"
    else:
        waits = f"by {request.by} at {request.at:%Y-%m-%d %H:%M:%S} UTC, not obeyed yet"
        yield "request", f"{request.state.value}, {waits}: {request.reason}"
    yield "run", record.run_id
    yield "before it", record.predecessor or "-"
