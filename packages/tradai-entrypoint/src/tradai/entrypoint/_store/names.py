"""Names of a run and of its files, in its folder and in a store."""

import os
import re
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

# Version of the manifest that this version writes; later ones are read too.
SCHEMA_VERSION: Final = 1
MANIFEST_NAME: Final = "manifest.json"
STARTED_NAME: Final = "started.json"
JOURNAL_NAME: Final = "journal.jsonl"
# Facts that wait for the tracking server; the tracker writes it, and knows its content.
TRACKING_NAME: Final = "tracking.jsonl"
RESERVE_NAME: Final = ".reserve"
# Folder of what a run needs while it goes on, and the status of a dry-run in it.
SCRATCH_NAME: Final = "scratch"
STATUS_NAME: Final = "status.json"
# Results that later commands read.
TRADES_NAME: Final = "trades.parquet"
CANDLES_NAME: Final = "candles.parquet"
EPOCHS_NAME: Final = "epochs.jsonl"
# Result of an analysis for bias, and its mode where runs are shown: it has that of a backtest.
BIAS: Final = "bias"
BIAS_MODE: Final = "bias check"
# Its id, which tells it before it has that result, and for ever if its process is killed.
_BIAS_ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-bias-[0-9a-f]{8}", re.ASCII)
# States of a run that did not end. Its manifest says `RUNNING`, also after its process is gone; a
# list of runs then says `KILLED`.
RUNNING: Final = "running"
KILLED: Final = "killed"
# A manifest calls a run that ended so, however that was; lists of runs tell three ends apart.
ENDED: Final = "ended"
DONE: Final = "done"
FAILED: Final = "failed"
REFUSED: Final = "refused"
LISTED_STATES: Final = (DONE, FAILED, KILLED, REFUSED, RUNNING)
KILLED_SENTENCE: Final = "killed: its process is gone, and left no verdict"
# Of a run that did not end, where nothing shows whether a process has it.
UNFINISHED_SENTENCE: Final = "did not end: it goes on, or its supervisor died"
# Stands for the last finished run where a run is named.
LATEST: Final = "latest"

_SEGMENT: Final = re.compile(r"(journal|tracking)/([0-9]{6,})\.jsonl", re.ASCII)
# These are sent in another form, or at another time, than the other files.
_SENT_APART: Final = frozenset({MANIFEST_NAME, STARTED_NAME, JOURNAL_NAME, TRACKING_NAME})
# The space reserved for the end, and what a killed writer left behind.
_WITHOUT_CONTENT: Final = (RESERVE_NAME, ".tradai-")


def new_bias_id(now: datetime) -> str:
    """Return the id of an analysis for bias, by which it is found among runs."""
    return f"{now:%Y%m%dT%H%M%SZ}-bias-{secrets.token_hex(4)}"


def is_bias_id(run_id: str) -> bool:
    """Return whether `new_bias_id` made `run_id`.

    >>> is_bias_id("20260131T235959Z-bias-1a2b3c4d")
    True
    """
    return _BIAS_ID.fullmatch(run_id) is not None


def segment_name(number: int, file: str = JOURNAL_NAME) -> str:
    """Return the name of a segment of `file` in a store; the first has number 1.

    >>> segment_name(1)
    'journal/000001.jsonl'
    """
    return f"{file.removesuffix('.jsonl')}/{number:06}.jsonl"


def segment_of(name: str) -> tuple[str, int] | None:
    """Return the file and the number of the segment `name`; None when it is another file.

    >>> segment_of("tracking/000012.jsonl")
    ('tracking.jsonl', 12)
    """
    match = _SEGMENT.fullmatch(name)
    return (f"{match[1]}.jsonl", int(match[2])) if match else None


def result_files(folder: Path) -> Iterator[str]:
    """Yield the names of the files that a run leaves, below its `folder`, sorted.

    Left out are manifest, claim, journal and tracked facts, links, and files without content.
    """
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for path in (Path(parent, name) for name in sorted(names)):
            name = path.relative_to(folder).as_posix()
            is_sent_apart = name in _SENT_APART or path.name.startswith(_WITHOUT_CONTENT)
            if not is_sent_apart and not path.is_symlink() and path.is_file():
                yield name
