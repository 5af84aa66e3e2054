"""`tradai-entrypoint stop`: stop, pause or continue a live session or a dry-run."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tradai.core import SystemClock, WaitingClock
from tradai.core.live import SessionRecord, SessionRequest, SessionState
from tradai.entrypoint._commands.console import print_json, print_text
from tradai.entrypoint._commands.live.operator import operator_of
from tradai.entrypoint._commands.paper.paper_run import PaperRun, paper_run
from tradai.entrypoint._live.live_places import session_store_of
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._live.session_requests import follow_request, request_session, session_record
from tradai.entrypoint._live.session_view import SessionView
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._process.interrupts import Interrupts, RunInterruptedError

_CODES: Final = {SessionState.FAILED: ExitCode.CRASHED, SessionState.HALTED: ExitCode.HALTED}
_WANTED: Final = {
    SessionState.STOPPED: "stop",
    SessionState.PAUSED: "pause",
    SessionState.RUNNING: "go on",
}
_WAITING: Final = "waiting until it is done; Ctrl-C ends the waiting, the request stays"


def execute(
    args: argparse.Namespace, *, interrupts: Interrupts, clock: WaitingClock | None = None
) -> int:
    """Leave the request, and show the session until it has obeyed; return how it ended."""
    clock = clock or SystemClock()
    request = _request(args, clock)
    if (paper := paper_run(args)) is not None:
        return _stop_paper(paper, args, request, clock=clock, interrupts=interrupts)
    store = session_store_of(LiveSettings())
    screen = _Screen(clock, is_quiet=args.json)
    with interrupts.raising():
        request_session(store, args.session, request)
        screen.say(f"{args.session} is asked to {_WANTED[request.state]}")
        if args.detach:
            record = session_record(store, args.session)
        else:
            screen.say(_WAITING)
            with _waiting_for(args.session):
                record = follow_request(
                    store, args.session, request, clock=clock, on_record=screen.show
                )
    if args.json:
        print_json(SessionView(record=record, now=clock.now()).to_json())
    return int(ExitCode.DONE if args.detach else _code(record, request))


def _stop_paper(
    paper: PaperRun,
    args: argparse.Namespace,
    request: SessionRequest,
    *,
    clock: WaitingClock,
    interrupts: Interrupts,
) -> int:
    """Leave the request with the process of a dry-run, and wait until it has obeyed."""
    screen = _Screen(clock, is_quiet=args.json)
    with interrupts.raising():
        paper.request(request)
        screen.say(f"{paper.run_id} is asked to {_WANTED[request.state]}")
        code = ExitCode.DONE
        if not args.detach:
            screen.say(_WAITING)
            with _waiting_for(paper.run_id):
                code = paper.follow(request, clock, screen.show)
    if args.json:
        print_json(paper.to_json())
    elif not args.detach and paper.verdict:
        screen.say(f"{paper.run_id}: {paper.verdict}")
    return int(code)


@contextmanager
def _waiting_for(session: str) -> Iterator[None]:
    """Say of a signal inside the block, which waits for a session, that the request stays.

    Raises:
        RunInterruptedError: A signal came.
    """
    try:
        yield
    except RunInterruptedError as exc:
        message = (
            f"{exc}: only the waiting has ended, and the request to {session} stays; "
            f"`tradai-entrypoint status {session}` shows whether it was obeyed"
        )
        raise RunInterruptedError(message, signal_number=exc.signal_number) from exc


def _request(args: argparse.Namespace, clock: WaitingClock) -> SessionRequest:
    """Return the request.

    Raises:
        ConfigurationError: This login has no name.
    """
    by = operator_of(args)
    fields = {"state": args.wanted, "reason": args.reason, "by": by, "at": clock.now()}
    return SessionRequest.model_validate(fields)


def _code(record: SessionRecord, request: SessionRequest) -> ExitCode:
    if record.state is request.state:
        return ExitCode.DONE
    # It has ended otherwise than it was asked to.
    return _CODES.get(record.state, ExitCode.DATA)


class _Screen:
    """Lines about a session, one for each change."""

    def __init__(self, clock: WaitingClock, *, is_quiet: bool) -> None:
        self._clock = clock
        self._is_quiet = is_quiet
        self._last: tuple[object, ...] = ()

    def say(self, sentence: str) -> None:
        if not self._is_quiet:
            print_text(sentence)
            # A pipe would get it at the end only.
            sys.stdout.flush()

    def show(self, record: SessionRecord) -> None:
        """Print the state, and the doubt, when one of them is new."""
        doubt = SessionView(record=record, now=self._clock.now()).stale_reason
        shown = (record.state, record.reason, doubt is None)
        if shown == self._last:
            return
        self._last = shown
        self.say(f"{record.session}: {record.state.value}: {record.reason}")
        if doubt:
            print_text(f"stale: {record.session}: {doubt}", is_error=True)
