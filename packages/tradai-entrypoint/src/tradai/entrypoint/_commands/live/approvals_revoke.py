"""`tradai-entrypoint approvals revoke`: end an approval for good."""

import argparse

from tradai.entrypoint._commands.console import print_json, print_text
from tradai.entrypoint._commands.live.approval_rows import find_approval
from tradai.entrypoint._commands.live.operator import operator_of
from tradai.entrypoint._live.live_places import approvals_of
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._process.interrupts import Interrupts


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Revoke the approval; a session that trades by it goes on until it is stopped."""
    # Trading is stopped by this, so it must not depend on the key.
    approvals = approvals_of(LiveSettings().model_copy(update={"approval_key": None}))
    by = operator_of(args)
    with interrupts.raising():
        approval_id = find_approval(approvals, args.strategy, args.approval).approval_id
        approvals.revoke(args.strategy, approval_id, revoked_by=by, reason=args.reason)
    if args.json:
        print_json({"approval_id": approval_id, "is_revoked": True})
    else:
        print_text(f"revoked: {approval_id}")
        print_text("a session that trades by it goes on: `tradai-entrypoint stop` stops it")
    return 0
