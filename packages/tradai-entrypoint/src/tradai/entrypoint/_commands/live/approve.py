"""`tradai-entrypoint approve`: show what would trade live, and approve it."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tradai.core import SystemClock, TradingMode
from tradai.core.exceptions import ConfigurationError, StorageError, TradingError
from tradai.core.live import Approval
from tradai.entrypoint._commands.arguments import entrypoint_class, read_settings
from tradai.entrypoint._commands.console import print_table, print_text
from tradai.entrypoint._commands.live.approval_rows import limit_text
from tradai.entrypoint._commands.live.terms import ApprovalTerms
from tradai.entrypoint._history.local_runs import differences
from tradai.entrypoint._history.summaries import list_runs
from tradai.entrypoint._live.live_places import approvals_of
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._runs._bias.bias_checks import bias_check_of, bias_sentence, is_clean
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint.freqtrade import PlannedSession, plan_session

# Facts of a run that belong to the plan; the others differ from run to run.
_COMPARED: Final = ("config.", "run_parameters.", "digests.config", "digests.source", "versions.")
_SHOWN_DIGITS: Final = 8


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Show the plan, ask for its digest, and store the approval."""
    terms = ApprovalTerms.of(args)
    settings, request = read_settings(args)
    live = LiveSettings()
    approvals = approvals_of(live)
    entrypoint = entrypoint_class(settings.mode)(settings, request=request, interrupts=interrupts)
    session = plan_session(entrypoint, live)
    bias = bias_check(settings.folder, entrypoint.record, terms)
    approval = terms.approval_of(session, now=SystemClock().now())
    _print_plan(session, approval, bias=bias)
    _print_differences(settings.folder, entrypoint.record)
    _require_typed(session, interrupts)
    approval_id = approvals.approve(approval)
    print_text(f"approved: {approval_id}")
    print_text(f"to start: TRADAI_LIVE_CONFIRM={session.plan.confirmation}")
    return 0


def bias_check(root: Path, planned: RunManifest, terms: ApprovalTerms) -> str:
    """Return the last analysis of the planned source for bias, or the reason to go without.

    Raises:
        TradingError: None was clean, and there is no reason.
        ConfigurationError: It was clean, and there is a reason.
    """
    check = bias_check_of(root, planned)
    if is_clean(check):
        if terms.without_bias_check is not None:
            message = (
                f"the last check for bias is {bias_sentence(check, planned)}: leave "
                "--without-bias-check out, since the approval would keep its reason"
            )
            raise ConfigurationError(message, key="--without-bias-check")
        return bias_sentence(check, planned)
    if terms.without_bias_check is None:
        message = (
            f"the plan cannot be approved without a clean check for bias; the last one in {root} "
            f"is: {bias_sentence(check, planned)}; do one, or give --without-bias-check REASON"
        )
        raise TradingError(message, reason="no bias check")
    return f"without: {terms.without_bias_check}"


def _print_plan(session: PlannedSession, approval: Approval, *, bias: str) -> None:
    place = f"{session.exchange_url}: loopback, no money" if session.exchange_url else "real money"
    stake = "-" if session.stake is None else f"{session.stake:f} {session.stake_currency}"
    rows = [
        *((name.replace("_", " "), str(value or "-")) for name, value in session.plan),
        ("exchange", place),
        ("account", str(session.account)),
        ("key", "; ".join(session.key_problems) or "it may read and trade, and nothing else"),
        ("stake", stake),
        ("largest stake", f"{approval.largest_stake:f} {approval.stake_currency}"),
        ("order policy", approval.order_policy.value),
        ("expires at", f"{approval.expires_at:%Y-%m-%d %H:%M} UTC"),
        *((f"limit of {name}", limit_text(limit)) for name, limit in approval.risk_limits.items()),
        ("bias check", bias),
        ("digest", session.plan.digest),
    ]
    print_table(("plan", session.plan.strategy), rows)


def _print_differences(root: Path, planned: RunManifest) -> None:
    """Print the differences to the last dry-run of the strategy in the folder of runs."""
    name = planned.config.get("name")
    earlier = next(_dry_runs(root, str(name)), None)
    if earlier is None:
        print_text(f"no dry-run of {name} in {root}: there is nothing to compare the plan with")
        return
    rows = [row for row in differences(earlier, planned) if row[0].startswith(_COMPARED)]
    if rows:
        print_table(("difference", f"dry-run {earlier.run_id}", "this plan"), rows)
    else:
        print_text(f"no difference to the dry-run {earlier.run_id}")


def _dry_runs(root: Path, name: str) -> Iterator[RunManifest]:
    for run in list_runs(root):
        if run.mode == TradingMode.DRY_RUN:
            try:
                manifest = RunManifest.read(run.folder)
            except StorageError:
                continue
            if manifest.config.get("name") == name and not manifest.is_fallback:
                yield manifest


def _require_typed(session: PlannedSession, interrupts: Interrupts) -> None:
    """Let a person type the digest, as proof that it was looked at.

    Raises:
        TradingError: Something else was typed.
        RunInterruptedError: A signal came instead.
    """
    wanted = session.plan.digest[:_SHOWN_DIGITS]
    sys.stdout.write(f"type the first {_SHOWN_DIGITS} digits of the digest to approve this plan: ")
    sys.stdout.flush()
    with interrupts.raising():
        typed = sys.stdin.readline().strip()
    if typed not in {wanted, session.plan.digest}:
        message = "the plan is not approved: its digest was not typed; nothing was stored"
        raise TradingError(message, reason="not typed")
