"""Progress of a sweep and the like, in its folder for as long as it has not all of its runs."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from tradai.core import FileStore
from tradai.core.exceptions import StorageError
from tradai.entrypoint._history.run_listing import RunListing, RunSummary

_NAME: Final = "unfinished.json"
# Folders of results, beside that of the runs.
_FOLDERS: Final = ("sweeps", "analyses", "comparisons")


def note_progress(folder: Path, done: str) -> None:
    """Keep in `folder` how many runs are `done`, such as ``4 of 27 runs``.

    The note outlives a command that is killed. A disk that refuses it ends no command, which will
    say so when it writes its result.
    """
    with suppress(StorageError):
        document = json.dumps({"done": done}) + "\n"
        # `Path.resolve` raises RuntimeError for a link that leads to itself, before Python 3.13.
        path = Path(os.path.realpath(folder / _NAME))
        FileStore().write(path.as_uri(), document.encode())


def drop_progress(folder: Path) -> None:
    """Forget the progress in `folder`, and a folder that has nothing else."""
    with suppress(OSError):
        (folder / _NAME).unlink(missing_ok=True)
        folder.rmdir()


def with_unfinished(listing: RunListing, root: Path) -> RunListing:
    """Return `listing` with the progress of each unfinished sweep, analysis or comparison.

    Their folders are looked for beside `root`, the folder of the runs, and in the working folder:
    commands put them there unless a flag names another place.
    """
    if not any(run.part_of for run in listing.runs):
        return listing
    found: dict[str, str] = {}
    for file in _notes({root.absolute().parent, Path(".tradai").absolute()}):
        # A damaged file says nothing of its runs.
        with suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
            found[file.parent.name] = str(json.loads(file.read_bytes())["done"])
    return replace(listing, runs=[_marked(run, found) for run in listing.runs])


def _notes(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        for name in _FOLDERS:
            yield from place.glob(f"{name}/*/{_NAME}")


def _marked(run: RunSummary, found: dict[str, str]) -> RunSummary:
    name = (run.part_of or "").partition(" ")[2]
    return replace(run, progress=found.get(name))
