"""`tradai-entrypoint data pull`: bring a data folder from a store."""

import argparse

from tradai.core import file_path
from tradai.entrypoint._commands.data.push import print_transfer
from tradai.entrypoint._inputs.transfer import FolderTransfer
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.progress import Progress


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Bring the files that this machine does not have, and print what was done."""
    folder = file_path(args.folder)
    with Progress(enabled=not args.json) as progress, interrupts.raising():
        result = FolderTransfer(say=progress.say).pull(args.uri, folder, delete=args.delete)
    print_transfer(result, verb="brought", side=str(folder), as_json=args.json)
    return 0
