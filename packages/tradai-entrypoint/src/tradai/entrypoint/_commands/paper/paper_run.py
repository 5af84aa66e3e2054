"""A dry-run of this machine, as its operators ask, pause and stop it."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, final

from tradai.core import SystemClock, TradingMode, WaitingClock
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.core.live import SessionRecord, SessionRequest, SessionState
from tradai.entrypoint._history.local_runs import find_run
from tradai.entrypoint._history.summaries import list_runs
from tradai.entrypoint._live.live_places import session_store_of
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._live.session_requests import request_session, require_not_replaced
from tradai.entrypoint._live.session_view import SessionView
from tradai.entrypoint._paper.paper_session import paper_name, paper_store
from tradai.entrypoint._paper.paper_status import PaperStatus
from tradai.entrypoint._paper.run_process import lives
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._process.runs_folder import runs_folder
from tradai.entrypoint._runs._bias.bias_checks import bias_notices
from tradai.entrypoint._runs.folder import RunFolder
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._store.names import KILLED_SENTENCE

_POLL_S: Final = 0.5


@final
class PaperRun:
    """A dry-run in a run folder of this machine."""

    def __init__(self, folder: Path) -> None:
        """Use the run in `folder`."""
        self.folder = folder
        self._scratch = RunFolder(folder).scratch

    @property
    def manifest(self) -> RunManifest:
        """The manifest as it is now."""
        return RunManifest.read(self.folder)

    @property
    def run_id(self) -> str:
        """Id of the run."""
        return self.manifest.run_id

    @property
    def lives(self) -> bool:
        """Whether its process lives."""
        return lives(self.folder)

    @property
    def verdict(self) -> str | None:
        """Its verdict; None while it runs, and when its process was killed."""
        return self.manifest.verdict

    @property
    def record(self) -> SessionRecord | None:
        """Record of its session; None before the first and after its end."""
        return paper_store(self._scratch).read(paper_name(self.run_id))

    @property
    def status(self) -> PaperStatus | None:
        """Its last status; None before the first and after its end."""
        return PaperStatus.read(self._scratch)

    @property
    def bias(self) -> str | None:
        """The notice that bias was found in its source, maybe after its start; else None."""
        return next(iter(bias_notices(self.folder.parent, self.manifest)), None)

    @property
    def state(self) -> str:
        """Short text for people."""
        is_gone = self.manifest.state == "running" and not self.lives
        # Read again: a process that is gone may have written its end meanwhile.
        manifest, record = self.manifest, self.record
        if manifest.state == "ended":
            return f"ended with exit code {manifest.exit_code}"
        if is_gone:
            return KILLED_SENTENCE
        return record.state.value if record else "starting"

    @property
    def _end(self) -> str:
        """The state of a run that obeys no request; of a killed one, with the way to go on."""
        state = self.state
        if state != KILLED_SENTENCE:
            return state
        return f"{state}; `tradai-entrypoint run --continue {self.run_id}` goes on with it"

    def request(self, request: SessionRequest) -> None:
        """Leave `request` with the process of the run.

        Raises:
            ValidationError: The run has ended, or has not begun to trade.
            ExternalServiceError: The disk refused.
        """
        if self.manifest.state == "ended" or not self.lives or self.record is None:
            message = f"the dry-run {self.run_id} does not trade: it is {self._end}"
            raise ValidationError(message, field="session", expected="a dry-run that trades")
        request_session(paper_store(self._scratch), paper_name(self.run_id), request)

    def follow(
        self,
        request: SessionRequest,
        clock: WaitingClock,
        on_record: Callable[[SessionRecord], None],
    ) -> ExitCode:
        """Wait until the run has obeyed `request` or has ended, and return how that went.

        Raises:
            ConflictError: Another request has replaced this one.
        """
        is_stop = request.state is SessionState.STOPPED
        while self.lives:
            record = self.record
            if record is not None:
                on_record(record)
                if not is_stop and record.state is request.state and record.request is None:
                    return ExitCode.DONE
                require_not_replaced(record, request)
            clock.sleep(_POLL_S)
        manifest = self.manifest
        if manifest.exit_code is None:
            return ExitCode.CRASHED
        return ExitCode.of(manifest.exit_code) if is_stop else ExitCode.DATA

    def to_json(self) -> dict[str, object]:
        """Return everything that is known."""
        manifest, record, status = self.manifest, self.record, self.status
        view = SessionView(record=record, now=SystemClock().now()) if record else None
        return {
            "run_id": manifest.run_id,
            "mode": "dry-run",
            "state": self.state,
            "is_fallback": manifest.is_fallback,
            "bias": self.bias,
            "is_running": manifest.state == "running" and self.lives,
            "exit_code": manifest.exit_code,
            "verdict": manifest.verdict,
            "results": manifest.results,
            "continuation": manifest.continuation,
            "session": view.to_json() if view else None,
            "status": status.model_dump(mode="json") if status else None,
        }


def paper_run(args: argparse.Namespace) -> PaperRun | None:
    """Return the dry-run that the command names; None for a live session.

    A session of that name comes first, so that a request never reaches another program.

    Raises:
        NotFoundError: There is no such run, and no session store is set.
        ValidationError: Several runs have that name, or it is that of a run of another mode.
        ExternalServiceError: The session store refused or did not answer.
    """
    if args.session is None or _is_session(args.session):
        return None
    try:
        folder = find_run(runs_folder(args.runs, os.environ), args.session)
    except NotFoundError as exc:
        if LiveSettings().sessions is not None:
            # The session store answers then.
            return None
        message = f"{exc}; there is no store of live sessions either (TRADAI_LIVE_SESSIONS)"
        raise NotFoundError(message, kind="run", key=args.session) from exc
    mode = RunManifest.read(folder).mode
    if mode is not TradingMode.DRY_RUN:
        shown = mode.value if mode else "refused"
        message = (
            f"run {folder.name} is a {shown} run: name a dry-run, or a session of `status`; "
            "`runs show` shows a run"
        )
        raise ValidationError(message, field="session", expected="a dry-run or a live session")
    return PaperRun(folder)


def living_runs(args: argparse.Namespace) -> list[PaperRun]:
    """Return the dry-runs of this machine that run, the newest first."""
    runs = list_runs(runs_folder(args.runs, os.environ))
    living = (run for run in runs if run.mode == TradingMode.DRY_RUN and run.has_process)
    return [PaperRun(run.folder) for run in living]


def _is_session(name: str) -> bool:
    settings = LiveSettings()
    if settings.sessions is None:
        return False
    try:
        return session_store_of(settings).read(name) is not None
    # Ids of runs may have capitals, which names of sessions do not.
    except ValidationError:
        return False
