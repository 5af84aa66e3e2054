"""Runs that pages about several runs link to: those of sweeps, comparisons and analyses."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from tradai.entrypoint._report.report_files import REPORT_NAME

# Folders of pages, beside that of the runs, and the file of a page that has the ids of its runs.
_PAGES: Final = (
    "sweeps/*/sweep.json",
    "comparisons/*/comparison.json",
    "analyses/*/robustness.json",
)
# Keys of an id in these files; a window has those of its two runs.
_IDS: Final = ("run_id", "training_run", "test_run")


def linked_runs(root: Path) -> dict[str, list[Path]]:
    """Return the pages that link to a run, by the ids of runs in the folder `root`.

    Pages are looked for beside `root`, where commands put them unless a flag names another place.
    """
    found: dict[str, list[Path]] = {}
    for pattern in _PAGES:
        for file in sorted(root.absolute().parent.glob(pattern)):
            # A damaged file links to no run.
            with suppress(OSError, ValueError, RecursionError):
                for run_id in set(_run_ids(json.loads(file.read_bytes()))):
                    found.setdefault(run_id, []).append(file.with_name(REPORT_NAME))
    return found


def _run_ids(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (node[key] for key in _IDS if isinstance(node.get(key), str))
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from _run_ids(each)
