"""Free space on the disk of a run, checked now and then."""

import shutil
import time
from pathlib import Path
from typing import Final, final

from tradai.core.exceptions import StorageError

_CHECK_EVERY_S: Final = 1.0
# As much as an engine may write before the next check and while it is stopped, and a share that
# leaves a small disk usable.
_LEAST_BYTES: Final = 64 * 1024 * 1024
_SMALL_DISK_SHARE: Final = 20


@final
class FreeSpace:
    """Free space on the disk that has `folder`."""

    def __init__(self, folder: Path) -> None:
        """Watch the disk of `folder`; the first check is due at once."""
        self._folder = folder
        self._due = 0.0

    @property
    def due_in_s(self) -> float:
        """Time until the next check is due."""
        return max(0.0, self._due - time.monotonic())

    def check(self) -> None:
        """Check the disk when that is due.

        Raises:
            StorageError: The disk is nearly full.
        """
        if self.due_in_s > 0:
            return
        self._due = time.monotonic() + _CHECK_EVERY_S
        try:
            usage = shutil.disk_usage(self._folder)
        except OSError:
            # Not known; a write that fails will show it.
            return
        if usage.free < min(_LEAST_BYTES, usage.total // _SMALL_DISK_SHARE):
            raise StorageError(
                f"the disk of {self._folder} is nearly full ({usage.free // 1024} KiB are free): "
                "free some space, or choose another folder for the runs",
                operation="write",
            )
