"""Output of `data push` and `data pull`."""

from dataclasses import asdict

from tradai.entrypoint._commands.console import print_json, print_text
from tradai.entrypoint._inputs.transfer_report import Transfer


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
