"""`tradai-entrypoint runs diff`: compare two runs."""

import argparse
import os
from textwrap import wrap
from typing import Final

from tradai.entrypoint._commands.console import print_json, print_table, print_text
from tradai.entrypoint._history.local_runs import differences
from tradai.entrypoint._history.run_source import RunSource
from tradai.entrypoint._process.interrupts import Interrupts

# Columns of a cell; a digest fits.
_WIDTH: Final = 64


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print a row per fact that differs."""
    del interrupts
    source = RunSource.of(args.runs, args.store, os.environ)
    (left, _), (right, _) = (source.manifest(name) for name in (args.run, args.other))
    rows = list(differences(left, right))
    if args.json:
        print_json([dict(zip(("name", "run", "other"), row, strict=True)) for row in rows])
    elif rows:
        shown = [(name, _wrapped(before), _wrapped(after)) for name, before, after in rows]
        print_table(("name", left.run_id, right.run_id), shown)
    else:
        print_text("no difference except ids and times")
    return 0


def _wrapped(text: str) -> str:
    """Return `text` in lines; a long word stays whole."""
    lines = wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines) or text
