"""`tradai-entrypoint resume`: clear the halt that stands, so that trading may start again."""

import argparse
import sys
from typing import Final

from tradai.core.exceptions import (
    ConfigurationError,
    ConflictError,
    NotFoundError,
    ValidationError,
)
from tradai.entrypoint._commands.console import print_json, print_text
from tradai.entrypoint._commands.live.operator import operator_of
from tradai.entrypoint._live._risk.halt_latch import Halt, HaltLatch
from tradai.entrypoint._live.live_places import latch_of, session_store_of
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._live.lost_halts import record_lost_halt
from tradai.entrypoint._live.session_requests import session_record
from tradai.entrypoint._process.interrupts import Interrupts

_NEW_MARKS: Final = "losses are measured anew from its first equity on"
_KEPT_MARKS: Final = (
    "losses are measured from the same marks as before: where a limit is still reached, the next "
    "session acts on it again; approve larger limits, or clear its halt with --new-marks"
)


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Show the halts that stand, clear them, and print what was cleared."""
    settings = LiveSettings()
    latch = latch_of(settings)
    by = operator_of(args)
    if args.lost:
        _record_lost(args.session, settings, latch)
    with interrupts.raising():
        number = _number(args, settings, latch)
        while True:
            try:
                latch.clear(number, reason=args.reason, by=by, new_marks=args.new_marks)
                break
            except ConflictError:
                if args.halt is not None:
                    raise
                # A halt was recorded after the person had looked.
                number = _asked(_standing(latch))
    cleared = next(halt for halt in latch.halts() if halt.number == number)
    if args.json:
        print_json(cleared.model_dump(mode="json"))
    else:
        print_text(f"halt {number} is cleared by {by}: a session may start again")
        print_text(_NEW_MARKS if args.new_marks else _KEPT_MARKS)
    return 0


def _record_lost(session: str | None, settings: LiveSettings, latch: HaltLatch) -> None:
    if session is None:
        message = "--lost is about one session: expected --session NAME beside it"
        raise ConfigurationError(message, key="--session")
    record = session_record(session_store_of(settings), session)
    record_lost_halt(latch, record, place=settings.place("latch"))


def _number(args: argparse.Namespace, settings: LiveSettings, latch: HaltLatch) -> int:
    standing = _standing(latch)
    if args.session is not None and standing:
        _require_session(standing, args.session, settings)
    if args.halt is not None:
        return int(args.halt)
    if len(standing) > 1:
        return _asked(standing)
    if not args.json:
        _print_halts(standing)
    return standing[0].number if standing else 0


def _standing(latch: HaltLatch) -> list[Halt]:
    """Return the halts that were recorded since the last clearance, oldest first."""
    standing: list[Halt] = []
    for halt in latch.halts():
        standing = [] if halt.cleared else [*standing, halt]
    return standing


def _require_session(standing: list[Halt], name: str, settings: LiveSettings) -> None:
    """Refuse halts of other sessions.

    Raises:
        NotFoundError: There is no such session.
        ValidationError: A halt that stands was recorded by a run of another session.
    """
    record = session_record(session_store_of(settings), name)
    others = [halt for halt in standing if halt.run_id not in {record.run_id, record.predecessor}]
    if others:
        numbers = ", ".join(f"halt {halt.number} (run {halt.run_id})" for halt in others)
        expected = f"halts of run {record.run_id}, the last one of {name}"
        message = f"{numbers} is not of session {name}: expected {expected}; look at it first"
        raise ValidationError(message, field="session", expected=expected)


def _asked(standing: list[Halt]) -> int:
    """Let the person read all halts that stand, and type the number of the newest.

    Raises:
        NotFoundError: None stands any more.
        ValidationError: Something else was typed, or standard input has ended.
    """
    if not standing:
        raise NotFoundError("no halt stands any more", kind="halt", key="newest")
    _print_halts(standing)
    sys.stdout.write("type the number of the newest halt to clear all of them: ")
    sys.stdout.flush()
    typed = sys.stdin.readline().strip()
    newest = standing[-1].number
    if typed != str(newest):
        expected = f"{newest}, or --halt {newest} in a script"
        message = f"nothing is cleared: expected {expected}"
        raise ValidationError(message, field="halt", expected=expected)
    return newest


def _print_halts(standing: list[Halt]) -> None:
    for halt in standing:
        when = f"{halt.at:%Y-%m-%d %H:%M:%S} UTC"
        print_text(f"halt {halt.number} at {when} by run {halt.run_id}: {halt.cause}")
