"""Files of a report: the page, and its data beside it, which are written together."""

import os
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from tradai.core import atomic_file, file_errors

REPORT_NAME: Final = "report.html"
DATA_NAME: Final = "report.json"


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files`, by their names, into `folder`, which is made if it is missing.

    When the disk refuses one of them, none is written, and those that were there stay as they were.

    Raises:
        StorageError: The disk refused.
    """
    is_new = not folder.exists()
    try:
        with file_errors("write", folder):
            folder.mkdir(parents=True, exist_ok=True)
            write_into(folder, files)
    except BaseException:
        with suppress(OSError):
            if is_new:
                folder.rmdir()
        raise


def write_into(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` as `write_together` does, into a folder that is there.

    Raises:
        NotFoundError: There is no folder.
        StorageError: The disk refused.
    """
    # A file takes its place when the block ends, and all are on the disk then.
    with ExitStack() as drafts:
        for name, data in files.items():
            # The error of a file names it, and not the folder.
            drafts.enter_context(file_errors("write", folder / name))
            # It would be found only when the others are in their places.
            if (folder / name).is_dir():
                raise IsADirectoryError
            draft = drafts.enter_context(atomic_file(folder / name))
            draft.write(data)
            draft.flush()
            os.fsync(draft.fileno())
