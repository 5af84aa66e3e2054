"""`tradai-entrypoint data push`: send a data folder to a store."""

import argparse
from dataclasses import asdict

from tradai.core import file_path
from tradai.entrypoint._commands.console import print_json, print_text
from tradai.entrypoint._inputs.transfer import FolderTransfer, Transfer
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.progress import Progress


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Send the files that the store does not have, and print what was done."""
    folder = file_path(args.folder)
    with Progress(enabled=not args.json) as progress, interrupts.raising():
        result = FolderTransfer(say=progress.say).push(folder, args.uri, delete=args.delete)
    print_transfer(result, verb="sent", side=result.uri, as_json=args.json)
    return 0


def print_transfer(result: Transfer, *, verb: str, side: str, as_json: bool) -> None:
    """Print what happened to each file.

    Args:
        result: The transfer.
        verb: Word for moving a file.
        side: The side that was written to.
        as_json: Whether to print JSON.
    """
    if as_json:
        print_json(asdict(result))
        return
    files = len(result.moved) + len(result.unchanged)
    print_text(f"{verb} {len(result.moved)} of {files} files, {len(result.unchanged)} unchanged")
    for name in result.deleted:
        print_text(f"removed from {side}: {name}")
    for name in result.extra:
        print_text(f"only in {side}, kept (--delete removes it): {name}")
