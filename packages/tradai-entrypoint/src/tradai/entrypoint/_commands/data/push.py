"""`tradai-entrypoint data push`: send a data folder to a store."""

import argparse

from tradai.core import file_path
from tradai.entrypoint._commands.data.transferred import print_transfer
from tradai.entrypoint._inputs.transfer import FolderTransfer
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.progress import Progress


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Send the files that the store does not have, and print what was done."""
    folder = file_path(args.folder)
    with Progress(enabled=not args.json) as progress, interrupts.raising():
        result = FolderTransfer(say=progress.say).push(folder, args.uri, delete=args.delete)
    print_transfer(result, verb="sent", side=result.uri, as_json=args.json)
    return 0
