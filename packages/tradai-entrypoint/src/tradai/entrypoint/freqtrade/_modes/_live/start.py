"""The start of a live session: its gate, and the checks before its engine is started."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from tradai.core import TradingMode, file_path, utc_now
from tradai.core.exceptions import ConfigurationError, TradingError
from tradai.core.live import Approval
from tradai.entrypoint._live._risk.restarts import halt_restarts
from tradai.entrypoint._live.check_table import (
    CheckFailedError,
    may_start,
    refusals,
    require_all,
)
from tradai.entrypoint._live.gate import Admission, Gate, SignedIn
from tradai.entrypoint._live.live_places import latch_of
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._live.probes import Probes, SessionProbes
from tradai.entrypoint._live.watchdog import EntryAccount
from tradai.entrypoint._preflight.checks import open_items, run_checks
from tradai.entrypoint._preflight.facts import PreflightFacts
from tradai.entrypoint._preflight.preflight import preflight_checks
from tradai.entrypoint._process.checks import Checklist, CheckRow
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._exchange.markets import MarketsSnapshot
from tradai.entrypoint.freqtrade._preparation.live_plan import live_plan
from tradai.entrypoint.freqtrade._preparation.planned_session import venue_of
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._preparation.session_start import SessionStart

_log: Final = logging.getLogger(__name__)


def gate_of(job: EngineJob, context: RunContext, settings: LiveSettings) -> Gate:
    """Return the gate of `job`, whose plan is recorded.

    Raises:
        ConfigurationError: The plan cannot be approved.
        TradingError: The market rules that were named are made.
    """
    _refuse_made_rules(context)
    plan = live_plan(job, context, settings)
    address = context.parameters.exchange_url
    context.record_digest("live", plan.digest)
    context.record.live = {"plan": plan.model_dump(mode="json"), "confirmation": plan.confirmation}
    if address is not None:
        notice = f"the exchange is at {address}: loopback, no money"
        context.record.live["place"] = notice
        context.record.notices.append(notice)
    return Gate(settings, plan, venue_of(job, address))


def _refuse_made_rules(context: RunContext) -> None:
    """Refuse a file of rules that no exchange has; LIVE trades by the rules of the exchange."""
    if context.markets is None:
        return
    path = file_path(context.inputs.file_of(context.markets))
    if MarketsSnapshot.load(path).origin == "made":
        message = (
            f"the market rules {path} were made, not captured, and LIVE trades by the rules of "
            "the exchange: leave out --markets and TRADAI_RUN_MARKETS"
        )
        raise TradingError(message, reason="made_market_rules")


@contextmanager
def served_probes(settings: LiveSettings, context: RunContext) -> Iterator[SessionProbes]:
    """Serve the probes of a session that starts, where a port is set, and record the port.

    Raises:
        ConfigurationError: The port cannot be had.
    """
    probes = SessionProbes(pause_s=context.config.execution.process_throttle_s or 0.0)
    if settings.probe_port is None:
        yield probes
        return
    with Probes(probes.answers, port=settings.probe_port) as listening:
        context.record.live["probe_port"] = listening.port
        context.journal.append("probes listening", port=listening.port)
        yield probes


def record_admission(admission: Admission, context: RunContext) -> None:
    """Record who allowed the session, for which account, and under which terms."""
    approval, signed_in = admission.approval, admission.signed_in
    context.record.live |= {
        "account": str(signed_in.account),
        "order_prefix": signed_in.order_prefix,
        "approval": approval.model_dump(mode="json", exclude={"plan"}),
    }
    context.journal.append(
        "session admitted", approver=approval.approver, account=str(signed_in.account)
    )
    _log.warning(
        "the session is admitted",
        extra={
            "account": str(signed_in.account),
            "approver": approval.approver,
            "place": context.record.live.get("place", "real money"),
        },
    )
    context.folder.write_manifest(context.record)


def confirm_admission(gate: Gate, admission: Admission, context: RunContext) -> Admission:
    """Return the admission as the approvals stand now, which is recorded when it is another one.

    The lease may have been waited for.

    Raises:
        TradAIError: See `Gate.confirm`.
    """
    confirmed = gate.confirm(admission)
    if confirmed != admission:
        record_admission(confirmed, context)
    return confirmed


def require_checks(start: SessionStart) -> PreflightFacts:
    """Check a session whose start is in its record; when all is well its engine may be started.

    A restart budget that is spent halts trading. Returns the facts, which are those of the account
    under its lease.

    Raises:
        CheckFailedError: A check keeps it from starting; all of them are named.
        ConfigurationError: Two checks have one name, or a place is not set.
        HaltedError: The halt latch cannot be read.
        ExternalServiceError: A store refused or did not answer.
        LeaseLostError: The lease could not be kept for so long.
        RunInterruptedError: A signal came first.
    """
    checks, context = preflight_checks(), start.context
    facts = start.facts(start.recorded_starts())
    rows = run_checks(checks, facts, keep=start.keep)
    context.journal.append("checked", **{row.name: row.status for row in rows})
    context.record.live["checks"] = {row.name: f"{row.status}: {row.detail}" for row in rows}
    try:
        require_all(rows, mode=TradingMode.LIVE, expected=[check.name for check in checks])
    except CheckFailedError:
        halt_restarts(latch_of(start.settings), rows, run_id=context.run_id)
        raise
    return facts


def check_rows(start: SessionStart | None) -> Iterator[CheckRow]:
    """Yield the rows of the same checks, those that refuse last, each with the next command.

    Args:
        start: The session as if it started now; None while its account is not known.
    """
    found: list[PreflightFacts] = []
    yield Checklist().row("session facts", partial(_gather, start, found))
    checks = preflight_checks()
    rows = run_checks(checks, found[0]) if found else ()
    yield from (row for row in rows if may_start(row.name, TradingMode.LIVE, row.status))
    refused = refusals(rows, mode=TradingMode.LIVE, expected=[check.name for check in checks])
    for row, command in open_items(checks, refused):
        yield replace(row, detail=f"{row.detail}; next: {command}" if command else row.detail)


def _gather(start: SessionStart | None, found: list[PreflightFacts]) -> str:
    if start is None:
        message = "the account is not known, and without it nothing can be checked: see above"
        raise ConfigurationError(message, key="TRADAI_LIVE_API_KEY")
    found.append(start.facts((*start.recorded_starts(), utc_now())))
    return "account, markets and state were read"


def end_of(approval: Approval, settings: LiveSettings) -> datetime:
    """Return the instant at which a session that starts now is stopped at the latest."""
    hours = settings.longest_session_hours
    if hours is None:
        return approval.expires_at
    return min(approval.expires_at, utc_now() + timedelta(hours=hours))


def entry_account(signed_in: SignedIn, context: RunContext) -> EntryAccount:
    """Return the account whose open entries a watchdog cancels."""
    return EntryAccount(
        exchange=signed_in.account.venue,
        base_url=context.parameters.exchange_url,
        keys=signed_in.keys,
        prefix=signed_in.order_prefix,
    )
