"""The last look at a live session that has ended: a doubt about it is never a success."""

from collections.abc import Iterator
from dataclasses import replace

from tradai.entrypoint._live.live_session import LiveSession
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint._runs.folder import RunFolder


def with_doubts(verdict: Verdict, session: LiveSession, context: RunContext) -> Verdict:
    """Return `verdict`, or the one that names a doubt when that is a success; a notice has it."""
    found = [*_doubts(session, context.folder)]
    context.record.notices += [each.sentence for each in found]
    return found[0] if found and verdict.is_success else verdict


def with_record(verdict: Verdict, session: LiveSession, context: RunContext) -> Verdict:
    """Return `verdict`, which says when the record of `session` does not have its end."""
    since = session.unwritten_since
    if since is None:
        return verdict
    notice = f"its session record could not be written since {since:%Y-%m-%d %H:%M:%S} UTC"
    context.record.notices.append(notice)
    return replace(verdict, sentence=f"{verdict.sentence}; {notice}")


def _doubts(session: LiveSession, folder: RunFolder) -> Iterator[Verdict]:
    if session.doubt is not None:
        sentence = f"the session was stopped, but {session.doubt}; look at the account before the "
        yield Verdict(exit_code=ExitCode.MISMATCH, sentence=f"{sentence}next start")
    if not folder.journal.exists():
        sentence = (
            f"the run folder {folder.path} was removed while the session traded, and its journal "
            "and engine.log with it: find out by what, and look at the orders at the exchange"
        )
        yield Verdict(exit_code=ExitCode.RESULT, sentence=sentence)
