"""`tradai-entrypoint approvals show`: show one approval, and whether it counts now."""

import argparse
from collections.abc import Iterator

from tradai.core.live import Approval, ListedApproval
from tradai.entrypoint._commands.console import print_json, print_table
from tradai.entrypoint._commands.live.approval_rows import (
    approval_json,
    find_approval,
    instant_text,
    limit_text,
)
from tradai.entrypoint._live.live_places import approvals_of
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._process.interrupts import Interrupts


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print all fields of the approval."""
    with interrupts.raising():
        listed = find_approval(approvals_of(LiveSettings()), args.strategy, args.approval)
    if args.json:
        print_json(approval_json(listed))
    else:
        print_table(("approval", listed.approval_id), list(_rows(listed)))
    return 0


def _rows(listed: ListedApproval) -> Iterator[tuple[str, str]]:
    yield "counts now", "yes" if listed.refusal is None else f"no: {listed.refusal}"
    yield "signed", "yes" if listed.is_signed else "no"
    revocation = listed.revocation
    if revocation:
        when = instant_text(revocation.revoked_at)
        yield "revoked", f"by {revocation.revoked_by} at {when}: {revocation.reason}"
    elif listed.is_revoked:
        yield "revoked", "yes, by a record that cannot be read"
    if listed.approval:
        yield from _fields(listed.approval)


def _fields(approval: Approval) -> Iterator[tuple[str, str]]:
    yield from ((name.replace("_", " "), str(value or "-")) for name, value in approval.plan)
    yield "confirmation", approval.plan.confirmation
    yield "account", str(approval.account)
    yield "approver", approval.approver
    yield "approved at", instant_text(approval.approved_at)
    yield "expires at", instant_text(approval.expires_at)
    yield "largest stake", f"{approval.largest_stake:f} {approval.stake_currency}"
    yield "order policy", approval.order_policy.value
    if approval.without_bias_check:
        yield "without bias check", approval.without_bias_check
    limits = approval.risk_limits.items()
    yield from ((f"limit of {name}", limit_text(limit)) for name, limit in limits)
