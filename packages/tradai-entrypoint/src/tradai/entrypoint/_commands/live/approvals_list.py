"""`tradai-entrypoint approvals list`: list the approvals of a strategy, newest first."""

import argparse
from typing import Final

from tradai.core.live import ListedApproval
from tradai.entrypoint._commands.console import print_json, print_table, print_text
from tradai.entrypoint._commands.live.approval_rows import (
    approval_json,
    instant_text,
    rows_with_counts,
)
from tradai.entrypoint._live.live_places import approvals_of
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._process.interrupts import Interrupts

_COLUMNS: Final = ("approval", "version", "account", "approver", "expires", "counts")
_SHOWN_DIGITS: Final = 12


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print a row per approval."""
    with interrupts.raising():
        listing = approvals_of(LiveSettings()).listing(args.strategy)
    if args.json:
        print_json([approval_json(listed) for listed in listing])
    elif listing:
        print_table(_COLUMNS, [_row(*each) for each in rows_with_counts(listing)])
    else:
        print_text(f"{args.strategy} has no approvals")
    return 0


def _row(listed: ListedApproval, counts: str) -> tuple[str, ...]:
    approval, shown_id = listed.approval, listed.approval_id[:_SHOWN_DIGITS]
    if approval is None:
        return (shown_id, "-", "-", "-", "-", counts)
    return (
        shown_id,
        approval.plan.version,
        str(approval.account),
        approval.approver,
        instant_text(approval.expires_at),
        counts,
    )
